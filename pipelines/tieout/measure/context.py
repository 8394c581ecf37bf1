"""What a measurement must know beside calls and cost, read off the warehouse: prices, boundary, gates and settings."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction

import duckdb

from tieout.catalog.models import Catalog
from tieout.core.periods import IsoWeek, day_start
from tieout.measure.replays import read_replays
from tieout.measure.rollback import rolled_back
from tieout.savings.boundary import OutsideCost
from tieout.savings.context import LogMatch, WeekContext
from tieout.savings.days import BaselinePeriod, measured_days
from tieout.savings.error_bars import CostBar
from tieout.savings.programme import Programme

_Key = tuple[str, str, dt.date]

_COSTS = """
select app, function, day::date, sum(cost_usd)::decimal(38, 12)
from savings.daily_function
where environment = $environment and day < $until and app in (select unnest($apps::varchar[]))
group by all
order by all
"""

# Apps that nobody was billed for before the baseline ended, on the GPUs that the programme's apps had in it.
_NEW_APPS = """
with baseline as (
    select distinct app, resource
    from spend.hourly
    where environment = $environment and hour >= $since and hour < $end
)

select app, function, hour::date, sum(amount_usd)::decimal(38, 12)
from spend.hourly
where
    environment = $environment and hour >= $end and hour < $until
    and app not in (select app from baseline)
    and app not in (select unnest($apps::varchar[]))
    and resource in (select unnest($gpus::varchar[]))
    and resource in (select resource from baseline where app in (select unnest($apps::varchar[])))
group by all
order by all
"""

# What every app outside the programme is billed for a day.
_OTHER_APPS = """
select app, hour::date, sum(amount_usd)::decimal(38, 12)
from spend.hourly
where
    environment = $environment and hour >= $since and hour < $until
    and app not in (select unnest($apps::varchar[]))
group by all
order by all
"""

_PRICES = "select resource, valid_from, valid_to, usd_per_hour from staging.prices order by resource, valid_from"

_BY_RESOURCE = """
select app, function, hour::date, resource, sum(amount_usd)::decimal(38, 12)
from spend.hourly
where
    environment = $environment and hour >= $since and hour < $until
    and app in (select unnest($apps::varchar[]))
group by all
"""

_MATCHES = """
select app, function, day::date, billed_usd, outcome = 'matched', billed_usd - modelled_usd
from reconciliation.log_vs_bill
where environment = $environment and day < $until and app in (select unnest($apps::varchar[]))
"""

_ERROR_BARS = """
select app, function, week_start::date, amount_usd, low_usd, high_usd
from spend.weekly
where
    environment = $environment and week_start >= $since and week_start < $until
    and app in (select unnest($apps::varchar[]))
order by all
"""


def read_context(
    con: duckdb.DuckDBPyConnection,
    week: IsoWeek,
    catalog: Catalog,
    *,
    baseline: BaselinePeriod | None,
    is_baseline_frozen: bool,
) -> WeekContext:
    """Read what a week must know beside its work.

    Args:
        con: a connection to a built warehouse, in UTC; only read from.
        week: which.
        catalog: the programme.
        baseline: the baseline period; None without one.
        is_baseline_frozen: whether a lock of this method's version holds it.
    """
    days = _measured_days(week, catalog)
    changes = _price_changes(con, catalog, baseline, days)
    return WeekContext(
        is_baseline_frozen=is_baseline_frozen,
        price_changes=dict(_by_owner(con, catalog, changes, until=week.end)),
        outside=(
            *_outside(con, catalog, changes, until=week.end),
            *_new_apps(con, catalog, baseline, until=week.end),
        ),
        other_apps=_other_apps(con, catalog, baseline, until=week.end),
        log_matches=_log_matches(con, catalog, until=week.end),
        rolled_back=dict(rolled_back(con, catalog, days)),
        error_bars=read_error_bars(con, week, catalog, baseline=baseline),
        replays=read_replays(con, week),
    )


def read_price_changes(
    con: duckdb.DuckDBPyConnection, week: IsoWeek, catalog: Catalog, *, baseline: BaselinePeriod
) -> WeekContext:
    """Read only how list prices have changed from the baseline to a week; nothing else is known of it."""
    changes = _price_changes(con, catalog, baseline, _measured_days(week, catalog))
    return WeekContext(price_changes=dict(_by_owner(con, catalog, changes, until=week.end)))


def _measured_days(week: IsoWeek, catalog: Catalog) -> tuple[dt.date, ...]:
    deployments = Programme.of(catalog).deployment_days.values()
    return measured_days(week, first_deployment=min(deployments, default=None), blackout=deployments)


def _of_programme(catalog: Catalog, **more: object) -> dict[str, object]:
    apps = sorted({app for app, _ in catalog.owners()})
    return {"environment": catalog.functions.environment, "apps": apps, **more}


def _price_changes(
    con: duckdb.DuckDBPyConnection, catalog: Catalog, baseline: BaselinePeriod | None, days: Sequence[dt.date]
) -> Mapping[_Key, Fraction]:
    """By app, function and baseline day: what its resources would cost more, in dollars, at the prices of some days."""
    prices: defaultdict[str, list[tuple[dt.datetime, dt.datetime, Fraction]]] = defaultdict(list)
    for resource, valid_from, valid_to, usd_per_hour in con.execute(_PRICES).fetchall():
        prices[resource].append((valid_from, valid_to, Fraction(usd_per_hour)))
    if baseline is None or not days or all(len(own) == 1 for own in prices.values()):
        return {}

    def price(resource: str, day: dt.date) -> Fraction:
        moment = day_start(day)
        return next(usd for since, until, usd in prices[resource] if since <= moment < until)

    period = {"since": day_start(baseline.start), "until": day_start(baseline.end)}
    changes: defaultdict[_Key, Fraction] = defaultdict(Fraction)
    for app, function, day, resource, amount in con.execute(_BY_RESOURCE, _of_programme(catalog, **period)).fetchall():
        if len(prices.get(resource, ())) > 1 and (then := price(resource, day)):
            now = sum((price(resource, measured) for measured in days), Fraction(0)) / len(days)
            changes[app, function, day] += Fraction(amount) * (now / then - 1)
    return changes


def _by_owner(
    con: duckdb.DuckDBPyConnection, catalog: Catalog, changes: Mapping[_Key, Fraction], *, until: dt.date
) -> Iterator[tuple[tuple[str, dt.date], Fraction]]:
    """Yield by function of the catalog and day the change of its cost, as a share of it."""
    if not changes:
        return
    owners = catalog.owners()
    costs: defaultdict[tuple[str, dt.date], list[Fraction]] = defaultdict(lambda: [Fraction(0), Fraction(0)])
    for app, function, day, cost in _costs(con, catalog, until=until):
        if (owner := owners.get((app, function))) is not None:
            costs[owner, day][0] += Fraction(cost)
            costs[owner, day][1] += changes.get((app, function, day), Fraction(0))
    for key, (cost_usd, change_usd) in costs.items():
        if cost_usd and change_usd:
            yield key, change_usd / cost_usd


def _outside(
    con: duckdb.DuckDBPyConnection, catalog: Catalog, changes: Mapping[_Key, Fraction], *, until: dt.date
) -> Iterator[OutsideCost]:
    owners = catalog.owners()
    for app, function, day, cost in _costs(con, catalog, until=until):
        if (app, function) not in owners:
            change = changes.get((app, function, day), Fraction(0))
            yield OutsideCost(app, function, day, Fraction(cost) + change)


def _new_apps(
    con: duckdb.DuckDBPyConnection, catalog: Catalog, baseline: BaselinePeriod | None, *, until: dt.date
) -> Iterator[OutsideCost]:
    """Work that moves to an app of its own moves as well: its GPUs are the programme's, and it is new."""
    if baseline is None:
        return
    gpus = [resource.name for resource in catalog.prices.resources if resource.kind == "gpu"]
    period = {"since": day_start(baseline.start), "end": day_start(baseline.end), "until": day_start(until)}
    for app, function, day, cost in con.execute(_NEW_APPS, _of_programme(catalog, gpus=gpus, **period)).fetchall():
        yield OutsideCost(app, function, day, Fraction(cost))


def _other_apps(
    con: duckdb.DuckDBPyConnection, catalog: Catalog, baseline: BaselinePeriod | None, *, until: dt.date
) -> Mapping[str, Mapping[dt.date, Fraction]]:
    if baseline is None:
        return {}
    period = {"since": day_start(baseline.start), "until": day_start(until)}
    costs: defaultdict[str, dict[dt.date, Fraction]] = defaultdict(dict)
    for app, day, cost in con.execute(_OTHER_APPS, _of_programme(catalog, **period)).fetchall():
        costs[app][day] = Fraction(cost)
    return costs


def _costs(
    con: duckdb.DuckDBPyConnection, catalog: Catalog, *, until: dt.date
) -> list[tuple[str, str, dt.date, Decimal]]:
    return con.execute(_COSTS, _of_programme(catalog, until=day_start(until))).fetchall()


def _log_matches(
    con: duckdb.DuckDBPyConnection, catalog: Catalog, *, until: dt.date
) -> Mapping[tuple[str, dt.date], LogMatch]:
    """A function whose day matches in one app and not in another does not match."""
    owners = catalog.owners()
    matches: dict[tuple[str, dt.date], LogMatch] = {}
    rows = con.execute(_MATCHES, _of_programme(catalog, until=day_start(until))).fetchall()
    for app, function, day, billed_usd, is_matched, unexplained_usd in rows:
        if (owner := owners.get((app, function))) is not None:
            sofar = matches.get((owner, day), LogMatch(Decimal(0), is_matched=True))
            matches[owner, day] = LogMatch(
                sofar.cost_usd + billed_usd,
                is_matched=sofar.is_matched and is_matched,
                unexplained_usd=sofar.unexplained_usd + unexplained_usd,
            )
    return matches


def read_error_bars(
    con: duckdb.DuckDBPyConnection, week: IsoWeek, catalog: Catalog, *, baseline: BaselinePeriod | None
) -> tuple[CostBar, ...]:
    """Read the error bars of everything in the programme's apps, from the baseline's first week to a week."""
    if baseline is None:
        return ()
    owners = catalog.owners()
    period = {"since": day_start(IsoWeek.of(baseline.start).start), "until": day_start(week.end)}
    rows = con.execute(_ERROR_BARS, _of_programme(catalog, **period)).fetchall()
    return tuple(CostBar(app, owners.get((app, function)), *row) for app, function, *row in rows)
