"""The counterfactuals of the weeks before a measured one, read off the warehouse: each week has its own."""

import datetime as dt
from collections.abc import Iterable

import duckdb

from tieout.catalog.models import Catalog
from tieout.core.periods import IsoWeek
from tieout.measure.context import read_contexts_of_earlier_weeks
from tieout.savings.cumulative import WeekClaim
from tieout.savings.daily_work import DailyWork, working_days
from tieout.savings.function_claim import model_of, replays_of
from tieout.savings.programme import Programme
from tieout.savings.week import WeekMeasurement
from tieout.savings.witnesses import model_volumes


def claims_of_earlier_weeks(
    con: duckdb.DuckDBPyConnection, measurement: WeekMeasurement, work: Iterable[DailyWork], catalog: Catalog
) -> dict[IsoWeek, dict[str, WeekClaim]]:
    """Fit the counterfactuals of the weeks before a measured one, each at its own list prices and with its own replay.

    Args:
        con: a connection to a built warehouse, in UTC; only read from.
        measurement: of the last week.
        work: all days up to its end, the baseline's on their frozen basis.
        catalog: the programme.
    """
    if measurement.baseline is None:
        return {}
    programme = Programme.of(catalog)
    by_function: dict[str, list[DailyWork]] = {}
    for value in work:
        by_function.setdefault(value.function, []).append(value)
    claims: dict[IsoWeek, dict[str, WeekClaim]] = {}
    weeks: list[IsoWeek] = []
    while (week := (weeks[-1] if weeks else measurement.week).previous()).end > measurement.baseline.end:
        weeks.append(week)
    contexts = read_contexts_of_earlier_weeks(con, weeks, catalog, baseline=measurement.baseline)
    for week, context in contexts.items():
        for function in measurement.functions:
            name, own = function.function, by_function.get(function.function, [])
            days = _own_days(programme, name, [day for day in week.days() if day in measurement.counted])
            before = context.at_week_prices(name, working_days(own, measurement.baseline_days))
            after = working_days(own, days)
            replays = replays_of(context, name, measurement.baseline_days, days)
            model = model_of(before, after, replays)
            if days and model is not None:
                others = model_volumes(before, after, replays) if replays else {}
                claims.setdefault(week, {})[name] = WeekClaim(model, others)
    return claims


def _own_days(programme: Programme, function: str, days: Iterable[dt.date]) -> list[dt.date]:
    """Those of the days that are measured days of a function."""
    deployments = programme.deployment_days
    own = [deployments[phase.id] for phase in programme.phases_of(function)]
    return [day for day in days if own and day > min(own) and day not in deployments.values()]
