"""What Modal pushes by OTLP, as a collector's file exporter writes it: one JSON object a line, metrics of containers.

A workspace has many points a minute for every container, so they are put together by container, metric and UTC hour.
Of `modal.container.running` only points above zero count: the others say that the container is gone.
"""

import datetime as dt
import math
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from tieout.sources.fields import UTC_MICROSECONDS, ParsedFile, Record, as_record, load_json
from tieout.sources.landing import LandingFile, RejectionError, Sidecar
from tieout.sources.tables import FILE_ID, Column, Table

RUNNING = "modal.container.running"
METRICS = (
    RUNNING,
    "modal.cpu.utilization",
    "modal.memory.usage",
    "modal.gpu.memory.usage",
    "modal.gpu.compute.utilization",
)
TABLE = Table(
    "telemetry",
    "One row per container, metric and UTC hour in which a file has points of it.",
    (
        FILE_ID,
        Column("container_id", "VARCHAR", "Modal's id of the container"),
        Column("environment_name", "VARCHAR", "Modal environment by its tag; null where the point has none"),
        Column("app_name", "VARCHAR", "Name of the app by its tag; null where the point has none"),
        Column("function_name", "VARCHAR", "Name of the function or server by its tag; null where the point has none"),
        Column("metric", "VARCHAR", "Modal's name of the metric"),
        Column("unit", "VARCHAR", "Unit of the values, as Modal writes it"),
        Column("hour", "TIMESTAMP", "UTC hour of the points"),
        Column("first_at", "TIMESTAMP", "First point in it, UTC"),
        Column("last_at", "TIMESTAMP", "Last point in it, UTC"),
        Column("points", "INTEGER", "Number of points"),
        Column("average", "DOUBLE", "Mean of their values"),
        Column("maximum", "DOUBLE", "Greatest of their values"),
    ),
)
_FIX = "Land what the collector's file exporter writes with `format: json`, unchanged."
_NANOSECONDS_A_MICROSECOND = 1000
_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - naive UTC
_HOUR_US = 3_600_000_000
# Until 2200, as for every other time.
_LATEST_US = 7_258_118_400_000_000
_Key = tuple[str, str | None, str | None, str | None, str, str, int]


@dataclass(slots=True)
class _Points:
    """The points of one container, metric and hour so far; times in microseconds since 1970."""

    first_us: int
    last_us: int
    count: int
    total: float
    most: float

    def add(self, at_us: int, value: float) -> None:
        self.first_us, self.last_us = min(self.first_us, at_us), max(self.last_us, at_us)
        self.count += 1
        self.total += value
        self.most = max(self.most, value)


def parse(text: str, file: LandingFile, sidecar: Sidecar | None) -> ParsedFile:
    """Read a file of the collector; metrics that say nothing of containers are left out.

    Raises:
        RejectionError: a line that is not JSON, or a point without a container, a time or a number.
    """
    found: dict[_Key, _Points] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            for key, at_us, value in _points(as_record(f"line {number}", _load(line, number), fix=_FIX)):
                known = found.get(key)
                if known is None:
                    found[key] = _Points(at_us, at_us, 1, value, value)
                else:
                    known.add(at_us, value)
    rows = _table(found)
    if not found:
        return ParsedFile(rows)
    first, last = min(each.first_us for each in found.values()), max(each.last_us for each in found.values())
    return ParsedFile(rows, content_start=_instant(first), content_end=_instant(last + 1))


def _load(line: str, number: int) -> object:
    try:
        return load_json(line, fix=_FIX)
    except RejectionError as problem:
        message = problem.problem.removeprefix("line 1, ").removeprefix("line 1: ")
        raise RejectionError(f"line {number}: {message}", fix=problem.fix, detail=problem.detail) from None


def _points(request: Record) -> Iterator[tuple[_Key, int, float]]:
    for resource in _each(request, "resourceMetrics"):
        shared = _tags(as_record(f"{resource.place}: resource", resource.fields.get("resource") or {}, fix=_FIX))
        for scope in _each(resource, "scopeMetrics"):
            for metric in _each(scope, "metrics"):
                name = metric.text("name")
                if name in METRICS:
                    for point in _data_points(metric):
                        yield from _point(metric, name, shared, point)


def _point(metric: Record, name: str, shared: dict[str, str], point: Record) -> Iterator[tuple[_Key, int, float]]:
    value = _number(point)
    if name == RUNNING and value <= 0:
        return
    tags = shared | _tags(point)
    container_id = tags.get("container_id")
    if not container_id:
        point.refuse("attributes", "names no container_id")
    at_us = _time_us(point)
    names = tags.get("environment_name"), tags.get("app_name"), tags.get("function_name")
    yield (container_id, *names, name, metric.optional_text("unit") or "", at_us // _HOUR_US), at_us, value


def _each(record: Record, name: str) -> Iterator[Record]:
    """Yield the objects of a list; one that is empty need not be there."""
    listed = record.fields.get(name) or []
    if not isinstance(listed, list):
        record.refuse(name, "is not a list")
    for number, item in enumerate(listed, start=1):
        yield as_record(f"{record.place}, {name} {number}", item, fix=_FIX)


def _data_points(metric: Record) -> Iterator[Record]:
    for kind in ("gauge", "sum"):
        if metric.fields.get(kind) is not None:
            yield from _each(as_record(f"{metric.place}: {kind}", metric.fields[kind], fix=_FIX), "dataPoints")


def _tags(record: Record) -> dict[str, str]:
    tags: dict[str, str] = {}
    for attribute in _each(record, "attributes"):
        value = as_record(f"{attribute.place}: value", attribute.value("value"), fix=_FIX)
        if "stringValue" in value.fields:
            tags[attribute.text("key")] = value.text("stringValue")
    return tags


def _time_us(point: Record) -> int:
    """OTLP writes 64-bit numbers as texts."""
    nanoseconds = point.value("timeUnixNano")
    text = str(nanoseconds)
    if isinstance(nanoseconds, bool) or not (text.isascii() and text.isdigit() and len(text) <= 20):
        point.refuse("timeUnixNano", f"is {text[:60]!r}, not nanoseconds since 1970")
    at_us = int(text) // _NANOSECONDS_A_MICROSECOND
    if not 0 < at_us < _LATEST_US:
        point.refuse("timeUnixNano", f"is {text}, not a time before 2200")
    return at_us


def _number(point: Record) -> float:
    value = point.fields.get("asDouble", point.fields.get("asInt"))
    if isinstance(value, str) and value.lstrip("-").isdigit() and len(value) <= 20:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        point.refuse("asDouble", f"or asInt is {str(value)[:60]!r}, not a number")
    return float(value)


def _instant(microseconds: int) -> dt.datetime:
    return _EPOCH + dt.timedelta(microseconds=microseconds)


def _table(found: dict[_Key, _Points]) -> pa.Table:
    names = ("container_id", "environment_name", "app_name", "function_name", "metric", "unit")
    keys, points = list(found), list(found.values())
    return pa.table(
        {
            **{name: pa.array([key[position] for key in keys], pa.string()) for position, name in enumerate(names)},
            "hour": pa.array([_instant(key[6] * _HOUR_US) for key in keys], UTC_MICROSECONDS),
            "first_at": pa.array([_instant(each.first_us) for each in points], UTC_MICROSECONDS),
            "last_at": pa.array([_instant(each.last_us) for each in points], UTC_MICROSECONDS),
            "points": pa.array([each.count for each in points], pa.int32()),
            "average": pa.array([each.total / each.count for each in points], pa.float64()),
            "maximum": pa.array([each.most for each in points], pa.float64()),
        }
    )
