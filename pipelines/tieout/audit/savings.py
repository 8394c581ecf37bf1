"""Checks of the totals: do the published costs and savings follow from the lines of the claim?"""

from collections.abc import Iterator, Sequence
from fractions import Fraction

from tieout.audit.arithmetic import daily, saving_detail, share
from tieout.audit.claim import Claim, line_saving
from tieout.audit.entries import AuditCode, AuditEntry, Detail
from tieout.catalog.models import ProjectionLine
from tieout.core.figures import Agreement, Figure, Unit, agreement_of, figure, number
from tieout.core.findings import Severity
from tieout.core.money import format_usd, round_picodollars
from tieout.core.periods import HOURS_PER_DAY

DAYS_PER_MONTH = 30
DAYS_PER_AVERAGE_MONTH = Fraction(365, 12)


def saving_per_function(claim: Claim) -> Iterator[AuditEntry]:
    """The saving of every line, and their sum."""
    computed = figure(claim.saving_per_day, Unit.USD_PER_DAY)
    yield AuditEntry(
        code=AuditCode.SAVING_PER_FUNCTION,
        severity=Severity.INFO,
        subject=claim.subject,
        statement=f"The {len(claim.lines)} lines of the claim come to a saving of {computed.text} a day.",
        arithmetic=" + ".join(number(line_saving(line)) for line in claim.lines) + f" = {number(computed.low)}",
        published=None,
        computed=computed,
        details=tuple(saving_detail(line) for line in claim.lines),
    )


def costs_before_and_after(claim: Claim) -> Iterator[AuditEntry]:
    """The published hourly and daily costs against the sums of the lines."""
    published = claim.published
    if published is None:
        return
    before, after = claim.before_per_hour, claim.after_per_hour
    lines = claim.lines
    for code, what, printed, exact, arithmetic in (
        (
            AuditCode.HOUR_BEFORE,
            "hourly cost before",
            published.before_usd_per_hour,
            before,
            _cost_terms(lines, "before"),
        ),
        (AuditCode.HOUR_AFTER, "hourly cost after", published.after_usd_per_hour, after, _cost_terms(lines, "after")),
        (
            AuditCode.DAY_BEFORE,
            "daily cost before",
            published.before_usd_per_day,
            before * HOURS_PER_DAY,
            daily(before),
        ),
        (AuditCode.DAY_AFTER, "daily cost after", published.after_usd_per_day, after * HOURS_PER_DAY, daily(after)),
    ):
        unit = Unit.USD_PER_HOUR if code in (AuditCode.HOUR_BEFORE, AuditCode.HOUR_AFTER) else Unit.USD_PER_DAY
        yield _against_published(
            claim, code, f"The {what} the change", figure(printed, unit), figure(exact, unit), arithmetic
        )


def _cost_terms(lines: Sequence[ProjectionLine], side: str) -> str:
    prices = [line.before_usd_per_hour if side == "before" else line.after_usd_per_hour for line in lines]
    terms = " + ".join(f"{number(p)} × {line.calls_per_hour}" for p, line in zip(prices, lines, strict=True))
    total = sum((Fraction(p) * line.calls_per_hour for p, line in zip(prices, lines, strict=True)), Fraction(0))
    return f"{terms} = {number(total)}"


def saving_per_day(claim: Claim) -> Iterator[AuditEntry]:
    """The published daily saving and reduction against the lines."""
    published, saving, before = claim.published, claim.saving_per_day, claim.before_per_hour * HOURS_PER_DAY
    if published is None:
        return
    yield _against_published(
        claim,
        AuditCode.SAVING_PER_DAY,
        "The daily saving",
        figure(published.saving_usd_per_day, Unit.USD_PER_DAY),
        figure(saving, Unit.USD_PER_DAY),
        f"{number(before)} − {number(before - saving)} = {number(saving)}",
    )
    if not before:
        return
    exact = round_picodollars(100 * saving / before)
    reduction = Figure(exact, exact, Unit.PERCENT, percent_places=2)
    arithmetic = f"{number(saving)} ÷ {number(before)} = {reduction.text}"
    printed = figure(published.reduction_percent, Unit.PERCENT)
    yield _against_published(claim, AuditCode.REDUCTION, "The reduction", printed, reduction, arithmetic)
    if claim.claims.least_reduction_percent is not None:
        least = figure(claim.claims.least_reduction_percent, Unit.PERCENT)
        reached = reduction.low >= least.low
        yield AuditEntry(
            code=AuditCode.LEAST_REDUCTION,
            severity=Severity.INFO if reached else Severity.WARNING,
            subject=claim.subject,
            statement=f"The analysis calls a reduction of {least.text} and more possible; its lines come to "
            f"{reduction.text}.",
            arithmetic=arithmetic,
            published=least,
            computed=reduction,
        )


def _against_published(
    claim: Claim, code: AuditCode, what: str, published: Figure, computed: Figure, arithmetic: str
) -> AuditEntry:
    severity, verb = {
        Agreement.EXACT: (Severity.INFO, "agrees with its lines at"),
        Agreement.ROUNDED: (Severity.INFO, "is rounded; its lines come to"),
        Agreement.DIFFERENT: (Severity.WARNING, "is not what its lines come to:"),
    }[agreement_of(published, computed)]
    statement = f"{what}, published as {published.text}, {verb} {computed.text}."
    return AuditEntry(
        code=code,
        severity=severity,
        subject=claim.subject,
        statement=statement,
        arithmetic=arithmetic,
        published=published,
        computed=computed,
    )


def saving_per_month(claim: Claim) -> Iterator[AuditEntry]:
    """The published monthly saving against 30 days and an average month of the daily one."""
    if claim.published is None:
        return
    daily = Fraction(claim.published.saving_usd_per_day)
    exact = claim.saving_per_day
    computed = figure(exact * DAYS_PER_MONTH, Unit.USD_PER_MONTH)
    ways = (
        ("the published saving for 30 days", daily, Fraction(DAYS_PER_MONTH), "30"),
        ("the published saving for a twelfth of a year", daily, DAYS_PER_AVERAGE_MONTH, "365 ÷ 12"),
        ("the exact saving for a twelfth of a year", exact, DAYS_PER_AVERAGE_MONTH, "365 ÷ 12"),
    )
    printed = figure(claim.published.saving_usd_per_month, Unit.USD_PER_MONTH)
    details = tuple(
        Detail(
            claim.subject,
            label,
            printed,
            figure(per_day * days, Unit.USD_PER_MONTH),
            f"{number(per_day)} × {written} = {number(per_day * days)}",
        )
        for label, per_day, days, written in ways
    )
    yield AuditEntry(
        code=AuditCode.SAVING_PER_MONTH,
        severity=Severity.INFO if printed == computed else Severity.WARNING,
        subject=claim.subject,
        statement=f"The monthly saving, published as {printed.text}, is {computed.text} at {DAYS_PER_MONTH} days of "
        f"the exact saving; the published day comes to {details[1].computed.text} in an average month.",
        arithmetic=f"{number(exact)} × {DAYS_PER_MONTH} = {number(computed.low)}",
        published=printed,
        computed=computed,
        details=details,
    )


def break_even(claim: Claim) -> Iterator[AuditEntry]:
    """The share of the projection that must be realized for the least saving that the analysis names."""
    least = claim.claims.least_saving_usd_per_month
    if claim.published is None or least is None or not claim.published.saving_usd_per_month:
        return
    exact = claim.saving_per_day
    ways = (
        ("of the published month", Fraction(claim.published.saving_usd_per_month)),
        ("of 30 days of the exact saving", exact * DAYS_PER_MONTH),
        (
            "of an average month of the published saving",
            Fraction(claim.published.saving_usd_per_day) * DAYS_PER_AVERAGE_MONTH,
        ),
    )
    details = tuple(
        Detail(claim.subject, label, None, figure(100 * Fraction(least) / month, Unit.PERCENT), share(least, month))
        for label, month in ways
        if month
    )
    computed = details[0].computed
    yield AuditEntry(
        code=AuditCode.BREAK_EVEN,
        severity=Severity.INFO,
        subject=claim.subject,
        statement=f"Over {format_usd(least, 0)} a month holds only if at least {computed.text} of the projection "
        "is realized.",
        arithmetic=details[0].arithmetic,
        published=figure(least, Unit.USD_PER_MONTH),
        computed=computed,
        details=details,
    )
