"""A week in short: the one frozen value that page, mail, text and PDF show, in the report's own sentences and cents."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from tieout.catalog.vocabulary import ComponentGroup, components_of
from tieout.core.money import CENT, format_usd
from tieout.report.contents import WeeklyReport
from tieout.report.inputs import DayState
from tieout.report.sections.changes import Mover
from tieout.report.sections.findings import COMPLETE_ROLLOUT
from tieout.report.sections.headline import Check
from tieout.report.sections.tie_out import GateOutcome
from tieout.report.wording import count, dates, listing, share_of, signed_usd, spoken, usd

QUERIES = ("weeks", "savings", "realization", "movers", "idle")
"""What the figures of the digest answer to, in their order."""
_OF_SAVINGS = ("savings", "realization")
_OF_A_PROJECTION = ("realization",)
MOST_MOVERS = 3
MOST_OPPORTUNITIES = 3
_MOST_FINDINGS = 3
_MOST_BARS = 3
_WIDE = Decimal("0.5")
"""Bounds that are further apart than this part of the cost are said beside it: ± over a quarter, as for a saving."""
_MOVED_COST = Decimal("0.9")


@dataclass(frozen=True)
class KeyFigure:
    """A question that people open the report with, and its answer.

    Attributes:
        question: in two or three words.
        figure: the answer, as large as it may be: an amount, or a word.
        small: what belongs to the figure: `± $12.59`.
        state: how it stands, a word that has a mark and a colour; empty where nothing is judged.
        word: how it stands, as printed.
        lines: what the figure means, in sentences.
    """

    question: str
    figure: str
    small: str = ""
    state: str = ""
    word: str = ""
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class DigestMover:
    """A function that moved the bill: by how much, to what, and why."""

    function: str
    change: str
    now: str
    reason: str


@dataclass(frozen=True)
class DigestOpportunity:
    """Money that bought no work: whose, for what, and what would address it."""

    function: str
    figure: str
    what: str
    remedy: str


@dataclass(frozen=True)
class Digest:
    """A week in short.

    Attributes:
        programme: its name.
        title: the week by its dates: `9–15 November 2026`.
        label: the week as files are called: `2026-W46`.
        standing: whether it is final, which revision it is, how fresh its data are.
        alerts: what keeps the figures from being used, or makes them other ones than were sent before.
        is_blocked: whether the first alert says that they must not be used.
        answers: three: spent, saved (or what bought no work), ties.
        checks: what a verified saving must pass, and whether it does; empty where nothing is claimed.
        saving: where nothing is claimed: that, in one line.
        movers: the functions that moved the bill most.
        moved: by how much the bill moved, in a sentence; None without a week before.
        opportunities: where to look next, dearest first.
        caveats: what a reader must know beside the figures.
        queries: what its figures answer to; nothing is asked about what is not claimed or not projected.
        leads_with_spend: whether opportunities come before movers, as nothing is claimed.
        proof: the method's version and the hash that the figures can be computed anew from.
    """

    programme: str
    title: str
    label: str
    standing: tuple[str, ...]
    alerts: tuple[str, ...]
    is_blocked: bool
    answers: tuple[KeyFigure, KeyFigure, KeyFigure]
    checks: tuple[Check, ...]
    saving: str | None
    movers: tuple[DigestMover, ...]
    moved: str | None
    opportunities: tuple[DigestOpportunity, ...]
    caveats: tuple[str, ...]
    queries: tuple[str, ...]
    leads_with_spend: bool
    proof: str

    @property
    def spent(self) -> KeyFigure:
        """What the week cost."""
        return self.answers[0]


def digest_of(report: WeeklyReport) -> Digest:
    """Say a week in short."""
    claims = _claims(report)
    return Digest(
        programme=report.programme,
        title=dates(report.week.start, report.week.end),
        label=report.week.label,
        standing=(report.days_sentence, report.revision.sentence, report.as_of_sentence),
        alerts=tuple(_alerts(report)),
        is_blocked=report.blocked_sentence is not None,
        answers=(_spent(report), _saved(report) if claims else _unproductive(report), _ties(report)),
        checks=report.headline.checks if claims else (),
        saving=None if claims else report.headline.sentence,
        movers=tuple(_movers(report)),
        moved=None if report.changes is None else _moved(report),
        opportunities=tuple(_opportunities(report)),
        caveats=tuple(_caveats(report)),
        queries=tuple(_queries(report)),
        leads_with_spend=not claims,
        proof=f"Method version {report.method_version}, input hash {report.inputs.sha256}",
    )


def _claims(report: WeeklyReport) -> bool:
    return report.headline.avoided_usd is not None and not report.headline.is_refused


def _queries(report: WeeklyReport) -> Iterator[str]:
    left_out = (() if _claims(report) else _OF_SAVINGS) + (() if report.has_projection else _OF_A_PROJECTION)
    yield from (query for query in QUERIES if query not in left_out)


def _alerts(report: WeeklyReport) -> Iterator[str]:
    if report.blocked_sentence is not None:
        yield report.blocked_sentence
    if report.revision.moved:
        first, *rest = report.revision.moved
        more = f" The page Spend has {count(len(rest), 'more line')}." if rest else ""
        yield f"Revision {report.revision.number}: {spoken(first)}{more}"


# The three answers


def _spent(report: WeeklyReport) -> KeyFigure:
    if all(day.state is DayState.NOT_LANDED for day in report.days) and not report.spend.functions:
        return KeyFigure("Spent", "–", lines=("No bill of this week is landed.",))
    lines = [] if report.changes is None else [_against_last_week(report)]
    # Where nothing is claimed, the answer beside it says it: shares of one bill, each rounded, may not add up there.
    lines += _not_for_work(report) if _claims(report) else ()
    return KeyFigure("Spent", format_usd(report.spend.total_usd), lines=tuple(lines))


def _against_last_week(report: WeeklyReport) -> str:
    assert report.changes is not None
    cost, before = report.changes.cost, report.changes.before
    was = f"{format_usd(cost.before_usd)} in {dates(before.start, before.end, with_year=False)}"
    if not cost.change_usd:
        return f"as much as the week before: {was}"
    return f"{signed_usd(cost.change_usd)} against the week before: {was}"


def _not_for_work(report: WeeklyReport) -> Iterator[str]:
    """How much of the bill bought no work."""
    total = report.spend.total_usd
    waiting = share_of(_cost_of(report, components_of(ComponentGroup.OVERHEAD)), total)
    nobody = share_of(_cost_of(report, components_of(ComponentGroup.NO_CALL)), total)
    parts = [f"{waiting} for starting and waiting"] if waiting and waiting.part else []
    parts += [f"{nobody} without a call"] if nobody and nobody.part else []
    if parts:
        yield listing(parts)


def _cost_of(report: WeeklyReport, components: Sequence[str]) -> Decimal:
    return sum((c.amount_usd for c in report.spend.components if c.component in components), Decimal(0))


def _saved(report: WeeklyReport) -> KeyFigure:
    headline = report.headline
    assert headline.avoided_usd is not None
    width = headline.half_width_usd
    a_day = f"{headline.day_figure} a day, over {count(headline.measured_days, 'measured day')}"
    kind = "90% interval" if width is not None else "without an interval: the baseline is too short for one"
    lines = [f"{a_day}; {kind}"]
    if headline.avoided_usd < 0:
        lines.insert(0, "negative: the week cost more than the same work would have cost before")
    lines += _rates(report)
    return KeyFigure(
        "Saved",
        format_usd(headline.avoided_usd),
        "" if width is None else f"± {format_usd(width)}",
        headline.standing.state,
        headline.standing.state.capitalize(),
        tuple(lines),
    )


def _rates(report: WeeklyReport) -> Iterator[str]:
    rates, headline = report.headline.rates, report.headline
    parts = []
    if rates.vs_published is not None and headline.published_usd_per_day is not None:
        parts.append(f"{rates.vs_published} of the published {usd(headline.published_usd_per_day)} a day")
    if rates.vs_restated is not None and headline.restated_usd_per_day is not None:
        parts.append(f"{rates.vs_restated} of the restated {format_usd(headline.restated_usd_per_day)}")
    if parts:
        yield listing(parts)
    if rates.cut_figure is not None:
        yield rates.cut_figure


def _unproductive(report: WeeklyReport) -> KeyFigure:
    """What of the bill bought no work, where nothing is claimed."""
    waiting, nobody = (
        _cost_of(report, components_of(group)) for group in (ComponentGroup.OVERHEAD, ComponentGroup.NO_CALL)
    )
    share = share_of(waiting + nobody, report.spend.total_usd)
    if share is None:
        return KeyFigure("Without work", "–", lines=("Nothing was billed.",))
    lines = [f"{format_usd(waiting)} for starting and waiting, and {format_usd(nobody)} without a call"]
    dearest = [f"{spoken(each.function)} ({format_usd(each.amount_usd)})" for each in report.dearest]
    return KeyFigure(
        "Without work", str(share), lines=(*lines, *([f"Dearest in total: {listing(dearest)}"] if dearest else []))
    )


def _ties(report: WeeklyReport) -> KeyFigure:
    verdict, tie_out = report.tie_verdict, report.tie_out
    blocked = [gate for gate in report.gates if gate.outcome is GateOutcome.BLOCKED]
    lines = [f"{gate.code} fails: {gate.title[:1].lower()}{gate.title[1:]}. {gate.sentence}" for gate in blocked]
    if not blocked:
        lines = ["Nothing was billed in the landed reports."]
        if tie_out.pools:
            off = f"{tie_out.pools_off:,} off" if tie_out.pools_off else "none off"
            lines = [
                f"{format_usd(tie_out.billed_usd)} billed, {format_usd(tie_out.attributed_usd)} attributed: "
                f"{count(tie_out.pools, 'amount')}, {off}"
            ]
    return KeyFigure("Against the bill", verdict.word, state=verdict.outcome.value, lines=(*lines, _gates(report)))


def _gates(report: WeeklyReport) -> str:
    """How many gates are passed, and which are not; those that block have lines of their own."""
    passed = sum(gate.outcome is GateOutcome.PASSED for gate in report.gates)
    parts = [f"{passed} of {count(len(report.gates), 'gate')} passed"]
    for outcome in (GateOutcome.WARNING, GateOutcome.NOT_MEASURED):
        if named := [gate.name for gate in report.gates if gate.outcome is outcome]:
            parts.append(f"{outcome}: {listing(named)}")
    return "; ".join(parts)


# What stands below them


def _moved(report: WeeklyReport) -> str:
    assert report.changes is not None
    cost, before = report.changes.cost, report.changes.before
    since = dates(before.start, before.end, with_year=False)
    if not cost.change_usd:
        return f"The bill is the same as in {since}."
    return f"The bill {'rose' if cost.change_usd > 0 else 'fell'} by {format_usd(abs(cost.change_usd))} since {since}."


def _named_movers(report: WeeklyReport) -> Sequence[Mover]:
    movers = () if report.changes is None else report.changes.cost.movers
    return [mover for mover in movers if mover.change_usd and not mover.is_rest][:MOST_MOVERS]


def _movers(report: WeeklyReport) -> Iterator[DigestMover]:
    for mover in _named_movers(report):
        yield DigestMover(mover.function, mover.change_text, format_usd(mover.after_usd), mover.reason)


def _opportunities(report: WeeklyReport) -> Iterator[DigestOpportunity]:
    for line in report.opportunities.lines[:MOST_OPPORTUNITIES]:
        share = f", {line.share} of its cost" if line.share is not None else ""
        yield DigestOpportunity(
            line.function, f"{format_usd(line.usd_per_day)} a day", f"{line.kind.value}{share}", line.remedy
        )


def _caveats(report: WeeklyReport) -> Iterator[str]:
    headline = report.headline
    said = (
        headline.comparison,
        headline.premise_sentence,
        report.ledger.total_remark(headline.standing) if _claims(report) else None,
        *(() if report.changes is None else report.changes.remarks),
        *(month.not_itemised_sentence for month in report.months),
        _wide_bars(report),
        _still_costing(report),
        headline.cash_sentence if _claims(report) else None,
        report.restatements.sentence if report.restatements.lines or report.restatements.unissued else None,
        _findings(report),
    )
    yield from (spoken(sentence) for sentence in said if sentence is not None)


def _wide_bars(report: WeeklyReport) -> str | None:
    """Which functions of the digest's lines have a cost that is known within wide bounds only, the widest first."""
    named = {each.function for each in report.dearest}
    named |= {each.function for each in _named_movers(report)}
    named |= {each.function for each in report.opportunities.lines[:MOST_OPPORTUNITIES]}
    costs = {each.function: each.amount_usd for each in report.spend.functions}
    wide = [
        (each.high_usd - each.low_usd, each.function, f"{format_usd(each.low_usd)} and {format_usd(each.high_usd)}")
        for each in report.functions
        if each.function in named
        and each.low_usd is not None
        and each.high_usd is not None
        and (each.high_usd - each.low_usd) > costs.get(each.function, Decimal(0)) * _WIDE
    ]
    if not wide:
        return None
    said = [f"{spoken(function)} between {bounds}" for _, function, bounds in sorted(wide, reverse=True)[:_MOST_BARS]]
    return f"The true cost of the week may lie, by log, settings and bill, for {listing(said)}."


def _still_costing(report: WeeklyReport) -> str | None:
    """What still costs as it was before, though its calls have moved."""
    behind = [
        line
        for line in report.rollout
        if line.elsewhere_usd >= CENT
        and line.calls_share is not None
        and Fraction(line.moved_calls, line.calls) >= COMPLETE_ROLLOUT
        and line.cost_share is not None
        and line.cost_share.part < line.cost_share.whole * _MOVED_COST
    ]
    if not behind:
        return None
    said = [
        f"{format_usd(line.elsewhere_usd)} of {spoken(line.function)} ({line.calls_share} of its calls moved, "
        f"{line.cost_share} of its cost)"
        for line in sorted(behind, key=lambda line: -line.elsewhere_usd)[:_MOST_BARS]
    ]
    return f"Calls have moved, and what ran before them still costs: {listing(said)}."


def _findings(report: WeeklyReport) -> str | None:
    """How many findings there are, of the commonest kinds."""
    kinds = Counter(finding.code.replace("_", " ") for finding in report.findings)
    if not kinds:
        return None
    named = [kind if number == 1 else f"{number} × {kind}" for kind, number in kinds.most_common(_MOST_FINDINGS)]
    more = len(kinds) - len(named)
    if more:
        named.append(count(more, "other kind"))
    return f"{count(kinds.total(), 'finding')} on the page Data: {listing(named)}."
