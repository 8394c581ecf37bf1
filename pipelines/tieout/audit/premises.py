"""Checks of the premises: what does an hour of container time per call imply?"""

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

from tieout.audit.arithmetic import daily
from tieout.audit.claim import Claim, Side
from tieout.audit.entries import AuditCode, AuditEntry, Detail
from tieout.core.figures import Unit, figure, number
from tieout.core.findings import Severity
from tieout.core.periods import HOURS_PER_DAY, SECONDS_PER_HOUR


def implied_seconds(claim: Claim) -> Iterator[AuditEntry]:
    """How long a call would have to run for the published cost."""
    containers = sum(line.calls_per_hour for line in claim.lines)
    computed = figure(claim.implied_seconds, Unit.SECONDS)
    paid = claim.before_per_hour if claim.published is None else Fraction(claim.published.before_usd_per_hour)
    yield AuditEntry(
        code=AuditCode.IMPLIED_SECONDS,
        severity=Severity.WARNING,
        subject=claim.subject,
        statement=f"The claim multiplies a price per hour by calls per hour, as if each call lasted {computed.text}: "
        f"{containers:,} containers busy around the clock.",
        arithmetic=f"{number(paid)} $/h ÷ {number(claim.before_per_hour)} $/h × {number(SECONDS_PER_HOUR)} s = "
        f"{computed.text} per call",
        published=None,
        computed=computed,
        details=tuple(
            Detail(line.function, "containers busy", None, figure(Decimal(line.calls_per_hour), Unit.COUNT), terms)
            for line, terms in (
                (line, f"{line.calls_per_hour} calls/h × {computed.text} ÷ {number(SECONDS_PER_HOUR)} s")
                for line in claim.lines
            )
        ),
    )


def timeout_bound(claim: Claim) -> Iterator[AuditEntry]:
    """The most that execution could cost, with every call ended at its timeout."""
    before = [side for side in claim.sides if side.name == "before"]
    limits = [(side, side.configuration.timeout_seconds) for side in before if side.configuration is not None]
    bounded = [(side, seconds) for side, seconds in limits if seconds is not None]
    if claim.published is None or len(bounded) < len(claim.lines):
        return
    if all(seconds >= claim.implied_seconds for _, seconds in bounded):
        return
    details = tuple(_at_timeout(side, seconds, claim.implied_seconds) for side, seconds in bounded)
    total = sum((Fraction(detail.computed.low) for detail in details), Fraction(0))
    computed = figure(total, Unit.USD_PER_DAY)
    published = figure(claim.published.before_usd_per_day, Unit.USD_PER_DAY)
    saving = figure(claim.published.saving_usd_per_day, Unit.USD_PER_DAY)
    also = f", less even than the published saving of {saving.text}" if computed.low < saving.low else ""
    yield AuditEntry(
        code=AuditCode.TIMEOUT_BOUND,
        severity=Severity.WARNING,
        subject=claim.subject,
        statement=f"A call ends at its timeout, so at the claim's own prices and calls execution could cost at most "
        f"{computed.text} a day before the change, not {published.text}{also}.",
        arithmetic=" + ".join(number(detail.computed.low) for detail in details) + f" = {number(total)}",
        published=published,
        computed=computed,
        details=details,
    )


def _at_timeout(side: Side, timeout_seconds: int, implied_seconds: Fraction) -> Detail:
    line, seconds = side.line, min(Fraction(timeout_seconds), implied_seconds)
    per_call = Fraction(side.usd_per_hour) * seconds / SECONDS_PER_HOUR
    most = figure(per_call * line.calls_per_hour * HOURS_PER_DAY, Unit.USD_PER_DAY)
    claimed = figure(Fraction(side.usd_per_hour) * line.calls_per_hour * HOURS_PER_DAY, Unit.USD_PER_DAY)
    terms = f"{number(side.usd_per_hour)} × {number(seconds)} ÷ {number(SECONDS_PER_HOUR)}"
    arithmetic = f"{terms} × {line.calls_per_hour} × {HOURS_PER_DAY} = {number(most.low)}"
    return Detail(line.function, f"timeout {timeout_seconds:,} s", claimed, most, arithmetic)


def always_on(claim: Claim) -> Iterator[AuditEntry]:
    """The cost of one container of each function, on around the clock."""
    published = claim.published
    claimed_usd = {"before": published.before_usd_per_day, "after": published.after_usd_per_day} if published else {}
    for name in ("before", "after"):
        sides = [side for side in claim.sides if side.name == name]
        per_hour = sum((Fraction(side.usd_per_hour) for side in sides), Fraction(0))
        computed = figure(per_hour * HOURS_PER_DAY, Unit.USD_PER_DAY)
        claimed = f"; the claim says {figure(claimed_usd[name], Unit.USD_PER_DAY).text}" if name in claimed_usd else ""
        yield AuditEntry(
            code=AuditCode.ALWAYS_ON,
            severity=Severity.INFO,
            subject=name,
            statement=f"One container of each function, on around the clock, would cost {computed.text} a day {name} "
            f"the change{claimed}.",
            arithmetic=f"({' + '.join(number(side.usd_per_hour) for side in sides)}) × {HOURS_PER_DAY} = "
            f"{number(computed.low)}",
            published=None,
            computed=computed,
            details=tuple(_one_container(side) for side in sides),
        )


def _one_container(side: Side) -> Detail:
    price = Fraction(side.usd_per_hour)
    return Detail(side.line.function, side.name, None, figure(price * HOURS_PER_DAY, Unit.USD_PER_DAY), daily(price))
