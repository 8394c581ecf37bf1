"""What a call log says of every container in every hour, computed once, when the log is loaded.

Usage reads this table instead of the calls: it has a row where the log has dozens to thousands. All of it is whole
microseconds, so the result does not depend on how the calls were read or in which order.

An input belongs to the hour in which it started; the time that its container was busy with it belongs to the hours in
which it ran. Inputs that run at once are counted once. What a log alone cannot settle has a null in `busy_us`: the
container still had an input running when the log was read, or one ran for over a day. There usage looks at the calls.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tieout.core.sql import transaction
from tieout.sources.tables import FILE_ID, Column, Table

TABLE = Table(
    "container_hours",
    "What a call log says of a container in an hour, by inputs that started in it or ran in it.",
    (
        FILE_ID,
        Column("container_key", "INTEGER", "Container (raw.containers)"),
        Column("hour", "TIMESTAMP", "Start of the hour, UTC"),
        Column("inputs", "INTEGER", "Inputs that started in this hour"),
        Column("first_started_at", "TIMESTAMP", "First start of an input in this hour; null when none started"),
        Column("last_ended_at", "TIMESTAMP", "Last end of the inputs that started in this hour, as far as they ended"),
        Column("startup_began_at", "TIMESTAMP", "Earliest start of such an input less its start-up time, if any"),
        Column("placed_at", "TIMESTAMP", "The same, of inputs whose start-up time the log gives"),
        Column("busy_us", "BIGINT", "Microseconds with an input running; null where usage has to look at the calls"),
        Column("failures", "INTEGER", "Inputs enqueued in this hour that the container failed to come up for"),
        Column("failing_since", "TIMESTAMP", "When the first of them was enqueued; null without one"),
        Column(
            "cluster_members",
            "INTEGER",
            "Containers that served one of its inputs of the week together, as a cluster counted them; null of a log",
        ),
    ),
)

HOUR_US = 3_600_000_000
LONGEST_INPUT_US = 24 * HOUR_US
_NONE = np.iinfo(np.int64).max
_ROOM = 2**62

Numbers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_STARTED = """
select
    file_id,
    container_key,
    epoch_us(started_at) as started_us,
    case
        when execution_us is not null then epoch_us(started_at) + execution_us
        when status != 'running' then epoch_us(started_at)
    end as ended_us,
    epoch_us(started_at) - startup_us as placed_us
from raw.function_calls
where
    file_id between $first_file and $last_file
    and container_key between $first_container and $last_container
    and started_at is not null
"""

_INSERT = """
insert into raw.container_hours by name
with

failed as (
    select
        file_id,
        container_key,
        date_trunc('hour', enqueued_at) as hour,
        count(*) as failures,
        min(enqueued_at) as failing_since
    from raw.function_calls
    where
        file_id between $first_file and $last_file
        and container_key between $first_container and $last_container
        and started_at is null
        and status = 'init failure'
    group by all
)

select
    file_id,
    container_key,
    hour,
    coalesce(inputs, 0) as inputs,
    first_started_at,
    last_ended_at,
    startup_began_at,
    placed_at,
    case when inputs is null then 0 else busy_us end as busy_us,
    coalesce(failures, 0) as failures,
    failing_since
from container_hours_of_logs
full join failed using (file_id, container_key, hour)
"""


def insert(con: duckdb.DuckDBPyConnection, first_file_id: int, last_file_id: int) -> None:
    """Add what the logs of some files say to raw.container_hours.

    Args:
        con: a connection with a transaction open, in which the calls of these files are already in raw.function_calls.
        first_file_id: the first of the files.
        last_file_id: the last of them; those between that are no logs add nothing.
    """
    files = {"first_file": first_file_id, "last_file": last_file_id}
    at_once = con.execute(_CONTAINERS_AT_ONCE, files | {"calls_at_once": _CALLS_AT_ONCE}).fetchall()
    for first_container, last_container in at_once:
        chosen = files | {"first_container": first_container, "last_container": last_container}
        hours_of_logs = container_hours(con.sql(_STARTED, params=chosen).to_arrow_table())
        con.register("container_hours_of_logs", hours_of_logs)
        con.execute(_INSERT, chosen)
        con.unregister("container_hours_of_logs")


# All that a container did is summed up together; how many are, bounds the memory. Counting sixteen as one is quicker.
_CONTAINERS_AT_ONCE = """
select min(first_container), max(last_container)
from (
    select
        min(container_key) as first_container,
        max(container_key) as last_container,
        (sum(count(*)) over (order by container_key // 16) - 1) // $calls_at_once as batch
    from raw.function_calls
    where file_id between $first_file and $last_file and container_key is not null
    group by container_key // 16
)
group by batch
order by batch
"""
_CALLS_AT_ONCE = 1_000_000


def fill_in(con: duckdb.DuckDBPyConnection) -> None:
    """Sum up the logs of a warehouse that was written before there were container hours, in one transaction."""
    [(is_filled, has_calls)] = con.execute(
        """
        select
            exists (select 1 from raw.container_hours),
            exists (select 1 from raw.function_calls where container_key is not null)
        """
    ).fetchall()
    if is_filled or not has_calls:
        return
    with transaction(con):
        [(last_file_id,)] = con.execute("select max(file_id) from raw.files").fetchall()
        insert(con, 0, last_file_id)


def container_hours(calls: pa.Table) -> pa.Table:
    """Sum up the inputs of some logs by log, container and hour.

    Args:
        calls: a row for each input that started, in any order, with the columns file_id, container_key, started_us,
            ended_us (null: it was still running) and placed_us (null: the log gives no start-up time).

    Returns:
        The columns of raw.container_hours that tell of inputs that started, a row for each log, container and hour in
        which one started or ran.
    """
    tables = [_hours_of(inputs) for inputs in _in_order(calls)]
    if not tables:
        return _table({name: np.zeros(0, np.int64) for name in _COLUMNS}, is_told=np.zeros(0, bool))
    return pa.concat_tables(tables)


def _hours_of(inputs: "_Inputs") -> pa.Table:
    """Sum up some inputs, all those of their logs and containers."""
    hours = inputs.started_us // HOUR_US
    of_group, of_hour = _starts(inputs.group), _starts(inputs.group, hours)
    is_told = ~np.logical_or.reduceat(
        inputs.is_open | (inputs.ended_us - inputs.started_us > LONGEST_INPUT_US), of_group
    )
    busy_group, busy_hour, busy_us = _busy(inputs, of_group, is_told)
    # Every hour in which an input started or ran, once, in order: both sides are in it.
    first_hour = min(hours.min(), busy_hour.min(initial=_NONE))
    width = max(hours.max(), busy_hour.max(initial=0)) - first_hour + 1
    started_keys = inputs.group[of_hour] * width + hours[of_hour] - first_hour
    busy_keys = busy_group * width + busy_hour - first_hour
    keys = np.union1d(started_keys, busy_keys)
    at_start, at_busy = np.searchsorted(keys, started_keys), np.searchsorted(keys, busy_keys)
    group = keys // width
    return _table(
        {
            "file_id": inputs.file_id[of_group][group],
            "container_key": inputs.container_key[of_group][group],
            "hour": (keys % width + first_hour) * HOUR_US,
            "inputs": _placed(keys, at_start, np.diff(of_hour, append=len(hours)), missing=0),
            "first_started_at": _placed(keys, at_start, inputs.started_us[of_hour]),
            "last_ended_at": _placed(keys, at_start, np.maximum.reduceat(inputs.ended_us, of_hour)),
            "startup_began_at": _placed(keys, at_start, np.minimum.reduceat(inputs.began_us, of_hour)),
            "placed_at": _placed(keys, at_start, np.minimum.reduceat(inputs.placed_us, of_hour)),
            "busy_us": _added_up(keys, at_busy, busy_us),
        },
        is_told=is_told[group],
    )


@dataclass(frozen=True)
class _Inputs:
    """Inputs sorted by log, container and start; `group` numbers log and container from 0.

    `placed_us` is `_NONE` where the log gives no start-up time. An input that was still running ends with its start.
    """

    file_id: Numbers
    container_key: Numbers
    started_us: Numbers
    ended_us: Numbers
    placed_us: Numbers
    is_open: Flags
    group: Numbers

    @property
    def began_us(self) -> Numbers:
        """When the start-up of each began, as far as it is known: a start-up takes no time where the log gives none."""
        return np.minimum(self.started_us, self.placed_us)


# So many at a time, and the rest of their container: what is worked out for them stays in a processor's cache.
_INPUTS_AT_ONCE = 1 << 16


def _in_order(calls: pa.Table) -> Iterator[_Inputs]:
    """Yield the inputs in order of log, container and start; those of one log and container are in one part."""
    file_id, container_key, started_us = (calls[name].to_numpy() for name in ("file_id", "container_key", "started_us"))
    ended_us = pc.coalesce(calls["ended_us"], calls["started_us"]).to_numpy()
    placed_us = calls["placed_us"].fill_null(_NONE).to_numpy()
    is_open = calls["ended_us"].is_null().to_numpy()
    order = np.lexsort((started_us, container_key, file_id))
    begin = 0
    while begin < len(order):
        end = _end_of_group(file_id, container_key, order, begin + _INPUTS_AT_ONCE)
        part = order[begin:end]
        files, containers = file_id[part].astype(np.int64), container_key[part].astype(np.int64)
        is_new = np.zeros(len(part), bool)
        is_new[1:] = (files[1:] != files[:-1]) | (containers[1:] != containers[:-1])
        yield _Inputs(
            file_id=files,
            container_key=containers,
            started_us=started_us[part],
            ended_us=ended_us[part],
            placed_us=placed_us[part],
            is_open=is_open[part],
            group=np.cumsum(is_new),
        )
        begin = end


def _end_of_group(file_id: Numbers, container_key: Numbers, order: Numbers, least: int) -> int:
    """Return where, from `least` on, another log or container begins in the order."""
    end = min(least, len(order))
    while end < len(order):
        last, following = order[end - 1], order[end : end + _INPUTS_AT_ONCE]
        is_other = (file_id[following] != file_id[last]) | (container_key[following] != container_key[last])
        if is_other.any():
            return end + int(np.argmax(is_other))
        end += len(following)
    return end


def _starts(*keys: Numbers) -> Numbers:
    """Return where a new value begins in sorted keys."""
    is_new = np.ones(len(keys[0]), bool)
    is_new[1:] = np.logical_or.reduce([key[1:] != key[:-1] for key in keys])
    return np.flatnonzero(is_new)


def _busy(inputs: _Inputs, of_group: Numbers, is_told: Flags) -> tuple[Numbers, Numbers, Numbers]:
    """Return group, hour and microseconds with an input running, in pieces, of the groups of which the log can tell."""
    began = np.maximum(inputs.started_us, _busy_until(inputs, of_group))
    is_busy = inputs.ended_us > began
    if not is_told.all():
        is_busy &= is_told[inputs.group]
    group, began, ended = inputs.group[is_busy], began[is_busy], inputs.ended_us[is_busy]
    hour = began // HOUR_US
    crosses = ended > (hour + 1) * HOUR_US
    within = ~crosses
    groups, hours, times_us = zip(
        _by_hour(group[within], hour[within], (ended - began)[within]),
        _cut_by_hour(group[crosses], began[crosses], ended[crosses]),
        strict=True,
    )
    return np.concatenate(groups), np.concatenate(hours), np.concatenate(times_us)


def _by_hour(group: Numbers, hour: Numbers, us: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Add up what stands in order of group and hour."""
    if not len(group):
        return group, hour, us
    of_hour = _starts(group, hour)
    return group[of_hour], hour[of_hour], np.add.reduceat(us, of_hour)


def _cut_by_hour(group: Numbers, began: Numbers, ended: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Cut stretches where an hour ends."""
    hours = (ended - 1) // HOUR_US - began // HOUR_US + 1
    piece = np.arange(hours.sum()) - np.repeat(np.cumsum(hours) - hours, hours)
    hour = np.repeat(began // HOUR_US, hours) + piece
    until = np.minimum(np.repeat(ended, hours), (hour + 1) * HOUR_US)
    return np.repeat(group, hours), hour, until - np.maximum(np.repeat(began, hours), hour * HOUR_US)


def _busy_until(inputs: _Inputs, of_group: Numbers) -> Numbers:
    """Return for each input the latest end of those before it in its group; its own start for the first."""
    first, last = int(inputs.started_us.min()), int(inputs.ended_us.max())
    lifted = inputs.ended_us.copy()
    # Each group is lifted above those before it, so that one running maximum serves all, as many as fit at a time.
    room = max(1, _ROOM // (last - first + 1))
    for block in range(0, len(of_group), room):
        begin = of_group[block]
        end = of_group[block + room] if block + room < len(of_group) else len(lifted)
        lift = (inputs.group[begin:end] - block) * (last - first + 1)
        lifted[begin:end] = np.maximum.accumulate(inputs.ended_us[begin:end] - first + lift) - lift + first
    until = np.empty_like(lifted)
    until[1:] = lifted[:-1]
    until[of_group] = inputs.started_us[of_group]
    return until


def _placed(keys: Numbers, at: Numbers, values: Numbers, *, missing: int = _NONE) -> Numbers:
    """Put values at their places among the keys."""
    placed = np.full(len(keys), missing, np.int64)
    placed[at] = values
    return placed


def _added_up(keys: Numbers, at: Numbers, values: Numbers) -> Numbers:
    """Add values up at their places among the keys."""
    total = np.zeros(len(keys), np.int64)
    np.add.at(total, at, values)
    return total


_COLUMNS = {
    "file_id": pa.int32(),
    "container_key": pa.int32(),
    "hour": pa.timestamp("us"),
    "inputs": pa.int32(),
    "first_started_at": pa.timestamp("us"),
    "last_ended_at": pa.timestamp("us"),
    "startup_began_at": pa.timestamp("us"),
    "placed_at": pa.timestamp("us"),
    "busy_us": pa.int64(),
}


def _table(columns: Mapping[str, Numbers], *, is_told: Flags) -> pa.Table:
    def null(name: str, values: Numbers) -> Flags:
        return ~is_told if name == "busy_us" else values == _NONE

    return pa.table(
        {name: pa.array(columns[name], kind, mask=null(name, columns[name])) for name, kind in _COLUMNS.items()}
    )
