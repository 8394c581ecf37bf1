"""The work of a week on the containers of the baseline: read, replayed where it is new, and kept by its content.

What was replayed before is in `savings.replays`, with the hash of everything that it was made of: the baseline's days
of one week are those of the next, and of a week that goes on only the changed days are replayed.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import duckdb
import numpy as np

from tieout.catalog.models import BASELINE, Catalog
from tieout.core.periods import IsoWeek, day_start
from tieout.savings.days import BaselinePeriod, baseline_days, measured_days
from tieout.savings.programme import Programme
from tieout.savings.replay import ContainerModel, Integers
from tieout.savings.replay_days import ContainerTime
from tieout.savings.replay_period import Experience, ReplayedDay, replay_days
from tieout.warehouse.connection import has_table
from tieout.warehouse.parsed import answers

_DAY = dt.timedelta(days=1)
_SECOND_US = 1_000_000

# A place is that of the function among those that are replayed.
_INPUTS = """
with

owned as (
    select unnest($names::varchar[]) as name, unnest($places::bigint[]) as place
)

select
    o.place,
    epoch_us(c.enqueued_at) as enqueued_us,
    epoch_us(c.started_at) as started_us,
    coalesce(c.execution_us, -1) as execution_us,
    coalesce(c.startup_us, -1) as startup_us,
    coalesce(c.container_key, -1)::bigint as container
from staging.function_calls as c
inner join owned as o on c.app || chr(0) || c.function = o.name
where
    c.environment = $environment
    and c.started_at is not null
    and (
        (c.enqueued_at >= $baseline_since and c.enqueued_at < $baseline_until)
        or (c.enqueued_at >= $week_since and c.enqueued_at < $week_until)
    )
order by o.place, c.enqueued_at
"""
_ROWS_AT_ONCE = 500_000

_MODELS = """
select
    valid_from, valid_to, scaledown_window_seconds, min_containers, max_containers, buffer_containers,
    single_use_containers
from staging.configurations
where
    environment = $environment
    and phase = $phase
    and app || chr(0) || function in (select unnest($names::varchar[]))
order by valid_from desc, app, function
"""

_KNOWN = """
select distinct function, startup_us, execution_us, idle_us, warm_us, variance_us2, content_hash
from savings.replays
"""

_REPLAYS = """
select week_start::date, function, day, startup_us, execution_us, idle_us, warm_us, variance_us2, content_hash
from savings.replays
where $since is null or week_start = $since
"""


@dataclass(frozen=True)
class ReplayRow:
    """A replayed day of a function, and how many inputs arrived on it."""

    app: str
    function: str
    day: dt.date
    is_baseline: bool
    inputs: int
    replayed: ReplayedDay


@dataclass(frozen=True)
class _Inputs:
    """The inputs of a function, in order of arrival; microseconds since 1970 UTC, −1 where not known."""

    enqueued_us: Integers
    started_us: Integers
    execution_us: Integers
    startup_us: Integers
    container: Integers

    def between(self, since: dt.date, until: dt.date) -> "_Inputs":
        """Return the inputs that arrived on some days."""
        low, high = np.searchsorted(self.enqueued_us, [_to_us(since), _to_us(until)])
        return _Inputs(*(getattr(self, name)[low:high] for name in self.__dataclass_fields__))

    @property
    def experience(self) -> Experience:
        """What these inputs have seen."""
        return Experience(
            np.sort(self.execution_us[self.execution_us >= 0]), np.sort(self.startup_us[self.startup_us >= 0])
        )

    @property
    def most_at_once(self) -> int:
        """The most inputs that ran in one container at the same time, at least one."""
        ran = self.execution_us >= 0
        begins, ends = self.started_us[ran], self.started_us[ran] + self.execution_us[ran]
        steps = np.concatenate([np.ones(len(begins), dtype=np.int64), -np.ones(len(ends), dtype=np.int64)])
        # An end goes before a start at the same instant.
        order = np.lexsort([steps, np.concatenate([begins, ends]), np.tile(self.container[ran], 2)])
        return max(1, int(np.cumsum(steps[order]).max(initial=0)))


def replayed_rows(
    con: duckdb.DuckDBPyConnection, week: IsoWeek, catalog: Catalog, *, baseline: BaselinePeriod | None
) -> Iterator[ReplayRow]:
    """Replay the baseline days and the measured days of a week, as far as they are not known yet.

    Args:
        con: a connection to a built warehouse, in UTC; only read from. Ask it nothing else until all rows are taken:
            DuckDB refuses that.
        week: which.
        catalog: the programme.
        baseline: the baseline period; without one nothing is replayed.
    """
    programme = Programme.of(catalog)
    deployments = programme.deployment_days.values()
    measured = measured_days(week, first_deployment=min(deployments, default=None), blackout=deployments)
    if baseline is None or not measured:
        return
    before = baseline_days(baseline)
    names_of = {function: _names(catalog, function) for function in programme.functions}
    models_of = {function: _models(con, catalog, names, before) for function, names in names_of.items()}
    known = _known(con)
    for function, inputs in _read_inputs(con, catalog, names_of, baseline, (measured[0], measured[-1] + _DAY)):
        seen = inputs.between(baseline.start, baseline.end)
        if not len(seen.enqueued_us) or not models_of[function]:
            continue
        at_once = seen.most_at_once
        models = {day: replace(model, concurrent_inputs=at_once) for day, model in models_of[function].items()}
        days = {**models, **dict.fromkeys(measured, models[before[-1]])}
        app = programme.app_of(function, BASELINE)
        for day, replayed in replay_days(inputs.enqueued_us, days, seen.experience, known=known[function]):
            arrived = len(inputs.between(day, day + _DAY).enqueued_us)
            yield ReplayRow(app, function, day, day < baseline.end, arrived, replayed)


def read_replays(con: duckdb.DuckDBPyConnection, week: IsoWeek) -> Mapping[tuple[str, dt.date], ReplayedDay]:
    """Return the replayed days of a week by function and day; none where they are not built yet."""
    if not has_table(con, "savings.replays"):
        return {}
    rows = answers(con, _REPLAYS, {"since": week.start})
    return {(function, day): _replayed(*values) for _, function, day, *values in rows}


def read_replays_by_week(con: duckdb.DuckDBPyConnection) -> dict[IsoWeek, dict[tuple[str, dt.date], ReplayedDay]]:
    """Return the same of every week; no week where they are not built yet."""
    by_week: dict[IsoWeek, dict[tuple[str, dt.date], ReplayedDay]] = {}
    if has_table(con, "savings.replays"):
        for monday, function, day, *values in answers(con, _REPLAYS, {"since": None}):
            by_week.setdefault(IsoWeek.of(monday), {})[function, day] = _replayed(*values)
    return by_week


def _names(catalog: Catalog, function: str) -> list[str]:
    """What a function is called in the logs, with its app."""
    return [f"{app}\0{name}" for (app, name), owner in sorted(catalog.owners().items()) if owner == function]


def _read_inputs(
    con: duckdb.DuckDBPyConnection,
    catalog: Catalog,
    names_of: Mapping[str, Sequence[str]],
    baseline: BaselinePeriod,
    measured: tuple[dt.date, dt.date],
) -> Iterator[tuple[str, _Inputs]]:
    """Read the inputs of both periods, and of the day before each: their containers may live on.

    One query reads those of all functions, and its result is read on while one function after the other is looked at:
    whoever asks for them must not use the connection until they are through.
    """
    places = [place for place, names in enumerate(names_of.values()) for _ in names]
    parameters: dict[str, Any] = {
        "environment": catalog.functions.environment,
        "names": [name for names in names_of.values() for name in names],
        "places": places,
        "baseline_since": day_start(baseline.start - _DAY),
        "baseline_until": day_start(baseline.end),
        "week_since": day_start(measured[0] - _DAY),
        "week_until": day_start(measured[1]),
    }
    functions, place = tuple(names_of), -1
    parts: list[Integers] = []
    # Not from `con.execute`, whose batches are not in the order that the query asks for.
    for batch in con.sql(_INPUTS, params=parameters).to_arrow_reader(_ROWS_AT_ONCE):
        columns = np.stack([column.to_numpy() for column in batch.columns])
        for part in np.split(columns, np.flatnonzero(np.diff(columns[0])) + 1, axis=1):
            if parts and part[0, 0] != place:
                yield functions[place], _Inputs(*np.concatenate(parts, axis=1)[1:])
                parts = []
            place = int(part[0, 0])
            parts.append(part)
    if parts:
        yield functions[place], _Inputs(*np.concatenate(parts, axis=1)[1:])


def _models(
    con: duckdb.DuckDBPyConnection,
    catalog: Catalog,
    names: Sequence[str],
    days: Sequence[dt.date],
) -> dict[dt.date, ContainerModel]:
    """Return the configuration of the baseline on each of its days, one input at once; nothing where one has none."""
    parameters = {"environment": catalog.functions.environment, "names": list(names), "phase": BASELINE}
    rows = answers(con, _MODELS, parameters)
    models: dict[dt.date, ContainerModel] = {}
    for day in days:
        for since, until, window, least, most, buffers, is_single_use in rows:
            if since <= day_start(day) < until:
                models[day] = ContainerModel(
                    window_us=int(window) * _SECOND_US,
                    min_containers=least,
                    max_containers=most,
                    buffer_containers=buffers,
                    single_use=is_single_use,
                )
                break
    return models if len(models) == len(days) else {}


def _known(con: duckdb.DuckDBPyConnection) -> defaultdict[str, dict[str, ReplayedDay]]:
    """Return what was replayed before, by function and by the hash of what it was made of."""
    known: defaultdict[str, dict[str, ReplayedDay]] = defaultdict(dict)
    if has_table(con, "savings.replays"):
        for function, *values in answers(con, _KNOWN):
            replayed = _replayed(*values)
            known[function][replayed.content_hash] = replayed
    return known


def _replayed(startup: int, execution: int, idle: int, warm: int, variance: float, content_hash: str) -> ReplayedDay:
    return ReplayedDay(ContainerTime(startup, execution, idle, warm), variance, content_hash)


def _to_us(day: dt.date) -> int:
    return int(day_start(day).replace(tzinfo=dt.UTC).timestamp()) * _SECOND_US
