"""Where to look next: money of the week that bought no work, by function, at billed prices and measured seconds.

The cost analysis written anew from measurement: no price per hour is multiplied by a number of calls.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

import duckdb

from tieout.catalog.models import Catalog
from tieout.core.money import CENT, format_usd, round_picodollars, to_cents
from tieout.report.attribution_words import of_window
from tieout.report.cents import per_day
from tieout.report.formats.sheets import Kind, Sheet, SheetColumn, share_cell
from tieout.report.function_usage import NO_CALL, Function, FunctionUsage, read_usages
from tieout.report.sections.spend import Spend, function_label
from tieout.report.wording import Share, count, plain, share_of, spoken
from tieout.savings.boundary import UNEXPLAINED
from tieout.savings.daily_work import DailyWork
from tieout.savings.function_measurement import FunctionMeasurement
from tieout.savings.week import WeekMeasurement

MOST_LINES = 8
_MICROSECONDS = 1_000_000
_SECONDS_PER_MINUTE = 60
_SECONDS_PER_HOUR = 60 * _SECONDS_PER_MINUTE
_UNIT_PLACES = 4

_NOTHING = Decimal(0)


class OpportunityKind(StrEnum):
    """What the money goes to that no work is done for."""

    IDLE = "idle"
    STARTUP = "startup"
    KEPT_WARM = "kept warm"
    FAILED = "failed starts"
    WITHOUT_A_CALL = "without a call"
    OLD_PHASE = "callers not moved"


@dataclass(frozen=True)
class Opportunity:
    """Money of the week that buys no work, by function.

    Attributes:
        function: its name.
        kind: what the money goes to.
        usd_per_day: cents per landed day of the week (per measured day for callers not moved).
        share: of the function's whole cost.
        measured: what was measured, in a sentence.
        remedy: what would address it.
    """

    function: str
    kind: OpportunityKind
    usd_per_day: Decimal
    share: Share | None
    measured: str
    remedy: str


@dataclass(frozen=True)
class Opportunities:
    """Where to look next, dearest first, at measured seconds and billed prices.

    Attributes:
        days: landed days of the week that the amounts are a mean of.
        lines: those worth a look.
        left_out: how many smaller ones there are.
        largest_left_out_usd: cents a day of the largest of these; zero when there is none.
        without_a_call_usd: cents that the week cost without a call, all of it.
        nobodys_usd: what of that is no function's, and hence in no line.
        rest: these, dearest first, for the pages of their functions.
    """

    days: int
    lines: tuple[Opportunity, ...]
    left_out: int
    largest_left_out_usd: Decimal
    without_a_call_usd: Decimal = _NOTHING
    nobodys_usd: Decimal = _NOTHING
    rest: tuple[Opportunity, ...] = ()

    @property
    def sentence(self) -> str:
        """How to read the amounts."""
        if not self.days:
            return "No day of this week has its whole bill landed, so there is nothing to look at yet."
        if not self.lines:
            return "Nothing worth a look: no function spends a cent a day on time without work."
        return (
            f"Dollars a day over {count(self.days, 'landed day')} of this week, at billed prices and measured seconds. "
            "An amount is all that is at stake: a remedy saves some of it. How much of its memory or GPU a call really "
            "uses is in none of Modal's exports."
        )

    @property
    def left_out_sentence(self) -> str | None:
        """What is not listed; None when everything is."""
        if not self.left_out:
            return None
        largest = format_usd(self.largest_left_out_usd)
        said = f"{count(self.left_out, 'smaller line')}, of {largest} a day at most"
        return f"{said}, {'is' if self.left_out == 1 else 'are'} in the CSV and the workbook."

    @property
    def without_a_call_sentence(self) -> str | None:
        """What the week cost without a call, and what of it has no line; None when there is none."""
        if not self.without_a_call_usd:
            return None
        said = f"Without a call, the week cost {format_usd(self.without_a_call_usd)}"
        return f"{said}; {format_usd(self.nobodys_usd)} of it is no function's." if self.nobodys_usd else f"{said}."


_Found = Iterator[tuple[OpportunityKind, Decimal, str]]


_OWN_LINES = {OpportunityKind.KEPT_WARM: "warm", OpportunityKind.FAILED: "failed"}
_UNKNOWN = tuple(component for component in NO_CALL if component not in _OWN_LINES.values())

REMEDIES: Mapping[OpportunityKind, str] = {
    OpportunityKind.IDLE: "a shorter scaledown window, or more inputs to a container (`@modal.concurrent`)",
    OpportunityKind.STARTUP: "more inputs to a container, or faster starts: a smaller image, a memory snapshot",
    OpportunityKind.KEPT_WARM: "fewer containers kept warm (`min_containers`, `buffer_containers`)",
    OpportunityKind.FAILED: "a start-up that does not fail: its error is in the logs of the app",
    OpportunityKind.WITHOUT_A_CALL: "call logs that are missing, or container series, which say whose it is",
    OpportunityKind.OLD_PHASE: "moving the callers that still use the old app or configuration",
}


def read_opportunities(
    con: duckdb.DuckDBPyConnection,
    measurement: WeekMeasurement,
    work: Iterable[DailyWork],
    catalog: Catalog,
    *,
    landed: Collection[dt.date],
    spend: Spend,
) -> Opportunities:
    """Find what the landed days of the week spent on waiting, starting, nobody's call and the old configuration.

    Args:
        con: the warehouse.
        measurement: of the week.
        work: all days up to the end of the week.
        catalog: the programme.
        landed: days whose bill is landed whole.
        spend: of the week.
    """
    days = [day for day in measurement.week.days() if day in landed]
    if not days:
        return Opportunities(0, (), 0, Decimal(0))
    usages = {name: usage for name, usage in read_usages(con, days).items() if name[1] != UNEXPLAINED}
    lines = [
        Opportunity(
            function=function_label(function, environment, catalog),
            kind=kind,
            usd_per_day=amount,
            share=share_of(amount, per_day(usage.cost_usd, len(days))),
            measured=measured,
            remedy=REMEDIES[kind],
        )
        for (environment, function), usage in usages.items()
        for kind, amount, measured in _of_usage(usage)
    ]
    lines += _of_old_phases(measurement, work, usages, catalog)
    lines = sorted(
        (line for line in lines if line.usd_per_day >= CENT),
        key=lambda line: (-line.usd_per_day, line.function, line.kind),
    )
    shown, rest = tuple(lines[:MOST_LINES]), tuple(lines[MOST_LINES:])
    largest = rest[0].usd_per_day if rest else _NOTHING
    left_out = len(rest), largest
    nobodys = sum((each.without_a_call_usd for each in spend.functions if each.is_unexplained), _NOTHING)
    return Opportunities(len(days), shown, *left_out, spend.without_a_call_usd, nobodys, rest)


def _of_usage(usage: FunctionUsage) -> _Found:
    for kind, components, measured in (
        (OpportunityKind.IDLE, ("idle",), _idle),
        (OpportunityKind.STARTUP, ("startup",), _startup),
        (OpportunityKind.KEPT_WARM, (_OWN_LINES[OpportunityKind.KEPT_WARM],), _kept_warm),
        (OpportunityKind.FAILED, (_OWN_LINES[OpportunityKind.FAILED],), _failed),
        (OpportunityKind.WITHOUT_A_CALL, _UNKNOWN, _without_a_call),
    ):
        amount = sum((usage.costs.get(component, Decimal(0)) for component in components), Decimal(0))
        if amount > 0 and not (kind is OpportunityKind.IDLE and usage.is_window_assumed):
            yield kind, per_day(amount, usage.days), measured(usage)


def _idle(usage: FunctionUsage) -> str:
    window = "" if usage.window_seconds is None else f"; the scaledown window is {usage.window_seconds:,} s"
    if window and usage.tail is not None:
        low, high, hours = usage.tail
        window += f"; they lived {of_window(low, high)}, learned from {count(hours, 'hour')} of the bill"
    return f"{_time_of(usage, 'idle')}containers that wait{window}"


def _kept_warm(usage: FunctionUsage) -> str:
    return f"{_time_of(usage, 'warm')}containers without a call that settings ask for"


def _failed(usage: FunctionUsage) -> str:
    return f"{_time_of(usage, 'failed')}containers that never came up"


def _startup(usage: FunctionUsage) -> str:
    if not usage.starts:
        return f"{_time_of(usage, 'startup')}containers that start"
    seconds = Fraction(usage.times_us.get("startup", 0), _MICROSECONDS * usage.starts)
    starts = count(round(Fraction(usage.starts, usage.days)), "start")
    return f"{_time_of(usage, 'startup')}containers that start: {starts} a day of {float(seconds):,.1f} s"


def _time_of(usage: FunctionUsage, component: str) -> str:
    """Container time a day as `4.0 h a day of `, in a unit that shows it; empty where no time is known.

    Rounded for reading, the dollars are exact.
    """
    seconds = Fraction(usage.times_us.get(component, 0), _MICROSECONDS * usage.days)
    if not seconds:
        return ""
    if seconds < 1:
        return "under 1 s a day of "
    if seconds < _SECONDS_PER_MINUTE:
        return f"{round(seconds)} s a day of "
    if seconds < _SECONDS_PER_HOUR:
        return f"{round(seconds / _SECONDS_PER_MINUTE)} min a day of "
    return f"{float(seconds / _SECONDS_PER_HOUR):,.1f} h a day of "


def _without_a_call(usage: FunctionUsage) -> str:
    costs = {component: usage.costs[component] for component in _UNKNOWN if usage.costs.get(component)}
    total = per_day(sum(costs.values(), _NOTHING), usage.days)
    cents = to_cents([round_picodollars(Fraction(cost) / usage.days) for cost in costs.values()], total)
    parts = [f"{format_usd(amount)} {component}" for component, amount in zip(costs, cents, strict=True)]
    return f"billed beyond what the call log explains: {', '.join(parts)}"


def _of_old_phases(
    measurement: WeekMeasurement, work: Iterable[DailyWork], usages: Mapping[Function, FunctionUsage], catalog: Catalog
) -> Iterator[Opportunity]:
    """What the calls that still run as before cost more than those that have moved."""
    by_function: dict[str, list[DailyWork]] = defaultdict(list)
    for value in work:
        by_function[value.function].append(value)
    for function in measurement.functions:
        found = _behind(function, by_function[function.function])
        if found is None:
            continue
        amount, measured = found
        usage = usages.get((catalog.functions.environment, function.function))
        yield Opportunity(
            function=function.function,
            kind=OpportunityKind.OLD_PHASE,
            usd_per_day=amount,
            share=None if usage is None else share_of(amount, per_day(usage.cost_usd, usage.days)),
            measured=measured,
            remedy=REMEDIES[OpportunityKind.OLD_PHASE],
        )


def _behind(function: FunctionMeasurement, work: Iterable[DailyWork]) -> tuple[Decimal, str] | None:
    """Return the dollars a measured day, and their origin; None where all calls have moved, or moving saves nothing."""
    measured = [value for value in work if value.day in function.days]
    old = [value for value in measured if value.phase != function.phase]
    moved = [value for value in measured if value.phase == function.phase]
    calls = sum(value.successful_calls for value in old)
    before, after = _unit_cost(old), _unit_cost(moved)
    if before is None or after is None or before <= after:
        return None
    amount = round_picodollars((before - after) * calls / len(function.days)).quantize(CENT)
    share = share_of(calls, calls + sum(value.successful_calls for value in moved))
    return amount, f"{share} of the calls still run as before, at {_unit(before)} a call instead of {_unit(after)}"


def _unit_cost(work: Sequence[DailyWork]) -> Fraction | None:
    calls = sum(value.successful_calls for value in work)
    return Fraction(sum((value.cost_usd for value in work), Decimal(0))) / calls if calls else None


def _unit(cost: Fraction) -> str:
    return format_usd(round_picodollars(cost), _UNIT_PLACES)


def write_opportunities(sheet: Sheet, opportunities: Opportunities) -> None:
    """Write the sheet of the opportunities, with those that are too small for the page."""
    sheet.title("Next opportunities", below=opportunities.sentence)
    columns = (
        SheetColumn("Function"),
        SheetColumn("What it pays for"),
        SheetColumn("A day", Kind.CENTS),
        SheetColumn("Of its cost", Kind.SHARE),
        SheetColumn("Measured", width=60, wraps=True),
        SheetColumn("Remedy", width=60, wraps=True),
    )
    rows = [
        (
            spoken(line.function),
            line.kind.value,
            line.usd_per_day,
            share_cell(line.share),
            line.measured,
            plain(line.remedy),
        )
        for line in (*opportunities.lines, *opportunities.rest)
    ]
    sheet.browse(sheet.table(columns, rows), len(columns), fixed=1)
