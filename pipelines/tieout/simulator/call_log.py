"""The function-call log as it reads on a given day: what had ended, what still ran, what nobody had picked up yet."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tieout.simulator.cli_format import timestamps
from tieout.simulator.containers import NEVER, STATUSES, PoolLog
from tieout.simulator.demand import DAY_US, HOUR_US, SECOND_US, Calls, Integers, stream
from tieout.simulator.ids import ulids

# Some final states reach the log late, up to this long after the fact.
_LONGEST_LOG_DELAY_US = 12 * HOUR_US
_NANOSECOND_SHARE = 16

_ROW = """  {
    "function_call_id": "%s",
    "service_method_name": null,
    "enqueued_at": "%s",
    "started_at": %s,
    "container_id": %s,
    "startup_time_seconds": %s,
    "execution_time_seconds": %s,
    "status": "%s"
  }"""


@dataclass(frozen=True, slots=True)
class CallLog:
    """The log of one function on one app: the rows as they finally read, and when each came to read so.

    Attributes:
        rows: final JSON objects, oldest first.
        running: the same row while it ran (only for rows that some snapshot may see so, else empty).
        waiting: the same row before it started (likewise).
        day: of each row's arrival, since the period's start.
        appears_us: when a row first shows.
        starts_us: when it shows as running.
        final_us: when it shows as it finally reads.
    """

    rows: list[str]
    running: list[str]
    waiting: list[str]
    day: Integers
    appears_us: Integers
    starts_us: Integers
    final_us: Integers

    def snapshot(self, day: int, fetched_us: int) -> tuple[list[str], bool]:
        """Return the rows of calls that arrived on a day, as read at an instant, and whether all of them are final."""
        first, last = np.searchsorted(self.day, [day, day + 1]).tolist()
        if first == last or self.final_us[first:last].max() <= fetched_us:
            return self.rows[first:last], True
        rows = []
        for i in range(first, last):
            if self.final_us[i] <= fetched_us:
                rows.append(self.rows[i])
            elif self.appears_us[i] <= fetched_us:
                rows.append(self.running[i] if self.starts_us[i] <= fetched_us else self.waiting[i])
        return rows, False


def call_ids(calls: Calls, seed: int) -> list[str]:
    """Return the `fc-` id of each call of a function; its time is the call's arrival."""
    return ulids("fc", calls.enqueued_us, stream(seed, "call ids", calls.function))


def container_ids(log: PoolLog, seed: int) -> list[str]:
    """Return the `ta-` id of each container of a pool; its time is the container's creation."""
    return ulids("ta", log.created_us, stream(seed, "container ids", log.app, log.function))


def write_call_log(log: PoolLog, calls: Calls, *, seed: int, start_us: int, log_delay_share: float) -> CallLog:
    """Write every row of a pool's log in the CLI's layout."""
    ids, containers = call_ids(calls, seed), container_ids(log, seed)
    enqueued = calls.enqueued_us[log.call]
    final_us, starts_us = _seen(log, calls, log_delay_share)
    enqueued_at, started_at = _times(log, enqueued, seed)
    startup = (log.ready_us[log.container] - log.created_us[log.container]) / SECOND_US
    startup_text = [repr(value) if first else "null" for value, first in zip(startup.tolist(), log.first, strict=True)]
    execution = ((log.finished_us - log.started_us) / SECOND_US).tolist()
    execution_text = [
        "null" if text == "null" else repr(value) for text, value in zip(started_at, execution, strict=True)
    ]
    container_text = [f'"{containers[container]}"' for container in log.container.tolist()]
    call_text = [ids[call] for call in log.call.tolist()]
    status_text = [STATUSES[status] for status in log.status.tolist()]
    day = (enqueued - start_us) // DAY_US
    columns = zip(
        call_text, enqueued_at, started_at, container_text, startup_text, execution_text, status_text, strict=True
    )
    rows = [_ROW % column for column in columns]
    # A first fetch happens a few hours into the next day: only rows that become final after their day can be seen open.
    late = np.flatnonzero(final_us > start_us + (day + 1) * DAY_US).tolist()
    running, waiting = [""] * len(rows), [""] * len(rows)
    for i in late:
        running[i] = _ROW % (
            call_text[i], enqueued_at[i], started_at[i], container_text[i], startup_text[i], "null", "running"
        )  # fmt: skip
        waiting[i] = _ROW % (call_text[i], enqueued_at[i], "null", "null", "null", "null", "pending")
    return CallLog(rows, running, waiting, day, log.visible_us, starts_us, final_us)


def _seen(log: PoolLog, calls: Calls, log_delay_share: float) -> tuple[Integers, Integers]:
    """Return when each row's final state and its start reach the log."""
    luck = calls.log_delay[log.call]
    delayed = luck < log_delay_share
    delay = np.where(delayed, luck / log_delay_share * _LONGEST_LOG_DELAY_US, 0).astype(np.int64)
    started = np.where(log.started_us == NEVER, log.finished_us, log.started_us)
    # Of the delayed rows every other one lacks its start as well as its end.
    start_delay = np.where(log.call % 2 == 0, delay, 0)
    return log.finished_us + delay, np.maximum(log.visible_us, started + start_delay)


def _times(log: PoolLog, enqueued: Integers, seed: int) -> tuple[list[str], list[str]]:
    rng = stream(seed, "nanoseconds", log.app, log.function)
    count = len(enqueued)
    beyond: npt.NDArray[np.int64] = rng.integers(1, 1000, count)
    fine = rng.integers(0, _NANOSECOND_SHARE, count) == 0
    enqueued_at = timestamps(enqueued, np.zeros(count, dtype=np.int64))
    never = log.started_us == NEVER
    started = timestamps(np.where(never, 0, log.started_us), np.where(fine, beyond, 0))
    return enqueued_at, ["null" if no else f'"{text}"' for text, no in zip(started, never.tolist(), strict=True)]
