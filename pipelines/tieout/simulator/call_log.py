"""The function-call log as it reads on a given day: what had ended, what still ran, what nobody had picked up yet."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tieout.simulator.cli_format import timestamps
from tieout.simulator.containers import NEVER, STATUSES, SUCCESS, PoolLog
from tieout.simulator.demand import DAY_US, HOUR_US, SECOND_US, Calls, Integers, stream
from tieout.simulator.ids import ulids
from tieout.simulator.laws import LogHabits

# Some final states reach the log late, up to this long after the fact.
_LONGEST_LOG_DELAY_US = 12 * HOUR_US
_NANOSECOND_SHARE = 16
_EVERYTHING_IS_LOGGED = LogHabits()

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
        enqueued_us: of each row's input.
        day: of its arrival, since the period's start.
        appears_us: when a row first shows.
        starts_us: when it shows as running.
        final_us: when it shows as it finally reads.
    """

    rows: list[str]
    running: list[str]
    waiting: list[str]
    enqueued_us: Integers
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
    """Return the `fc-` id of each input of a function; its time is the call's arrival, and a map has one for all."""
    own = ulids("fc", calls.enqueued_us, stream(seed, "call ids", calls.function))
    return own if calls.group is None else [own[first] for first in calls.group.tolist()]


def container_ids(log: PoolLog, seed: int, skew_us: int = 0) -> list[str]:
    """Return the `ta-` id of each container of a pool; its time is when the container was asked for."""
    variant = () if log.variant is None else (log.variant,)
    rng = stream(seed, "container ids", log.app, log.function, *variant)
    return ulids("ta", log.requested_us + skew_us, rng)


def write_call_log(
    log: PoolLog,
    calls: Calls,
    *,
    seed: int,
    start_us: int,
    log_delay_share: float,
    habits: LogHabits = _EVERYTHING_IS_LOGGED,
) -> CallLog:
    """Write every row of a pool's log in the CLI's layout."""
    skew_us = round(habits.skew_seconds * SECOND_US)
    ids, containers = call_ids(calls, seed), container_ids(log, seed, skew_us)
    enqueued = calls.enqueued_us[log.call] + skew_us
    final_us, starts_us = _seen(log, calls, log_delay_share)
    enqueued_at, started_at = _times(log, enqueued, seed, skew_us)
    startup = (log.ready_us[log.container] - log.created_us[log.container]) / SECOND_US
    startup_text = [repr(value) if first else "null" for value, first in zip(startup.tolist(), log.first, strict=True)]
    day = (enqueued - start_us) // DAY_US
    # A first fetch happens a few hours into the next day: only rows that become final after their day can be seen open.
    is_late = final_us > start_us + (day + 1) * DAY_US
    halved = np.flatnonzero(_comes_in_halves(log, calls, habits) & ~is_late)
    ended = log.finished_us.copy()
    ended[halved] = _middle(log, halved)
    execution = ((ended - log.started_us) / SECOND_US).tolist()
    execution_text = [
        "null" if text == "null" else repr(value) for text, value in zip(started_at, execution, strict=True)
    ]
    container_text = [f'"{containers[container]}"' for container in log.container.tolist()]
    call_text = [ids[call] for call in log.call.tolist()]
    status_text = [STATUSES[status] for status in log.status.tolist()]
    columns = zip(
        call_text, enqueued_at, started_at, container_text, startup_text, execution_text, status_text, strict=True
    )
    rows = [_ROW % column for column in columns]
    running, waiting = [""] * len(rows), [""] * len(rows)
    for i in np.flatnonzero(is_late).tolist():
        running[i] = _ROW % (
            call_text[i], enqueued_at[i], started_at[i], container_text[i], startup_text[i], "null", "running"
        )  # fmt: skip
        waiting[i] = _ROW % (call_text[i], enqueued_at[i], "null", "null", "null", "null", "pending")
    written = CallLog(rows, running, waiting, enqueued, day, log.visible_us, starts_us, final_us)
    if len(halved):
        seconds = _second_halves(log, halved, containers, seed=seed, start_us=start_us, skew_us=skew_us)
        written = merge_call_logs([written, seconds])
    return _without_lost_rows(written, log, seed, habits)


def _comes_in_halves(log: PoolLog, calls: Calls, habits: LogHabits) -> npt.NDArray[np.bool_]:
    """Say which attempts show as two inputs."""
    if not habits.has_halves:
        return np.zeros(len(log.call), dtype=np.bool_)
    halved: npt.NDArray[np.bool_] = log.status == SUCCESS
    halved &= _between(calls.enqueued_us[log.call], habits.halves_since, habits.halves_until)
    return halved


def _middle(log: PoolLog, halved: Integers) -> Integers:
    return (log.started_us[halved] + log.finished_us[halved]) // 2


def _second_halves(
    log: PoolLog, halved: Integers, containers: Sequence[str], *, seed: int, start_us: int, skew_us: int
) -> CallLog:
    """Return the rows of the inputs that follow the first halves of some attempts at once, on the same containers."""
    middle = _middle(log, halved)
    enqueued, finished = middle + skew_us, log.finished_us[halved]
    ids = ulids("fc", enqueued, stream(seed, "call ids of second halves", log.app, log.function, log.variant or ""))
    times = timestamps(enqueued, np.zeros(len(halved), dtype=np.int64))
    execution = ((finished - middle) / SECOND_US).tolist()
    on = log.container[halved].tolist()
    rows = [
        _ROW % (call, time, f'"{time}"', f'"{containers[container]}"', "null", repr(seconds), STATUSES[SUCCESS])
        for call, time, container, seconds in zip(ids, times, on, execution, strict=True)
    ]
    day = (enqueued - start_us) // DAY_US
    nothing = [""] * len(rows)
    return CallLog(rows, nothing, nothing, enqueued, day, middle, middle, finished)


def _between(moments_us: Integers, since: dt.datetime | None, until: dt.datetime | None) -> npt.NDArray[np.bool_]:
    """Say which moments lie between two instants, None for no bound."""
    within = np.ones(len(moments_us), dtype=np.bool_)
    if since is not None:
        within &= moments_us >= int(since.timestamp()) * SECOND_US
    if until is not None:
        within &= moments_us < int(until.timestamp()) * SECOND_US
    return within


def merge_call_logs(logs: Sequence[CallLog]) -> CallLog:
    """Return the common log of a function's variants, oldest input first."""
    if len(logs) == 1:
        return logs[0]
    enqueued = np.concatenate([log.enqueued_us for log in logs])
    order = np.argsort(enqueued, kind="stable")
    texts = [[text for log in logs for text in log.rows], [text for log in logs for text in log.running]]
    texts.append([text for log in logs for text in log.waiting])
    times = ("day", "appears_us", "starts_us", "final_us")
    rows, running, waiting = ([column[i] for i in order.tolist()] for column in texts)
    day, appears, starts, final = (np.concatenate([getattr(log, name) for log in logs])[order] for name in times)
    return CallLog(rows, running, waiting, enqueued[order], day, appears, starts, final)


def _without_lost_rows(written: CallLog, log: PoolLog, seed: int, habits: LogHabits) -> CallLog:
    if not habits.lost_share:
        return written
    rng = stream(seed, "lost rows", log.app, log.function, log.variant or "")
    lost = rng.random(len(written.rows)) < habits.lost_share
    lost &= _between(written.enqueued_us, habits.lost_since, habits.lost_until)
    kept = np.flatnonzero(~lost)
    rows, running, waiting = (
        [column[i] for i in kept.tolist()] for column in (written.rows, written.running, written.waiting)
    )
    return CallLog(
        rows,
        running,
        waiting,
        written.enqueued_us[kept],
        written.day[kept],
        written.appears_us[kept],
        written.starts_us[kept],
        written.final_us[kept],
    )


def _seen(log: PoolLog, calls: Calls, log_delay_share: float) -> tuple[Integers, Integers]:
    """Return when each row's final state and its start reach the log."""
    luck = calls.log_delay[log.call]
    delayed = luck < log_delay_share
    delay = np.where(delayed, luck / log_delay_share * _LONGEST_LOG_DELAY_US, 0).astype(np.int64)
    started = np.where(log.started_us == NEVER, log.finished_us, log.started_us)
    # Of the delayed rows every other one lacks its start as well as its end.
    start_delay = np.where(log.call % 2 == 0, delay, 0)
    return log.finished_us + delay, np.maximum(log.visible_us, started + start_delay)


def _times(log: PoolLog, enqueued: Integers, seed: int, skew_us: int) -> tuple[list[str], list[str]]:
    rng = stream(seed, "nanoseconds", log.app, log.function)
    count = len(enqueued)
    beyond: npt.NDArray[np.int64] = rng.integers(1, 1000, count)
    fine = rng.integers(0, _NANOSECOND_SHARE, count) == 0
    enqueued_at = timestamps(enqueued, np.zeros(count, dtype=np.int64))
    never = log.started_us == NEVER
    started = timestamps(np.where(never, 0, log.started_us + skew_us), np.where(fine, beyond, 0))
    return enqueued_at, ["null" if no else f'"{text}"' for text, no in zip(started, never.tolist(), strict=True)]
