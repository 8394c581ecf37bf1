"""Anomalies, read off the warehouse: the daily cost of every function against its own history."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import duckdb

from tieout.catalog.models import Catalog
from tieout.core.periods import IsoWeek, day_start
from tieout.measure.daily_work import landed_days
from tieout.savings.anomalies import Anomaly, find_anomalies
from tieout.savings.programme import Programme
from tieout.warehouse.parsed import answers

_DAYS = """
select app, function, day::date, sum(cost_usd)::decimal(38, 12), sum(inputs)::bigint
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
    owners, programme = catalog.owners(), Programme.of(catalog)
    names: dict[str, tuple[str, str]] = {}
    for app, name, day, cost_usd, inputs in answers(con, _DAYS, parameters):
        owner = owners.get((app, name))
        function = f"{app}/{name}" if owner is None else owner
        names[function] = (app, name) if owner is None else (programme.app_of(owner, None), owner)
        own = costs.setdefault(function, {})
        own[day] = own.get(day, Decimal(0)) + cost_usd
        counts = calls.setdefault(function, {})
        counts[day] = counts.get(day, 0) + inputs
    found = find_anomalies(
        costs,
        calls=calls,
        landed=landed,
        judged=[day for day in week.days() if landed.get(day)],
        changes=_changes(catalog),
    )
    return tuple(
        replace(anomaly, app=app, function=name) for anomaly in found for app, name in [names[anomaly.function]]
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
