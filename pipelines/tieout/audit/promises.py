"""Checks of the promises by week and phase: do they agree with the published saving and with each other?"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction

from tieout.audit.arithmetic import saving_detail, share
from tieout.audit.claim import Claim, line_saving
from tieout.audit.entries import AuditCode, AuditEntry, Detail
from tieout.catalog.models import PublishedTotals
from tieout.core.figures import Figure, Unit, figure, figure_range, number
from tieout.core.findings import Severity


def weekly_promises(claim: Claim) -> Iterator[AuditEntry]:
    """The promised reductions of week 1 and the weeks after, added and compounded, against the published saving."""
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


def first_week(claim: Claim) -> Iterator[AuditEntry]:
    """The promised reduction of week 1 against the range of the first phase."""
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
        arithmetic=f"{share(promised.low, before)} and {share(promised.high, before)}",
        published=claimed,
        computed=computed,
        details=(Detail(phase.id, "week 1 in dollars", promised, dollars, f"{claimed.text} × {number(before)}"),),
    )


def phase_ranges(claim: Claim) -> Iterator[AuditEntry]:
    """The sum of the ranges of all phases against the published saving."""
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


def gpu_removals(claim: Claim) -> Iterator[AuditEntry]:
    """The saving of the lines that lose their GPU in a phase against the range of that phase."""
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
            details=tuple(saving_detail(line) for line in moved),
        )


def _loses_its_gpu(claim: Claim, function: str, phase: str) -> bool:
    before, after = claim.before(function), claim.after(function)
    if before is None or after is None:
        return False
    return before.gpu is not None and after.gpu is None and after.phase == phase


def immediate_saving(claim: Claim) -> Iterator[AuditEntry]:
    """The promised immediate saving against the price cuts that it names."""
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


def unprojected_cuts(claim: Claim) -> Iterator[AuditEntry]:
    """Functions that get less memory or a shorter timeout without a line in the projection."""
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
