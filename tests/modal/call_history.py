"""The calls of one function as Modal's RPCs serve them: counted, fetched by range, as they read at an instant.

All times are microseconds since 1970 UTC; ranges include their start and exclude their end.
"""

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Protocol

import numpy as np
from modal_proto import api_pb2

from tieout.core import ids
from tieout.simulator.call_log import CallLog
from tieout.simulator.demand import HOUR_US, Integers
from tieout.simulator.world import to_us


class CallHistory(Protocol):
    """What the RPCs need to know of a function's calls."""

    def arrivals(self, since_us: int, until_us: int, *, at_us: int) -> Integers:
        """Return when each input of the range arrived, oldest first, of those that show at an instant."""
        ...

    def inputs(
        self, since_us: int, until_us: int, *, at_us: int, limit: int
    ) -> Iterator[api_pb2.FunctionCallInputInfo]:
        """Return the first `limit` inputs of the range as they read at an instant."""
        ...

    def ended(self, since_us: int, until_us: int) -> "Ended":
        """Count the inputs that ended in the range."""
        ...


@dataclass(frozen=True)
class Ended:
    """How many inputs ended in a range, as Modal counts them: what was terminated is not counted."""

    success: int = 0
    failure: int = 0
    timeout: int = 0


@dataclass(frozen=True)
class SimulatedCalls:
    """The log that the simulator's exports are written from; `enqueued_us` has the arrival of each of its rows."""

    log: CallLog
    enqueued_us: Integers

    def _shown(self, since_us: int, until_us: int, at_us: int) -> Integers:
        first, last = np.searchsorted(self.enqueued_us, [since_us, until_us]).tolist()
        shown: Integers = first + np.flatnonzero(self.log.appears_us[first:last] <= at_us)
        return shown

    def arrivals(self, since_us: int, until_us: int, *, at_us: int) -> Integers:
        return self.enqueued_us[self._shown(since_us, until_us, at_us)]

    def inputs(
        self, since_us: int, until_us: int, *, at_us: int, limit: int
    ) -> Iterator[api_pb2.FunctionCallInputInfo]:
        for row in self._shown(since_us, until_us, at_us)[:limit].tolist():
            fields = json.loads(self.log.rows[row])
            if self.log.final_us[row] > at_us:
                fields = _still_open(fields, is_running=bool(self.log.starts_us[row] <= at_us))
            yield _input(fields)

    @cached_property
    def _endings(self) -> tuple[Integers, list[str]]:
        rows = [json.loads(row) for row in self.log.rows]
        ended = [_ended_us(row) for row in rows]
        return np.array(ended, dtype=np.int64), [row["status"] for row in rows]

    def ended(self, since_us: int, until_us: int) -> Ended:
        ended, statuses = self._endings
        here = [statuses[row] for row in np.flatnonzero((ended >= since_us) & (ended < until_us)).tolist()]
        success, timeout = here.count("success"), here.count("timeout") + here.count("idle timeout")
        return Ended(success, len(here) - success - timeout - here.count("terminated"), timeout)


def _ended_us(row: Mapping[str, Any]) -> int:
    """Return when a call ended, or was enqueued where it never started."""
    started = row["started_at"] or row["enqueued_at"]
    begun = dt.datetime.fromisoformat(started)
    return to_us(begun) + round(1_000_000 * (row["execution_time_seconds"] or 0))


def _still_open(fields: dict[str, Any], *, is_running: bool) -> dict[str, Any]:
    """Return a row without what is known at its end only, or not before its start."""
    if is_running:
        return {**fields, "execution_time_seconds": None, "status": "running"}
    unknown = dict.fromkeys(("started_at", "container_id", "startup_time_seconds", "execution_time_seconds"))
    return {**fields, **unknown, "status": "pending"}


def _input(fields: dict[str, Any]) -> api_pb2.FunctionCallInputInfo:
    present = {name: value for name, value in fields.items() if value is not None}
    times = {name: present.pop(name) for name in ("enqueued_at", "started_at") if name in present}
    status = "FUNCTION_CALL_INPUT_STATUS_" + present.pop("status").replace(" ", "_").upper()
    message = api_pb2.FunctionCallInputInfo(
        status=api_pb2.FunctionCallInputStatus.Value(status),
        **present,
    )
    for name, text in times.items():
        getattr(message, name).FromJsonString(text)
    return message


@dataclass(frozen=True)
class SteadyCalls:
    """Any number of calls at even distances, made when they are asked for: each succeeds on its hour's container.

    All of them are counted. Of `kept_every` calls one is fetched: a client prints some 2,000 a second only.
    """

    first_us: int
    apart_us: int
    count: int
    kept_every: int = 1

    def _positions(self, since_us: int, until_us: int, at_us: int) -> range:
        def position(instant: int) -> int:
            return min(self.count, max(0, -(-(instant - self.first_us) // self.apart_us)))

        return range(position(since_us), position(min(until_us, at_us)))

    def arrivals(self, since_us: int, until_us: int, *, at_us: int) -> Integers:
        shown = self._positions(since_us, until_us, at_us)
        return self.first_us + np.arange(shown.start, shown.stop) * self.apart_us

    def ended(self, since_us: int, until_us: int) -> Ended:
        return Ended(success=len(self._positions(since_us, until_us, until_us)))

    def inputs(
        self, since_us: int, until_us: int, *, at_us: int, limit: int
    ) -> Iterator[api_pb2.FunctionCallInputInfo]:
        counted = self._positions(since_us, until_us, at_us)
        kept = range(-(-counted.start // self.kept_every) * self.kept_every, counted.stop, self.kept_every)
        for position in kept[:limit]:
            enqueued = self.first_us + position * self.apart_us
            seconds, rest = divmod(enqueued, 1_000_000)
            yield api_pb2.FunctionCallInputInfo(
                function_call_id=f"fc-{position:026d}",
                enqueued_at={"seconds": seconds, "nanos": rest * 1000},
                started_at={"seconds": seconds, "nanos": rest * 1000},
                container_id=_container_of_hour(enqueued // HOUR_US),
                execution_time_seconds=0.05,
                status=api_pb2.FUNCTION_CALL_INPUT_STATUS_SUCCESS,
            )


@cache
def _container_of_hour(hour: int) -> str:
    return ids.encode("ta", hour * HOUR_US // 1000, hour)
