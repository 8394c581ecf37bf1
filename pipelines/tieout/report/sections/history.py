"""The spend week by week and day by day, up to half a year back."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import duckdb

from tieout.catalog.models import Catalog
from tieout.core.periods import IsoWeek, days_between
from tieout.report.sections.spend import Spend
from tieout.report.wording import count
from tieout.savings.daily_work import DailyWork, working_days
from tieout.savings.function_measurement import FunctionMeasurement
from tieout.savings.programme import Programme
from tieout.savings.week import WeekMeasurement
from tieout.warehouse.parsed import answers

MOST_WEEKS = 26
LEAST_SHARE = Decimal("0.01")
_FIRST_HOUR = "select min(hour)::date from spend.attributed"


@dataclass(frozen=True)
class NamedAmount:
    """Cents of a function or a component."""

    name: str
    amount_usd: Decimal


@dataclass(frozen=True)
class WeekSpend:
    """Cents of one week, the same as in that week's own report.

    Functions add up to the total, and so do components; what is zero is left out. A week without a bill has neither.
    """

    week: IsoWeek
    total_usd: Decimal
    functions: tuple[NamedAmount, ...]
    components: tuple[NamedAmount, ...]


@dataclass(frozen=True)
class CostDay:
    """A function's UTC day, exact.

    Attributes:
        day: the day.
        actual_usd: what it cost; None when the day's bill is not landed whole.
        counterfactual_usd: what its calls would have cost before the rollout; None without a bill, and without a model.
    """

    day: dt.date
    actual_usd: Decimal | None
    counterfactual_usd: Decimal | None


@dataclass(frozen=True)
class FunctionHistory:
    """A function's days, oldest first, and the day of its own first deployment; None before that."""

    function: str
    deployed: dt.date | None
    days: tuple[CostDay, ...]

    @property
    def actual_usd(self) -> Decimal:
        """All of its cost in these days."""
        return sum((day.actual_usd for day in self.days if day.actual_usd is not None), Decimal(0))


@dataclass(frozen=True)
class SpendHistory:
    """Up to half a year: the spend of every week, oldest first, and the programme's functions day by day.

    Attributes:
        weeks: the report's week and those before it, without gaps.
        functions: functions with a cost in that time, dearest first.
    """

    weeks: tuple[WeekSpend, ...]
    functions: tuple[FunctionHistory, ...]

    def dearest(self, most: int) -> tuple[tuple[str, ...], str]:
        """Return the functions that a picture or a table of these weeks names, and what the others are called together.

        A function under 1% of the cost of these weeks is folded, and so is what comes after `most`; without others
        their name is empty.
        """
        totals: dict[str, Decimal] = defaultdict(Decimal)
        for week in self.weeks:
            for function in week.functions:
                totals[function.name] += function.amount_usd
        least = sum(totals.values(), Decimal(0)) * LEAST_SHARE
        ordered = sorted(totals, key=lambda name: (-totals[name], name))
        named = tuple(name for name in ordered if totals[name] >= least)[:most]
        rest = len(ordered) - len(named)
        return named, count(rest, "other") if rest else ""


def weeks_of_history(con: duckdb.DuckDBPyConnection, week: IsoWeek) -> list[IsoWeek]:
    """Return a report's week and up to 25 before it, newest first, down to the first that cost something."""
    [(first_day,)] = answers(con, _FIRST_HOUR)
    weeks = [week]
    while len(weeks) < MOST_WEEKS and first_day is not None and weeks[-1].start > first_day:
        weeks.append(weeks[-1].previous())
    return weeks


def describe_history(
    measurement: WeekMeasurement,
    work: Iterable[DailyWork],
    catalog: Catalog,
    *,
    landed: Collection[dt.date],
    spends: Mapping[IsoWeek, Spend],
) -> SpendHistory:
    """Describe the spend of the weeks, and the functions' days in that time.

    Args:
        measurement: of the report's week.
        work: all days up to the end of the week.
        catalog: the programme.
        landed: days whose bill is landed whole.
        spends: of the report's week and those before it, without gaps.
    """
    week, weeks = measurement.week, sorted(spends)
    by_function: dict[str, list[DailyWork]] = defaultdict(list)
    for value in work:
        by_function[value.function].append(value)
    since = max(weeks[0].start, min(landed, default=week.end))
    days = days_between(since, week.end)
    deployed, counted = _first_deployments(catalog, week), frozenset(measurement.counted)
    functions = [
        FunctionHistory(
            function.function,
            deployed.get(function.function),
            tuple(_cost_days(function, by_function[function.function], days, landed=landed, counted=counted)),
        )
        for function in measurement.functions
    ]
    dearest = sorted(functions, key=lambda function: (-function.actual_usd, function.function))
    return SpendHistory(
        tuple(_week_spend(each, spends[each]) for each in weeks), tuple(f for f in dearest if f.actual_usd)
    )


def _week_spend(week: IsoWeek, spend: Spend) -> WeekSpend:
    return WeekSpend(
        week=week,
        total_usd=spend.total_usd,
        functions=tuple(NamedAmount(f.function, f.amount_usd) for f in spend.functions if f.amount_usd),
        components=tuple(NamedAmount(c.component, c.amount_usd) for c in spend.components if c.amount_usd),
    )


def _first_deployments(catalog: Catalog, week: IsoWeek) -> dict[str, dt.date]:
    """The day of the first phase that changes a function, for those deployed by the end of the week."""
    programme = Programme.of(catalog)
    own = {function: programme.phases_of(function) for function in programme.functions}
    days = {function: phases[0].deployed_at.date() for function, phases in own.items() if phases}
    return {function: day for function, day in days.items() if day < week.end}


def _cost_days(
    function: FunctionMeasurement,
    work: Iterable[DailyWork],
    days: Sequence[dt.date],
    *,
    landed: Collection[dt.date],
    counted: Collection[dt.date],
) -> Iterator[CostDay]:
    """Yield the cost of every day, and what its calls would have cost; that not where its calls are not known."""
    for value in working_days(work, days):
        if value.day not in landed:
            yield CostDay(value.day, None, None)
            continue
        model = function.model if value.day in counted else None
        expected = None if model is None else model.cost_usd(value.successful_calls)
        yield CostDay(value.day, value.cost_usd, expected)
