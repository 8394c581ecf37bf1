"""The call logs that are missing, by what is landed: `savings.log_coverage` for every function of the apps.

The functions of an app share its bill. Where the log of one is missing, or short of what Modal counts (gate G8), its
cost goes to the others.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

import duckdb

from tieout.catalog.models import Catalog
from tieout.core.periods import day_start
from tieout.savings.log_coverage import LogGap, LogRange, days_billed_without_log, days_without_log
from tieout.warehouse.parsed import answers

_DAY = dt.timedelta(days=1)

# Logs that follow each other without a gap are one stretch: a year of days has few.
_LOGS = """
with

logs as (
    select
        f.app,
        f.function,
        d.range_start,
        least(d.range_end, $until) as range_end,
        bool_or(d.has_sidecar) as is_pulled
    from raw.deliveries as d
    inner join raw.files as f on d.file_id = f.file_id
    where
        f.source = (select call_source from catalog.settings)
        and coalesce(f.environment, $environment) = $environment
        and d.range_start < least(d.range_end, $until)
    group by all
),

reached as (
    select
        *,
        max(range_end) over (
            partition by app, function, is_pulled
            order by range_start, range_end
            rows between unbounded preceding and 1 preceding
        ) as reached_before
    from logs
),

stretches as (
    select
        *,
        count(*) filter (where reached_before is null or range_start > reached_before) over (
            partition by app, function, is_pulled
            order by range_start, range_end
            rows unbounded preceding
        ) as stretch
    from reached
)

select
    app,
    function,
    min(range_start),
    max(range_end),
    is_pulled
from stretches
group by app, function, is_pulled, stretch
"""

_INPUTS = """
select f.app, f.function, d.day::date, sum(d.inputs)::bigint
from usage.container_days as d
inner join staging.functions as f on d.function_key = f.function_key
where f.environment = $environment and d.day < $until
group by all
"""

_DEPLOYED = """
select app, deployed_at
from staging.deployments
where environment = $environment and deployed_at < $until
"""

_BILLED = """
select app, date_trunc('day', hour)::date, sum(billed_usd)::decimal(38, 12)
from spend.pools
where
    environment = $environment
    and split_part(object_id, '-', 1) || '-' in (select prefix from catalog.object_kinds where has_functions)
    and hour < $until
group by all
"""

_SHORT = """
select app, function, day::date
from reconciliation.completeness
where environment = $environment and day < $until and outcome = 'short'
order by all
"""


def missing_logs(con: duckdb.DuckDBPyConnection, catalog: Catalog, *, until: dt.date) -> tuple[LogGap, ...]:
    """Return what the call logs of the programme's apps lack before `until`, by app and function.

    First the days that are missing, then those that are short of what Modal counts.

    Args:
        con: a connection to a built warehouse, in UTC; only read from.
        catalog: the programme; other apps have bills of their own.
        until: logs of that day and later are not looked at.
    """
    parameters = {"environment": catalog.functions.environment, "until": day_start(until)}
    apps: defaultdict[str, defaultdict[str, list[LogRange]]] = defaultdict(lambda: defaultdict(list))
    for app, function, *log in answers(con, _LOGS, parameters):
        apps[app][function].append(LogRange(*log))
    inputs: defaultdict[tuple[str, str], dict[dt.date, int]] = defaultdict(dict)
    for app, function, day, started in answers(con, _INPUTS, parameters):
        inputs[app, function][day] = started
    deployed: defaultdict[str, list[dt.datetime]] = defaultdict(list)
    for app, deployed_at in answers(con, _DEPLOYED, parameters):
        deployed[app].append(deployed_at)
    billed: defaultdict[str, dict[dt.date, Decimal]] = defaultdict(dict)
    for app, day, billed_usd in answers(con, _BILLED, parameters):
        billed[app][day] = billed_usd
    own = catalog.owners().keys()
    missing = tuple(
        LogGap(app, function, tuple(sorted(days)))
        for app, functions in sorted(_with_apps_never_logged(apps, catalog, own).items())
        if any((app, function) in own for function in functions)
        for without_any in [days_billed_without_log(_all_logs(functions), billed[app])]
        for function in sorted(functions)
        if (days := {*without_any, *_missing_of(functions, function, inputs[app, function], deployed[app])})
    )
    short = answers(con, _SHORT, parameters)
    return (*missing, *_short_logs(short, missing, apps={app for app, _ in own}))


def _short_logs(
    short: Iterable[tuple[str, str, dt.date]], missing: Iterable[LogGap], *, apps: Collection[str]
) -> Iterator[LogGap]:
    """The logs of the programme's apps that lack calls, but for days on which they are missing altogether."""
    without = {(gap.app, gap.function, day) for gap in missing for day in gap.days}
    found: defaultdict[tuple[str, str], list[dt.date]] = defaultdict(list)
    for app, function, day in short:
        if app in apps and (app, function, day) not in without:
            found[app, function].append(day)
    for (app, function), days in found.items():
        yield LogGap(app, function, tuple(days), is_short=True)


def _with_apps_never_logged(
    apps: Mapping[str, Mapping[str, Sequence[LogRange]]], catalog: Catalog, own: Collection[tuple[str, str]]
) -> Mapping[str, Mapping[str, Sequence[LogRange]]]:
    """Add the catalog's apps of which no log is landed at all, once there are any of the programme."""
    if not any((app, function) in own for app, functions in apps.items() for function in functions):
        return {}
    never: defaultdict[str, dict[str, Sequence[LogRange]]] = defaultdict(dict)
    for function in catalog.functions.functions:
        for configuration in function.configurations:
            if configuration.app not in apps:
                never[configuration.app][function.name] = ()
    return {**never, **apps}


def _missing_of(
    functions: Mapping[str, Sequence[LogRange]],
    function: str,
    inputs: Mapping[dt.date, int],
    deployed: Sequence[dt.datetime],
) -> tuple[dt.date, ...]:
    """Return the days that the logs of one function leave out beside those of its app."""
    logs = functions[function]
    called = [day for day, started in inputs.items() if started]
    if not (logs and called and deployed):
        return days_without_log(logs, inputs)
    pulled = [log for log in _all_logs(functions) if log.is_pulled]
    first = min(logs, key=lambda log: (log.start, not log.is_pulled))
    last = max(logs, key=lambda log: (log.end, log.is_pulled))
    # An app that was deployed anew may have got the function only then, or have lost it.
    since = min(log.start for log in pulled) if first.is_pulled else None
    until = max(log.end for log in pulled) if last.is_pulled else None
    if since is not None and any(since <= at < day_start(min(called) + _DAY) for at in deployed):
        since = None
    if max(deployed) >= day_start(max(called)):
        until = None
    return days_without_log(logs, inputs, expected_from=since, expected_until=until)


def _all_logs(functions: Mapping[str, Sequence[LogRange]]) -> Iterator[LogRange]:
    return (log for logs in functions.values() for log in logs)
