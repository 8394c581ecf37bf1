"""How the programme has fared since it began: the cumulative saving against its promise, and the spend week by week."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from decimal import Decimal

import duckdb

from tieout.catalog.models import Catalog
from tieout.core.periods import IsoWeek, days_between
from tieout.report.contents import Spend
from tieout.report.sections.spend import read_spend
from tieout.report.trend_contents import (
    CostDay,
    Cumulative,
    CumulativePoint,
    Deployment,
    FunctionHistory,
    NamedAmount,
    SpendHistory,
    WeekSpend,
)
from tieout.savings.cumulative import CumulativeDay, cumulative_avoided
from tieout.savings.daily_work import DailyWork, working_days
from tieout.savings.function_measurement import FunctionMeasurement
from tieout.savings.programme import Programme
from tieout.savings.week import WeekMeasurement

MOST_WEEKS = 26

_FIRST_HOUR = "select min(hour)::date from spend.hourly"


def describe_cumulative(measurement: WeekMeasurement, work: Iterable[DailyWork], catalog: Catalog) -> Cumulative | None:
    """Add up the avoided cost since the first deployment; None when no day counts yet.

    Args:
        measurement: of the report's week; its models and its restated projection hold for all days.
        work: all days up to the end of the week, the baseline's on their frozen basis.
        catalog: the programme.
    """
    programme = Programme.of(catalog)
    days = cumulative_avoided(
        work,
        programme=programme,
        models={function.function: function.model for function in measurement.functions if function.model},
        landed=measurement.counted,
        until=measurement.week.end,
    )
    if not days:
        return None
    bridge = measurement.bridge
    restated = bridge.total.restated.printed_usd if bridge and catalog.projection.lines else None
    deployments = sorted((day, phase) for phase, day in programme.deployment_days.items() if day < measurement.week.end)
    return Cumulative(
        points=tuple(
            _points(
                days,
                days_between(deployments[0][0], measurement.week.end),
                published=programme.published_usd_per_day,
                restated=restated,
            )
        ),
        deployments=tuple(Deployment(phase, day) for day, phase in deployments),
    )


def _points(
    measured: Iterable[CumulativeDay], days: Sequence[dt.date], *, published: Decimal | None, restated: Decimal | None
) -> Iterator[CumulativePoint]:
    """Give every day its point; a day that does not count stays where the day before was."""
    by_day = {value.day: value for value in measured}
    count, reached, width = 0, Decimal(0), None
    for day in days:
        value = by_day.get(day)
        if value is not None:
            count, reached = count + 1, value.cumulative_usd
            width = None if value.half_width is None else value.half_width.half_width_usd
        yield CumulativePoint(
            day=day,
            avoided_usd=None if value is None else value.avoided_usd,
            cumulative_usd=reached,
            half_width_usd=width,
            published_usd=None if published is None else published * count,
            restated_usd=None if restated is None else restated * count,
        )


def read_history(
    con: duckdb.DuckDBPyConnection,
    measurement: WeekMeasurement,
    work: Iterable[DailyWork],
    catalog: Catalog,
    *,
    landed: Collection[dt.date],
    spend: Spend,
) -> SpendHistory:
    """Read the spend of the report's week and of up to 25 before it, and the functions' days in that time.

    Args:
        con: the warehouse.
        measurement: of the report's week.
        work: all days up to the end of the week.
        catalog: the programme.
        landed: days whose bill is landed whole.
        spend: of the report's week.
    """
    week = measurement.week
    [(first_day,)] = con.execute(_FIRST_HOUR).fetchall()
    weeks = [week]
    while len(weeks) < MOST_WEEKS and first_day is not None and weeks[-1].start > first_day:
        weeks.append(weeks[-1].previous())
    earlier = [_week_spend(before, read_spend(con, before, catalog)) for before in reversed(weeks[1:])]
    by_function: dict[str, list[DailyWork]] = defaultdict(list)
    for value in work:
        by_function[value.function].append(value)
    since = max(weeks[-1].start, min(landed, default=week.end))
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
    return SpendHistory((*earlier, _week_spend(week, spend)), tuple(f for f in dearest if f.actual_usd))


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
