"""Anomalies, read off the warehouse: the daily cost of every function against its own history."""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal

import duckdb

from tieout.catalog.models import Catalog
from tieout.core.periods import IsoWeek, day_start
from tieout.measure.daily_work import landed_days
from tieout.savings.anomalies import Anomaly, find_anomalies

_DAYS = """
select function, day::date, sum(cost_usd)::decimal(38, 12), sum(inputs)::bigint
from savings.daily_function
where environment = $environment and day < $until and not regexp_full_match(function, '__.*__')
group by all
"""


def read_anomalies(con: duckdb.DuckDBPyConnection, week: IsoWeek, catalog: Catalog) -> tuple[Anomaly, ...]:
    """Find the settled days of a week that are out of line, by what is known at its end."""
    landed = landed_days(con, until=week.end)
    costs: dict[str, dict[dt.date, Decimal]] = {}
    calls: dict[str, dict[dt.date, int]] = {}
    parameters = {"environment": catalog.functions.environment, "until": day_start(week.end)}
    for function, day, cost_usd, inputs in con.execute(_DAYS, parameters).fetchall():
        costs.setdefault(function, {})[day] = cost_usd
        calls.setdefault(function, {})[day] = inputs
    return find_anomalies(
        costs,
        calls=calls,
        landed=landed,
        judged=[day for day in week.days() if landed.get(day)],
        changes=_changes(catalog),
    )


def _changes(catalog: Catalog) -> Mapping[str, frozenset[dt.date]]:
    """The days on which the rollout changed each function of the catalog."""
    return {
        function.name: frozenset(
            start.date()
            for configuration in function.configurations
            if (start := catalog.phase_start(configuration.phase)) is not None
        )
        for function in catalog.functions.functions
    }
