"""What a measurement must know beside calls and cost, read off the warehouse: prices, boundary, gates and settings."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import duckdb

from tieout.catalog.models import Catalog
from tieout.core.periods import IsoWeek, day_start
from tieout.measure.replays import read_replays, read_replays_by_week
from tieout.measure.rollback import rolled_back
from tieout.savings.boundary import OutsideCost
from tieout.savings.context import LogMatch, WeekContext
from tieout.savings.days import BaselinePeriod, measured_days
from tieout.savings.error_bars import CostBar
from tieout.savings.programme import Programme
from tieout.warehouse.parsed import answers

_Key = tuple[str, str, dt.date]

# A week is held against the baseline; what lies between them says nothing of it, and grows with every week.
_COSTS = """
select app, function, day::date, sum(cost_usd)::decimal(38, 12)
from savings.daily_function
where
    environment = $environment and day < $until and app in (select unnest($apps::varchar[]))
    and (day < $end or day >= $week)
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
    environment = $environment and hour >= greatest($end, $week) and hour < $until
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
    and (hour < $end or hour >= $week)
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
where
    environment = $environment and day < $until and app in (select unnest($apps::varchar[]))
    and (day < $end or day >= $week)
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
    listed = _Listed.read(con, catalog, baseline)
    changes = listed.price_changes(days)
    return WeekContext(
        is_baseline_frozen=is_baseline_frozen,
        price_changes=dict(listed.by_owner(changes)),
        outside=(
            *_outside(con, catalog, changes, _span(week, baseline)),
            *_new_apps(con, catalog, baseline, _span(week, baseline)),
        ),
        other_apps=_other_apps(con, catalog, baseline, _span(week, baseline)),
        log_matches=_log_matches(con, catalog, _span(week, baseline)),
        rolled_back=dict(rolled_back(con, catalog, days)),
        error_bars=read_error_bars(con, week, catalog, baseline=baseline),
        replays=read_replays(con, week),
    )


def read_contexts_of_earlier_weeks(
    con: duckdb.DuckDBPyConnection, weeks: Sequence[IsoWeek], catalog: Catalog, *, baseline: BaselinePeriod
) -> dict[IsoWeek, WeekContext]:
    """Read only how list prices have changed from the baseline to some weeks, and their replays; nothing else is known.

    All of it is read at once: every report asks for all weeks before its own.
    """
    listed, replays = _Listed.read(con, catalog, baseline), read_replays_by_week(con)
    return {
        week: WeekContext(
            price_changes=dict(listed.by_owner(listed.price_changes(_measured_days(week, catalog)))),
            replays=replays.get(week, {}),
        )
        for week in weeks
    }


def _measured_days(week: IsoWeek, catalog: Catalog) -> tuple[dt.date, ...]:
    deployments = Programme.of(catalog).deployment_days.values()
    return measured_days(week, first_deployment=min(deployments, default=None), blackout=deployments)


def _span(week: IsoWeek, baseline: BaselinePeriod | None) -> dict[str, dt.datetime]:
    """The bounds of what a week is measured by: up to the end of the baseline, and the week itself."""
    end = week.start if baseline is None else baseline.end
    return {"end": day_start(end), "week": day_start(week.start), "until": day_start(week.end)}


def _of_programme(catalog: Catalog, **more: object) -> dict[str, object]:
    apps = sorted({app for app, _ in catalog.owners()})
    return {"environment": catalog.functions.environment, "apps": apps, **more}


@dataclass(frozen=True)
class _Listed:
    """The list prices over time, and what the baseline's days cost; nothing of the days where no price has changed.

    Attributes:
        prices: by resource, from when to when a price holds.
        by_resource: app, function, day, resource and cost of the baseline's days.
        costs: owner, app, function, day and cost of the same days.
    """

    prices: Mapping[str, Sequence[tuple[dt.datetime, dt.datetime, Fraction]]]
    by_resource: Sequence[tuple[str, str, dt.date, str, Decimal]]
    costs: Sequence[tuple[str, str, str, dt.date, Decimal]]

    @classmethod
    def read(cls, con: duckdb.DuckDBPyConnection, catalog: Catalog, baseline: BaselinePeriod | None) -> "_Listed":
        """Read them off the warehouse."""
        prices: defaultdict[str, list[tuple[dt.datetime, dt.datetime, Fraction]]] = defaultdict(list)
        for resource, valid_from, valid_to, usd_per_hour in answers(con, _PRICES):
            prices[resource].append((valid_from, valid_to, Fraction(usd_per_hour)))
        if baseline is None or all(len(own) == 1 for own in prices.values()):
            return cls(prices, (), ())
        since, until = day_start(baseline.start), day_start(baseline.end)
        by_resource = answers(con, _BY_RESOURCE, _of_programme(catalog, since=since, until=until))
        owners = catalog.owners()
        costs = [
            (owner, app, function, day, cost)
            for app, function, day, cost in _costs(con, catalog, {"end": until, "week": until, "until": until})
            if (owner := owners.get((app, function))) is not None
        ]
        return cls(prices, by_resource, costs)

    def price_changes(self, days: Sequence[dt.date]) -> Mapping[_Key, Fraction]:
        """By app, function and baseline day: what its resources would cost more, in dollars, at some days' prices."""
        changes: defaultdict[_Key, Fraction] = defaultdict(Fraction)
        for app, function, day, resource, amount in self.by_resource if days else ():
            if len(self.prices.get(resource, ())) > 1 and (then := self._price(resource, day)):
                now = sum((self._price(resource, measured) for measured in days), Fraction(0)) / len(days)
                changes[app, function, day] += Fraction(amount) * (now / then - 1)
        return changes

    def _price(self, resource: str, day: dt.date) -> Fraction:
        moment = day_start(day)
        return next(usd for since, until, usd in self.prices[resource] if since <= moment < until)

    def by_owner(self, changes: Mapping[_Key, Fraction]) -> Iterator[tuple[tuple[str, dt.date], Fraction]]:
        """Yield by function of the catalog and day the change of its cost, as a share of it."""
        if not changes:
            return
        costs: defaultdict[tuple[str, dt.date], list[Fraction]] = defaultdict(lambda: [Fraction(0), Fraction(0)])
        for owner, app, function, day, cost in self.costs:
            costs[owner, day][0] += Fraction(cost)
            costs[owner, day][1] += changes.get((app, function, day), Fraction(0))
        for key, (cost_usd, change_usd) in costs.items():
            if cost_usd and change_usd:
                yield key, change_usd / cost_usd


def _outside(
    con: duckdb.DuckDBPyConnection, catalog: Catalog, changes: Mapping[_Key, Fraction], span: Mapping[str, dt.datetime]
) -> Iterator[OutsideCost]:
    owners = catalog.owners()
    for app, function, day, cost in _costs(con, catalog, span):
        if (app, function) not in owners:
            change = changes.get((app, function, day), Fraction(0))
            yield OutsideCost(app, function, day, Fraction(cost) + change)


def _new_apps(
    con: duckdb.DuckDBPyConnection,
    catalog: Catalog,
    baseline: BaselinePeriod | None,
    span: Mapping[str, dt.datetime],
) -> Iterator[OutsideCost]:
    """Work that moves to an app of its own moves as well: its GPUs are the programme's, and it is new."""
    if baseline is None:
        return
    gpus = [resource.name for resource in catalog.prices.resources if resource.kind == "gpu"]
    period = _of_programme(catalog, gpus=gpus, since=day_start(baseline.start), **span)
    for app, function, day, cost in answers(con, _NEW_APPS, period):
        yield OutsideCost(app, function, day, Fraction(cost))


def _other_apps(
    con: duckdb.DuckDBPyConnection,
    catalog: Catalog,
    baseline: BaselinePeriod | None,
    span: Mapping[str, dt.datetime],
) -> Mapping[str, Mapping[dt.date, Fraction]]:
    if baseline is None:
        return {}
    period = {"since": day_start(baseline.start), **span}
    costs: defaultdict[str, dict[dt.date, Fraction]] = defaultdict(dict)
    for app, day, cost in answers(con, _OTHER_APPS, _of_programme(catalog, **period)):
        costs[app][day] = Fraction(cost)
    return costs


def _costs(
    con: duckdb.DuckDBPyConnection, catalog: Catalog, span: Mapping[str, dt.datetime]
) -> list[tuple[str, str, dt.date, Decimal]]:
    return answers(con, _COSTS, _of_programme(catalog, **span))


def _log_matches(
    con: duckdb.DuckDBPyConnection, catalog: Catalog, span: Mapping[str, dt.datetime]
) -> Mapping[tuple[str, dt.date], LogMatch]:
    """A function whose day matches in one app and not in another does not match."""
    owners = catalog.owners()
    matches: dict[tuple[str, dt.date], LogMatch] = {}
    rows = answers(con, _MATCHES, _of_programme(catalog, **span))
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
    rows = answers(con, _ERROR_BARS, _of_programme(catalog, **period))
    return tuple(CostBar(app, owners.get((app, function)), *row) for app, function, *row in rows)
