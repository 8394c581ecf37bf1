"""The audit of the projection: what the claim says, computed anew from its own figures.

Every figure comes from the catalog (`projection.yaml`, `rollout.yaml`, `functions.yaml`, `prices.yaml`); the module
holds the arithmetic and the calendar, no figure of any programme (docs/method.md, "Projection audit"). A line of the
claim is a price per hour times calls per hour, as if each call lasted an hour; the bridge (`savings.bridge`) puts the
measured seconds of a call in the hour's place.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from tieout.audit.claim import MIB_PER_GIB, Claim, Side, line_saving
from tieout.audit.entries import AuditCode, AuditEntry, Detail
from tieout.catalog.models import Catalog, Configuration, ProjectionLine, PublishedTotals
from tieout.core.figures import Agreement, Figure, Unit, agreement_of, figure, figure_range, number
from tieout.core.findings import Severity
from tieout.core.money import format_usd, round_picodollars
from tieout.core.periods import HOURS_PER_DAY, SECONDS_PER_HOUR

DAYS_PER_MONTH = 30
DAYS_PER_AVERAGE_MONTH = Fraction(365, 12)
MOST_SPLITS = 100_000


def audit_projection(catalog: Catalog) -> list[AuditEntry]:
    """Hold the claim against its own figures, the rate card and the configurations of the catalog.

    An entry whose figures the catalog lacks is left out: without lines there is no audit at all.

    Args:
        catalog: the programme; the prices are those of the day of the first deployment.
    """
    if not catalog.projection.lines:
        return []
    claim = Claim(catalog)
    return [entry for section in _SECTIONS for entry in section(claim)]


# Totals


def _function_savings(claim: Claim) -> Iterator[AuditEntry]:
    computed = figure(claim.saving_per_day, Unit.USD_PER_DAY)
    yield AuditEntry(
        code=AuditCode.SAVING_PER_FUNCTION,
        severity=Severity.INFO,
        subject=claim.subject,
        statement=f"The {len(claim.lines)} lines of the claim come to a saving of {computed.text} a day.",
        arithmetic=" + ".join(number(line_saving(line)) for line in claim.lines) + f" = {number(computed.low)}",
        published=None,
        computed=computed,
        details=tuple(_saving_detail(line) for line in claim.lines),
    )


def _saving_detail(line: ProjectionLine) -> Detail:
    return Detail(line.function, "saving", None, figure(line_saving(line), Unit.USD_PER_DAY), _line_arithmetic(line))


def _line_arithmetic(line: ProjectionLine) -> str:
    prices = f"({number(line.before_usd_per_hour)} − {number(line.after_usd_per_hour)})"
    return f"{prices} × {line.calls_per_hour} × {HOURS_PER_DAY} = {number(line_saving(line))}"


def _costs(claim: Claim) -> Iterator[AuditEntry]:
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
            _daily(before),
        ),
        (AuditCode.DAY_AFTER, "daily cost after", published.after_usd_per_day, after * HOURS_PER_DAY, _daily(after)),
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


def _daily(per_hour: Fraction) -> str:
    return f"{number(per_hour)} × {HOURS_PER_DAY} = {number(per_hour * HOURS_PER_DAY)}"


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


def _savings(claim: Claim) -> Iterator[AuditEntry]:
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


def _month(claim: Claim) -> Iterator[AuditEntry]:
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


def _break_even(claim: Claim) -> Iterator[AuditEntry]:
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
        Detail(claim.subject, label, None, figure(100 * Fraction(least) / month, Unit.PERCENT), _share(least, month))
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


def _share(part: Decimal | Fraction, whole: Decimal | Fraction) -> str:
    percent = figure(100 * Fraction(part) / Fraction(whole), Unit.PERCENT)
    return f"{number(part)} ÷ {number(whole)} = {percent.text}"


# Weeks and phases


def _weeks(claim: Claim) -> Iterator[AuditEntry]:
    first, later = claim.claims.first_week_reduction_percent, claim.claims.later_weeks_additional_percent
    if claim.published is None or first is None or later is None:
        return
    ends = tuple(zip((first.low, first.high), (later.low, later.high), strict=True))
    added = [Fraction(a) + Fraction(b) for a, b in ends]
    compounded = [100 - (100 - Fraction(a)) * (100 - Fraction(b)) / 100 for a, b in ends]
    points = " and ".join(f"{number(a)} + {number(b)} = {number(a + b)}%" for a, b in ends)
    factors = " and ".join(
        f"1 − {number(1 - Fraction(a) / 100)} × {number(1 - Fraction(b) / 100)} = {figure(c, Unit.PERCENT).text}"
        for (a, b), c in zip(ends, compounded, strict=True)
    )
    yield _weekly(claim, claim.published, AuditCode.WEEKS_ADDED, "added as points", added, points)
    yield _weekly(claim, claim.published, AuditCode.WEEKS_COMPOUNDED, "compounded", compounded, factors)


def _weekly(
    claim: Claim,
    published: PublishedTotals,
    code: AuditCode,
    how: str,
    percents: Sequence[Fraction],
    arithmetic: str,
) -> AuditEntry:
    before = Fraction(published.before_usd_per_day)
    reduction = figure_range(percents[0], percents[1], Unit.PERCENT)
    computed = figure_range(before * percents[0] / 100, before * percents[1] / 100, Unit.USD_PER_DAY)
    saving = figure(published.saving_usd_per_day, Unit.USD_PER_DAY)
    contradicts = not computed.low <= saving.low <= computed.high
    relation = "more than" if computed.low > saving.low else "less than" if computed.high < saving.low else "around"
    return AuditEntry(
        code=code,
        severity=Severity.WARNING if contradicts else Severity.INFO,
        subject=claim.subject,
        statement=f"The claims for week 1 and the weeks after, {how}, are {reduction.text} or {computed.text} a day, "
        f"{relation} the published saving of {saving.text}.",
        arithmetic=f"{arithmetic}; × {number(before)} = {computed.text}",
        published=saving,
        computed=computed,
        details=(Detail(claim.subject, "reduction", None, reduction, arithmetic),),
    )


def _first_week(claim: Claim) -> Iterator[AuditEntry]:
    week = claim.claims.first_week_reduction_percent
    if claim.published is None or week is None or not claim.promised or not claim.published.before_usd_per_day:
        return
    phase, promised = claim.promised[0]
    before = Fraction(claim.published.before_usd_per_day)
    computed = figure_range(100 * Fraction(promised.low) / before, 100 * Fraction(promised.high) / before, Unit.PERCENT)
    claimed = figure_range(Fraction(week.low), Fraction(week.high), Unit.PERCENT)
    dollars = figure_range(before * Fraction(week.low) / 100, before * Fraction(week.high) / 100, Unit.USD_PER_DAY)
    yield AuditEntry(
        code=AuditCode.FIRST_WEEK,
        severity=Severity.INFO if claimed == computed else Severity.WARNING,
        subject=phase.id,
        statement=f"The range of {phase.id}, {promised.text} a day, is {computed.text} of the cost before; week 1 is "
        f"claimed at {claimed.text}, which is {dollars.text} a day.",
        arithmetic=f"{_share(promised.low, before)} and {_share(promised.high, before)}",
        published=claimed,
        computed=computed,
        details=(Detail(phase.id, "week 1 in dollars", promised, dollars, f"{claimed.text} × {number(before)}"),),
    )


def _phase_ranges(claim: Claim) -> Iterator[AuditEntry]:
    if claim.published is None or not claim.promised:
        return
    lows = [Fraction(promise.low) for _, promise in claim.promised]
    highs = [Fraction(promise.high) for _, promise in claim.promised]
    computed = figure_range(sum(lows, Fraction(0)), sum(highs, Fraction(0)), Unit.USD_PER_DAY)
    saving = figure(claim.published.saving_usd_per_day, Unit.USD_PER_DAY)
    within = computed.low <= saving.low <= computed.high
    yield AuditEntry(
        code=AuditCode.PHASE_RANGES,
        severity=Severity.INFO if within else Severity.WARNING,
        subject=claim.subject,
        statement=f"The phases' ranges sum to {computed.text} a day, which {'holds' if within else 'misses'} the "
        f"published {saving.text}.",
        arithmetic=" and ".join(
            f"{' + '.join(number(end) for end in ends)} = {number(sum(ends, Fraction(0)))}" for ends in (lows, highs)
        ),
        published=saving,
        computed=computed,
        details=tuple(Detail(phase.id, "promised", promise, promise, phase.name) for phase, promise in claim.promised),
    )


@dataclass(frozen=True)
class PhaseSplit:
    """One way to give every line of the claim to a phase so that each phase's sum lies in its promised range.

    Attributes:
        functions: the functions of each phase, by phase, in the order of the phases.
        usd_per_day: the projected saving of each phase.
    """

    functions: Mapping[str, tuple[str, ...]]
    usd_per_day: Mapping[str, Decimal]


def fitting_splits(lines: Sequence[ProjectionLine], promised: Mapping[str, Figure]) -> list[PhaseSplit]:
    """Find by enumeration every split of the lines over the phases that fits all promised ranges, ends included.

    Args:
        lines: the claim, line by line.
        promised: the range of each phase in dollars a day, in the order of the phases.

    Raises:
        ValueError: more than 100,000 splits to look at.
    """
    if len(promised) ** len(lines) > MOST_SPLITS:
        raise ValueError(f"{len(lines)} lines over {len(promised)} phases are more than {MOST_SPLITS:,} splits")
    splits = []
    for phases in itertools.product(promised, repeat=len(lines)):
        chosen = tuple(zip(phases, lines, strict=True))
        sums = {p: sum((line_saving(line) for phase, line in chosen if phase == p), Fraction(0)) for p in promised}
        if all(Fraction(promised[p].low) <= total <= Fraction(promised[p].high) for p, total in sums.items()):
            functions = {p: tuple(line.function for phase, line in chosen if phase == p) for p in promised}
            splits.append(PhaseSplit(functions, {p: round_picodollars(total) for p, total in sums.items()}))
    return splits


def _phase_splits(claim: Claim) -> Iterator[AuditEntry]:
    promised = {phase.id: promise for phase, promise in claim.promised}
    if len(promised) < 2 or len(promised) ** len(claim.lines) > MOST_SPLITS:
        return
    splits = fitting_splits(claim.lines, promised)
    rolled_out = {phase.id: set(phase.functions) for phase, _ in claim.promised}
    count = figure(Decimal(len(splits)), Unit.COUNT)
    ways = "1 split of its lines fits" if len(splits) == 1 else f"{count.text} splits of its lines fit"
    yield AuditEntry(
        code=AuditCode.PHASE_SPLITS,
        severity=Severity.INFO if len(splits) == 1 else Severity.WARNING,
        subject=claim.subject,
        statement=f"The analysis does not say which function belongs to which phase: {ways} all promised ranges.",
        arithmetic=f"{len(promised)} phases ^ {len(claim.lines)} lines = {len(promised) ** len(claim.lines)} splits "
        f"tried, {count.text} within {' and '.join(promise.text for promise in promised.values())}",
        published=None,
        computed=count,
        details=tuple(
            Detail(phase, label, promised[phase], figure(total, Unit.USD_PER_DAY), _split_terms(split, phase))
            for label, split in ((_split_label(i, split, rolled_out), split) for i, split in enumerate(splits, start=1))
            for phase, total in split.usd_per_day.items()
        ),
    )


def _split_label(position: int, split: PhaseSplit, rolled_out: Mapping[str, set[str]]) -> str:
    deployed = all(set(functions) <= rolled_out[phase] for phase, functions in split.functions.items())
    return f"split {position}, as rolled out" if deployed else f"split {position}"


def _split_terms(split: PhaseSplit, phase: str) -> str:
    return " + ".join(split.functions[phase]) or "no function"


def _gpu_removals(claim: Claim) -> Iterator[AuditEntry]:
    for phase, promised in claim.promised:
        moved = [line for line in claim.lines if _loses_its_gpu(claim, line.function, phase.id)]
        if not moved:
            continue
        computed = figure(sum((line_saving(line) for line in moved), Fraction(0)), Unit.USD_PER_DAY)
        within = promised.low <= computed.low <= promised.high
        relation = "within" if within else "below" if computed.low < promised.low else "above"
        yield AuditEntry(
            code=AuditCode.GPU_REMOVALS,
            severity=Severity.INFO if within else Severity.WARNING,
            subject=phase.id,
            statement=f"Moving from GPU to CPU in {phase.id} ({len(moved)} of its lines) alone comes to "
            f"{computed.text} a day, {relation} the phase's range of {promised.text}.",
            arithmetic=" + ".join(number(line_saving(line)) for line in moved) + f" = {number(computed.low)}",
            published=promised,
            computed=computed,
            details=tuple(_saving_detail(line) for line in moved),
        )


def _loses_its_gpu(claim: Claim, function: str, phase: str) -> bool:
    before, after = claim.before(function), claim.after(function)
    if before is None or after is None:
        return False
    return before.gpu is not None and after.gpu is None and after.phase == phase


def _immediate(claim: Claim) -> Iterator[AuditEntry]:
    immediate = claim.claims.immediate
    if immediate is None:
        return
    cuts = {
        cut.function: Fraction(cut.before_usd_per_hour) - Fraction(cut.after_usd_per_hour) for cut in immediate.cuts
    }
    called = [(cuts[line.function], line.calls_per_hour) for line in claim.lines if line.function in cuts]
    published = Figure(immediate.saving_usd_per_hour.low, immediate.saving_usd_per_hour.high, Unit.USD_PER_HOUR)
    computed = figure(sum(cuts.values(), Fraction(0)), Unit.USD_PER_HOUR)
    at_calls = figure(sum((cut * calls for cut, calls in called), Fraction(0)), Unit.USD_PER_HOUR)
    terms = " + ".join(f"{number(cut)} × {calls}" for cut, calls in called)
    holds = published.low <= computed.low <= published.high
    yield AuditEntry(
        code=AuditCode.IMMEDIATE,
        severity=Severity.INFO if holds else Severity.WARNING,
        subject=claim.subject,
        statement=f"An immediate saving of {published.text} an hour is claimed; its {len(cuts)} price cuts sum to "
        f"{computed.text}, and to {at_calls.text} at the calls of those that have a line.",
        arithmetic=" + ".join(number(cut) for cut in cuts.values()) + f" = {number(computed.low)}",
        published=published,
        computed=computed,
        details=(
            Detail(
                claim.subject, "at the calls of the claim", published, at_calls, f"{terms} = {number(at_calls.low)}"
            ),
        ),
    )


def _unprojected_cuts(claim: Claim) -> Iterator[AuditEntry]:
    projected = {line.function for line in claim.lines}
    functions = [f.name for f in claim.catalog.functions.functions if f.name not in projected]
    cuts = [(name, terms) for name in functions if (terms := _cuts(claim, name))]
    if not cuts:
        return
    computed = figure(Decimal(len(cuts)), Unit.COUNT)
    nothing = figure(Decimal(0), Unit.USD_PER_DAY)
    yield AuditEntry(
        code=AuditCode.UNPROJECTED_CUTS,
        severity=Severity.WARNING,
        subject=claim.subject,
        statement=f"{computed.text} functions get less memory or a shorter timeout, and no line of the claim projects "
        f"a saving for it.",
        arithmetic=f"{', '.join(name for name, _ in cuts)}: no line",
        published=None,
        computed=computed,
        details=tuple(Detail(name, "memory and timeout", None, nothing, terms) for name, terms in cuts),
    )


def _cuts(claim: Claim, function: str) -> str:
    before, after = claim.before(function), claim.after(function)
    if before is None or after is None:
        return ""
    memory = claim.card.memory_mib(before), claim.card.memory_mib(after)
    timeout = before.timeout_seconds, after.timeout_seconds
    terms = [f"memory {memory[0]:,} → {memory[1]:,} MiB"] if memory[1] < memory[0] else []
    if timeout[0] is not None and timeout[1] is not None and timeout[1] < timeout[0]:
        terms.append(f"timeout {timeout[0]:,} → {timeout[1]:,} s")
    return ", ".join(terms)


# The unit


def _implied_seconds(claim: Claim) -> Iterator[AuditEntry]:
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


def _timeout_bound(claim: Claim) -> Iterator[AuditEntry]:
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


def _always_on(claim: Claim) -> Iterator[AuditEntry]:
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
    return Detail(side.line.function, side.name, None, figure(price * HOURS_PER_DAY, Unit.USD_PER_DAY), _daily(price))


# The rate card


def _gpu_prices(claim: Claim) -> Iterator[AuditEntry]:
    groups: dict[tuple[str, int, Decimal], list[Side]] = {}
    for side in claim.sides:
        c = side.configuration
        if c is not None and c.gpu is not None:
            groups.setdefault((c.gpu, c.gpu_count, side.usd_per_hour), []).append(side)
    for (gpu, count, price), sides in groups.items():
        listed = claim.card.usd_per_hour[gpu] * count
        if listed == price:
            continue
        published, computed = figure(price, Unit.USD_PER_HOUR), figure(listed, Unit.USD_PER_HOUR)
        others = [name for name in claim.card.gpus if claim.card.usd_per_hour[name] * count == price]
        also = f"; {published.text} is the price of {_one_of(others)}" if others else ""
        machine = gpu if count == 1 else f"{count} × {gpu}"
        yield AuditEntry(
            code=AuditCode.GPU_PRICE,
            severity=Severity.WARNING,
            subject=gpu,
            statement=f"The claim prices {machine} at {published.text} an hour, the rate card at "
            f"{computed.text}{also}.",
            arithmetic=f"{count} × {number(claim.card.usd_per_hour[gpu])} = {number(listed)}, not {number(price)}",
            published=published,
            computed=computed,
            details=tuple(Detail(side.line.function, side.name, published, computed, gpu) for side in sides),
        )


def _one_of(names: Sequence[str]) -> str:
    return " or ".join(names)


def _container_prices(claim: Claim) -> Iterator[AuditEntry]:
    priced = [(side, side.configuration) for side in claim.sides if side.configuration is not None]
    if len(priced) < len(claim.sides):
        return
    saving, details = Fraction(0), []
    for side, configuration in priced:
        listed, arithmetic = claim.card.container(configuration)
        calls = side.line.calls_per_hour * HOURS_PER_DAY
        saving += listed * calls if side.name == "before" else -listed * calls
        claimed = figure(side.usd_per_hour, Unit.USD_PER_HOUR)
        details.append(Detail(side.line.function, side.name, claimed, figure(listed, Unit.USD_PER_HOUR), arithmetic))
    if all(detail.published == detail.computed for detail in details):
        return
    published = figure(claim.saving_per_day, Unit.USD_PER_DAY)
    computed = figure(saving, Unit.USD_PER_DAY)
    yield AuditEntry(
        code=AuditCode.CONTAINER_PRICE,
        severity=Severity.WARNING,
        subject=claim.subject,
        statement=f"At the rate card's price of each whole container the lines would come to {computed.text} a day, "
        f"not {published.text}, still at an hour per call.",
        arithmetic=f"Σ (container before − container after) × calls × {HOURS_PER_DAY} = {number(saving)}",
        published=published,
        computed=computed,
        details=tuple(details),
    )


def _two_prices(claim: Claim) -> Iterator[AuditEntry]:
    machines: dict[tuple[object, ...], list[Side]] = {}
    for side in claim.sides:
        if side.machine is not None:
            machines.setdefault(side.machine, []).append(side)
    for sides in machines.values():
        configuration = sides[0].configuration
        prices = {side.usd_per_hour for side in sides}
        if len(prices) < 2 or configuration is None:
            continue
        listed, arithmetic = claim.card.container(configuration)
        published = figure_range(Fraction(min(prices)), Fraction(max(prices)), Unit.USD_PER_HOUR)
        computed = figure(listed, Unit.USD_PER_HOUR)
        memory = f"{claim.card.memory_mib(configuration):,} MiB"
        yield AuditEntry(
            code=AuditCode.TWO_PRICES,
            severity=Severity.WARNING,
            subject=configuration.gpu or "CPU",
            statement=f"The claim gives one configuration ({configuration.gpu or 'no GPU'}, {memory}) {len(prices)} "
            f"prices, {published.text} an hour; by the rate card it costs {computed.text}.",
            arithmetic=arithmetic,
            published=published,
            computed=computed,
            details=tuple(
                Detail(side.line.function, side.name, figure(side.usd_per_hour, Unit.USD_PER_HOUR), computed, memory)
                for side in sides
            ),
        )


def _memory_prices(claim: Claim) -> Iterator[AuditEntry]:
    for line in claim.lines:
        before, after = claim.before(line.function), claim.after(line.function)
        if before is None or after is None or not _differ_by_memory_alone(before, after):
            continue
        mib = claim.card.memory_mib(before) - claim.card.memory_mib(after)
        listed = Fraction(mib, MIB_PER_GIB) * Fraction(claim.card.memory_usd_per_gib_hour)
        published = figure(line.before_usd_per_hour - line.after_usd_per_hour, Unit.USD_PER_HOUR)
        computed = figure(listed, Unit.USD_PER_HOUR)
        if published == computed:
            continue
        yield AuditEntry(
            code=AuditCode.MEMORY_PRICE,
            severity=Severity.WARNING,
            subject=line.function,
            statement=f"{line.function} changes only its memory, by {number(Fraction(mib, MIB_PER_GIB))} GiB: the "
            f"claim lowers its price by {published.text} an hour, the rate card by {computed.text}.",
            arithmetic=f"{number(Fraction(mib, MIB_PER_GIB))} GiB × {number(claim.card.memory_usd_per_gib_hour)} = "
            f"{number(listed)}",
            published=published,
            computed=computed,
        )


def _differ_by_memory_alone(before: Configuration, after: Configuration) -> bool:
    same = (before.gpu, before.gpu_count, before.cpu_cores) == (after.gpu, after.gpu_count, after.cpu_cores)
    return same and before.memory_mib != after.memory_mib


_SECTIONS: tuple[Callable[[Claim], Iterator[AuditEntry]], ...] = (
    _function_savings,
    _costs,
    _savings,
    _month,
    _break_even,
    _weeks,
    _first_week,
    _phase_ranges,
    _phase_splits,
    _gpu_removals,
    _immediate,
    _unprojected_cuts,
    _implied_seconds,
    _timeout_bound,
    _always_on,
    _gpu_prices,
    _container_prices,
    _two_prices,
    _memory_prices,
)
