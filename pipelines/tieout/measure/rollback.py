"""Rollbacks, read off the warehouse: functions most of whose calls ran again on what was deployed before the rollout.

Settings tell one where the rollout changed settings. A rollout of code alone changes none; there the commits of
`app history` tell it.
"""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import duckdb

from tieout.catalog.models import BASELINE, Catalog
from tieout.core.periods import day_start
from tieout.measure.configuration_drift import in_cores
from tieout.warehouse.parsed import answers

_DAY = dt.timedelta(days=1)

_SETTINGS = """
select app, function, phase, valid_from, valid_to, gpu, gpu_count, cpu_request_millicores, memory_request_mib
from staging.configurations
where environment = $environment and source = 'function info' and app in (select unnest($apps::varchar[]))
order by valid_from, app, function
"""

# A trailing * marks uncommitted changes: such a deployment is like no other.
_COMMITS = """
select app, deployed_at, commit_hash
from staging.deployments
where environment = $environment and app in (select unnest($apps::varchar[])) and not ends_with(commit_hash, '*')
order by deployed_at
"""

_CALLS = """
select app, function, day::date, sum(successful_calls)::bigint
from savings.daily_function
where environment = $environment and day >= $since and day < $until and app in (select unnest($apps::varchar[]))
group by all
"""

_Calls = Counter[tuple[str, dt.date]]


@dataclass(frozen=True)
class _Deployed:
    """What an app ran between two moments, in words; whether that was before the rollout of a function."""

    app: str
    since: dt.datetime
    until: dt.datetime
    what: str
    is_before: bool


def rolled_back(con: duckdb.DuckDBPyConnection, catalog: Catalog, days: Sequence[dt.date]) -> Iterator[tuple[str, str]]:
    """Yield the functions most of whose calls on some days ran on what the baseline ended with, and what that was.

    A function for which nothing ever changed, neither settings nor commit, was not rolled back.

    Args:
        con: a connection to a built warehouse, in UTC; only read from.
        catalog: the programme.
        days: the measured days of a week, ascending.
    """
    if not days:
        return
    calls = _calls(con, catalog, days)
    settings, commits = _settings_by_function(con, catalog), _commits_by_function(con, catalog)
    for function in sorted(settings.keys() | commits.keys()):
        for words, deployed in (("settings", settings.get(function, ())), ("commit", commits.get(function, ()))):
            again = _again(deployed, calls.get(function, Counter()))
            if again is not None:
                yield function, f"the old {words} ({again})"
                break


def _again(deployed: Collection[_Deployed], calls: _Calls) -> str | None:
    """What the baseline ended with, where it changed and most calls ran on it again."""
    before = [value.what for value in deployed if value.is_before]
    if not before or {value.what for value in deployed if not value.is_before} <= {before[-1]}:
        return None
    again = sum(count for (app, day), count in calls.items() if _in_force(deployed, app, day) == before[-1])
    return before[-1] if again * 2 > calls.total() else None


def _in_force(deployed: Collection[_Deployed], app: str, day: dt.date) -> str | None:
    """What an app ran at the end of a day, where that was deployed with the rollout or since."""
    end = day_start(day + _DAY)
    own = (value for value in deployed if value.app == app and not value.is_before)
    return next((value.what for value in own if value.since < end <= value.until), None)


def _settings_by_function(con: duckdb.DuckDBPyConnection, catalog: Catalog) -> Mapping[str, list[_Deployed]]:
    owners = catalog.owners()
    seen: defaultdict[str, list[_Deployed]] = defaultdict(list)
    for app, function, phase, since, until, *settings in answers(con, _SETTINGS, _of_programme(catalog)):
        if (owner := owners.get((app, function))) is not None:
            seen[owner].append(_Deployed(app, since, until, _in_words(*settings), phase == BASELINE))
    return seen


def _commits_by_function(con: duckdb.DuckDBPyConnection, catalog: Catalog) -> Mapping[str, list[_Deployed]]:
    """An app that was never deployed before the rollout has nothing to be rolled back to."""
    by_app: defaultdict[str, list[tuple[dt.datetime, str]]] = defaultdict(list)
    for app, deployed_at, commit in answers(con, _COMMITS, _of_programme(catalog)):
        by_app[app].append((deployed_at, commit))
    seen: defaultdict[str, list[_Deployed]] = defaultdict(list)
    for (app, _), function in catalog.owners().items():
        phases = [phase.deployed_at for phase in catalog.rollout.phases if function in phase.functions]
        if not phases or any(value.app == app for value in seen[function]):
            continue
        rollout = day_start(min(phases).date())
        deployments = by_app[app]
        for (since, commit), until in zip(deployments, _ends(deployments), strict=True):
            seen[function].append(_Deployed(app, since, until, commit, since < rollout))
    return seen


def _ends(deployments: Sequence[tuple[dt.datetime, str]]) -> list[dt.datetime]:
    return [*(since for since, _ in deployments[1:]), day_start(dt.date.max)] if deployments else []


def _calls(con: duckdb.DuckDBPyConnection, catalog: Catalog, days: Sequence[dt.date]) -> Mapping[str, _Calls]:
    owners = catalog.owners()
    period = {"since": day_start(days[0]), "until": day_start(days[-1] + _DAY)}
    calls: defaultdict[str, _Calls] = defaultdict(Counter)
    for app, function, day, count in answers(con, _CALLS, _of_programme(catalog) | period):
        if (owner := owners.get((app, function))) is not None and day in days:
            calls[owner][app, day] += count
    return calls


def _of_programme(catalog: Catalog) -> dict[str, object]:
    return {"environment": catalog.functions.environment, "apps": sorted({app for app, _ in catalog.owners()})}


def _in_words(gpu: str | None, gpu_count: int | None, millicores: int | None, memory_mib: int | None) -> str:
    graphics = "no GPU" if gpu is None else f"{gpu_count or 1} × {gpu}"
    cpu = "default CPU" if millicores is None else in_cores(millicores)
    return f"{graphics}, {cpu}, {'default memory' if memory_mib is None else f'{memory_mib:,} MiB'}"
