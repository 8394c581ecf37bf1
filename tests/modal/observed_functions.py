"""What the local Modal server answers about observed functions: series of their containers, their use and their calls.

Modal does not publish the names of its series. These are made up; they end in their aggregation, as the client says.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from grpclib import GRPCError, Status
from modal_proto import api_pb2

from tieout.simulator import World
from tieout.simulator.demand import SECOND_US, Floats
from tieout.simulator.laws import SeriesHabits
from tieout.simulator.scenario import App
from tieout.simulator.series import BUCKET_SECONDS, Series, container_series
from tieout.simulator.world import to_us

GROUPS = ("containers", "cpu", "memory", "network", "gpu", "calls")
_MOST_BUCKETS = 500
_LONGEST_RANGE_SECONDS = 31 * 86400
# Modal takes widths that divide a day.
_DAY_SECONDS = 86400


@dataclass(frozen=True)
class Measured:
    """One series as the server makes it: its name, group and unit, and how the values of buckets become one."""

    group: str
    name: str
    unit: str
    description: str
    of: Callable[[Series], Floats]
    joined: Callable[[Floats], float]


def _mean(values: Floats) -> float:
    return float(np.mean(values))


def _sum(values: Floats) -> float:
    return float(np.sum(values))


def _most(values: Floats) -> float:
    return float(np.max(values))


def _busy(share: float) -> Callable[[Series], Floats]:
    return lambda series: series.average * share


SERIES = (
    Measured("containers", "running_containers_avg", "containers", "Running containers", lambda s: s.average, _mean),
    Measured(
        "containers", "running_containers_max", "containers", "Most running", lambda s: s.maximum.astype(float), _most
    ),
    Measured("containers", "started_containers_count", "containers", "Starts", lambda s: s.starts.astype(float), _sum),
    Measured("cpu", "cpu_usage_avg", "cores", "CPU in use", _busy(0.4), _mean),
    Measured("memory", "memory_usage_avg", "GiB", "Memory in use", _busy(2.5), _mean),
    Measured("network", "network_received_sum", "bytes", "Bytes received", _busy(1000), _sum),
    Measured("gpu", "gpu_utilization_avg", "%", "GPU compute in use", _busy(30), _mean),
    Measured("calls", "successful_calls_count", "calls", "Calls that succeeded", _busy(2), _sum),
)


@dataclass
class ObservedFunctions:
    """The series of every function of a world, sampled when they are first asked for.

    Attributes:
        world: what is observed.
        refused_groups: groups that the plan of the workspace does not have.
        is_forgotten: whether the server has no observations any more.
        habits: how it is sampled.
    """

    world: World
    refused_groups: set[str] = field(default_factory=set)
    is_forgotten: bool = False
    habits: SeriesHabits = field(default_factory=SeriesHabits)
    _sampled: dict[tuple[str, str], Series] = field(default_factory=dict)

    def _series(self, app: App, function: str) -> Series:
        key = (app.name, function)
        if key not in self._sampled:
            self._sampled[key] = container_series(self.world, app, function, self.habits)
        return self._sampled[key]

    def answer(
        self, app: App, function: str, request: Any, now: dt.datetime
    ) -> tuple[int, int, int, Sequence[api_pb2.FunctionMetricSeries]]:
        """Return the bounds in seconds, the width and the series that a request of metrics gets."""
        groups = list(request.groups) or [group for group in GROUPS if group not in self.refused_groups]
        if unknown := set(groups) - set(GROUPS):
            raise GRPCError(Status.INVALID_ARGUMENT, f"Unknown metric group: {', '.join(sorted(unknown))}.")
        if refused := self.refused_groups & set(groups):
            named = ", ".join(sorted(refused))
            raise GRPCError(Status.PERMISSION_DENIED, f"Metric group {named} is not available on your plan.")
        return self._answer(self._series(app, function), groups, request, now)

    def answer_steady(
        self, containers: int, request: Any, now: dt.datetime
    ) -> tuple[int, int, int, Sequence[api_pb2.FunctionMetricSeries]]:
        """Return the same of a server whose containers live all the time."""
        buckets = (to_us(self.world.end) - to_us(self.world.start)) // (BUCKET_SECONDS * SECOND_US)
        lived = np.full(buckets, containers)
        steady = Series(lived.astype(float), lived, np.zeros(buckets, dtype=np.int64), np.ones(buckets, dtype=np.bool_))
        return self._answer(steady, list(request.groups) or list(GROUPS), request, now)

    def _answer(
        self, observed: Series, groups: Sequence[str], request: Any, now: dt.datetime
    ) -> tuple[int, int, int, Sequence[api_pb2.FunctionMetricSeries]]:
        since, until, width = request.since.seconds, request.until.seconds, request.bucket_secs or 900
        if until - since > _LONGEST_RANGE_SECONDS or until // width - since // width > _MOST_BUCKETS:
            raise GRPCError(Status.INVALID_ARGUMENT, "Too many buckets for the time range.")
        if _DAY_SECONDS % width:
            raise GRPCError(Status.INVALID_ARGUMENT, f"Bucket size {width} is not supported.")
        since, until = since // width * width, min(until, int(now.timestamp())) // width * width
        made = [self._made(one, observed, range(since, until, width), width) for one in SERIES if one.group in groups]
        return since, until, width, made

    def _made(self, one: Measured, observed: Series, starts: range, width: int) -> api_pb2.FunctionMetricSeries:
        values = one.of(observed)
        points = list(self._points(one, values, observed, starts, width))
        return api_pb2.FunctionMetricSeries(name=one.name, unit=one.unit, description=one.description, points=points)

    def _points(
        self, one: Measured, values: Floats, observed: Series, starts: range, width: int
    ) -> Iterator[api_pb2.FunctionMetricPoint]:
        origin = to_us(self.world.start) // SECOND_US
        for start in starts:
            first, last = (start - origin) // BUCKET_SECONDS, -(-(start + width - origin) // BUCKET_SECONDS)
            seen = slice(max(0, first), max(0, last))
            there = values[seen][observed.is_observed[seen]]
            point = api_pb2.FunctionMetricPoint(timestamp={"seconds": start})
            if len(there) and not self.is_forgotten:
                # nothing is to be joined where the server is asked for its own buckets, which is nearly always
                point.value = round(float(there[0]) if len(there) == 1 else one.joined(there), 4)
            yield point

    def containers(self, app: App, function: str, since_us: int, until_us: int) -> tuple[int, int]:
        """Return how many containers lived in a range, and how many of them came up in it."""
        logs = [log for log in self.world.pools if (log.app, log.function) == (app.name, function)]
        lived = sum(int(((log.created_us < until_us) & (log.stopped_us > since_us)).sum()) for log in logs)
        started = sum(int(((log.created_us < until_us) & (log.created_us >= since_us)).sum()) for log in logs)
        return lived, started

    def schema(self, request: api_pb2.MetricsGetInfoRequest) -> api_pb2.MetricsGetInfoResponse:
        """Return which series there are."""
        width = request.bucket_secs or 900
        return api_pb2.MetricsGetInfoResponse(
            groups=[
                api_pb2.MetricGroupDefinition(
                    name=group,
                    metrics=[
                        api_pb2.MetricDefinition(name=one.name, unit=one.unit, description=one.description)
                        for one in SERIES
                        if one.group == group
                    ],
                )
                for group in GROUPS
                if group not in self.refused_groups and (not request.groups or group in request.groups)
            ],
            bucket_secs=width,
            bucket_count=(request.until.seconds - request.since.seconds) // width,
        )
