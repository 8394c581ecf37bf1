"""The call logs that are missing, read off what is landed: `core.logs` for every function of the programme's apps.

The functions of an app share its bill. Where the log of one is missing, its cost goes to the others.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping

import duckdb

from pipelines.core.catalog import Catalog
from pipelines.core.logs import LogGap, LogRange, days_without_log
from pipelines.core.periods import day_start

_LOGS = """
select
    f.app,
    f.function,
    d.range_start,
    least(d.range_end, $until) as range_end,
    bool_or(d.has_sidecar) as is_pulled
from raw.deliveries as d
inner join raw.files as f on d.file_id = f.file_id
where
    f.source = 'function_calls'
    and coalesce(f.environment, $environment) = $environment
    and d.range_start < least(d.range_end, $until)
group by all
"""

_INPUTS = """
select app, function, day::date, sum(inputs)::bigint
from usage.container_days
where environment = $environment and day < $until
group by all
"""

_DEPLOYED = """
select app, max(deployed_at)
from staging.deployments
where environment = $environment and deployed_at < $until
group by all
"""


def missing_logs(con: duckdb.DuckDBPyConnection, catalog: Catalog, *, until: dt.date) -> tuple[LogGap, ...]:
    """Return what is missing before `until` of the call logs of the programme's apps, by app and function.

    Args:
        con: a connection to a built warehouse, in UTC; only read from.
        catalog: the programme; other apps have bills of their own.
        until: logs of that day and later are not looked at.
    """
    parameters = {"environment": catalog.functions.environment, "until": day_start(until)}
    apps: defaultdict[str, defaultdict[str, list[LogRange]]] = defaultdict(lambda: defaultdict(list))
    for app, function, *log in con.execute(_LOGS, parameters).fetchall():
        apps[app][function].append(LogRange(*log))
    inputs: defaultdict[tuple[str, str], dict[dt.date, int]] = defaultdict(dict)
    for app, function, day, started in con.execute(_INPUTS, parameters).fetchall():
        inputs[app, function][day] = started
    deployed = dict(con.execute(_DEPLOYED, parameters).fetchall())
    own = {function.name for function in catalog.functions.functions}
    gaps = [
        LogGap(
            app,
            function,
            days_without_log(
                ranges,
                inputs[app, function],
                expected_until=_expected_until(functions, function, inputs[app, function], deployed.get(app)),
            ),
        )
        for app, functions in sorted(apps.items())
        if own & functions.keys()
        for function, ranges in sorted(functions.items())
    ]
    return tuple(gap for gap in gaps if gap.days)


def _expected_until(
    functions: Mapping[str, Iterable[LogRange]],
    function: str,
    called: Iterable[dt.date],
    last_deployment: dt.datetime | None,
) -> dt.datetime | None:
    """Return until when the app's logs were pulled, if the function's are too and it is known to be deployed still.

    An app that was deployed anew on the function's last day with calls, or since, may have lost the function.
    """
    last_called = max(called, default=None)
    if last_called is None or last_deployment is None or last_deployment >= day_start(last_called):
        return None
    last = max(functions[function], key=lambda log: (log.end, log.is_pulled))
    return max(log.end for logs in functions.values() for log in logs if log.is_pulled) if last.is_pulled else None
