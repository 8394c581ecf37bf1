"""`modal function metrics APP/FUNC --group … --bucket-size 5m --since … --until … --all-variants --json`: its series.

Modal's servers name the series and do not print the group that each is of; what a name means, `catalog/series.yaml`
says. A point without a value is a bucket without an observation, which is not zero.
"""

import datetime as dt
import math

import pyarrow as pa

from tieout.sources.fields import UTC_MICROSECONDS, ParsedFile, Record, as_record, load_record
from tieout.sources.landing import LandingFile, Sidecar
from tieout.sources.tables import FILE_ID, Column, Table

_POINTS = "STRUCT(bucket_start TIMESTAMP, value DOUBLE)[]"

TABLE = Table(
    "function_metrics",
    "One row per series of a function over one window; app and function are in raw.files.",
    (
        FILE_ID,
        Column("object_id", "VARCHAR", "Modal's id of it"),
        Column("since", "TIMESTAMP", "Start of the window, UTC"),
        Column("until", "TIMESTAMP", "End of the window, exclusive, UTC"),
        Column("bucket_seconds", "INTEGER", "Length of a bucket"),
        Column("name", "VARCHAR", "Modal's name of the series; its last part is the aggregation"),
        Column("unit", "VARCHAR", "Unit of the values, as Modal writes it"),
        Column("description", "VARCHAR", "What Modal says of the series"),
        Column("points", _POINTS, "Start of every bucket, UTC, and what was observed in it; null for nothing"),
    ),
)

_SHORTEST_BUCKET_SECONDS = 60
_MOST_POINTS = 500
_POINT = pa.struct([("bucket_start", UTC_MICROSECONDS), ("value", pa.float64())])
_UNIX_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - naive UTC


def parse(text: str, file: LandingFile, sidecar: Sidecar | None) -> ParsedFile:
    """Read the series of one window into a row each.

    Raises:
        RejectionError: a field that cannot be read, a window that ends before it begins, a series that is there twice,
            or a point that is off the bounds of its buckets, there twice, or outside the window.
    """
    metrics = load_record(text)
    since, until, seconds = metrics.time("since"), metrics.time("until"), metrics.integer("bucket_secs")
    if since >= until:
        metrics.refuse("until", f"is {until}, not after since, {since}")
    if seconds < _SHORTEST_BUCKET_SECONDS:
        metrics.refuse("bucket_secs", f"is {seconds}; Modal's shortest bucket has {_SHORTEST_BUCKET_SECONDS} seconds")
    object_id = metrics.text("object_id")
    listed = metrics.value("series")
    if not isinstance(listed, list):
        metrics.refuse("series", "is not a list")
    window = _Window(since, until, dt.timedelta(seconds=seconds))
    names: set[str] = set()
    rows: list[dict[str, object]] = []
    for number, item in enumerate(listed, start=1):
        one = as_record(f"series {number}", item)
        name = one.text("name")
        if name in names:
            one.refuse("name", f"is {name!r}, which is there already")
        names.add(name)
        rows.append(
            {
                "object_id": object_id,
                "since": since,
                "until": until,
                "bucket_seconds": seconds,
                "name": name,
                "unit": one.text("unit"),
                "description": one.optional_text("description"),
                "points": window.points(one),
            }
        )
    return ParsedFile(pa.Table.from_pylist(rows, _SCHEMA), content_start=since, content_end=until)


_SCHEMA = pa.schema(
    [
        ("object_id", pa.string()),
        ("since", UTC_MICROSECONDS),
        ("until", UTC_MICROSECONDS),
        ("bucket_seconds", pa.int32()),
        ("name", pa.string()),
        ("unit", pa.string()),
        ("description", pa.string()),
        ("points", pa.list_(_POINT)),
    ]
)


class _Window:
    """The window of a file, cut into buckets."""

    def __init__(self, since: dt.datetime, until: dt.datetime, bucket: dt.timedelta) -> None:
        self._since, self._until, self._bucket = since, until, bucket

    def points(self, series: Record) -> list[dict[str, object]]:
        """Read the points of one series, each on a bucket of its own."""
        listed = series.value("points")
        if not isinstance(listed, list):
            series.refuse("points", "is not a list")
        if len(listed) > _MOST_POINTS:
            series.refuse("points", f"has {len(listed):,} of them; Modal prints {_MOST_POINTS} at most")
        points: list[dict[str, object]] = []
        for number, item in enumerate(listed, start=1):
            point = as_record(f"{series.place}, point {number}", item)
            points.append({"bucket_start": self._bucket_start(point), "value": _number(point)})
        if len({point["bucket_start"] for point in points}) < len(points):
            series.refuse("points", "has one bucket twice")
        return points

    def _bucket_start(self, point: Record) -> dt.datetime:
        begins = point.time("timestamp")
        if (begins - _UNIX_EPOCH) % self._bucket:
            point.refuse("timestamp", f"is {begins}, where no bucket of {self._bucket} begins")
        # Modal rounds the beginning of a window down to a bucket.
        if not self._since - self._bucket < begins < self._until:
            point.refuse("timestamp", f"is {begins}, outside of {self._since} to {self._until}")
        return begins


def _number(point: Record) -> float | None:
    value = point.value("value")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        point.refuse("value", f"is {str(value)[:60]!r}, not a number or null")
    return float(value)
