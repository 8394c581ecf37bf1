"""One line of a billing report, checked: whatever its format, a line is an object, an interval and an exact cost.

A row of the SDK is several lines: the total of the object, and one for each resource of its `cost_by_resource`.
"""

import datetime as dt
import functools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from tieout.sources.fields import Record, as_record, has_offset

PARTS = "cost_by_resource"

# What follows the date of a time at midnight, by the clock of the offset that it carries.
_MIDNIGHT = re.compile(r"([T ]00:00(:00(\.0+)?)?(Z|[+-]\d{2}(:?\d{2})?)?)?", re.ASCII)


@dataclass(frozen=True)
class BillingLine:
    """One line of a report; the interval starts at a full hour, in naive UTC, and the cost has up to 38 decimals."""

    object_id: str
    description: str
    environment: str
    interval_start: dt.datetime
    with_offset: bool
    is_local_midnight: bool
    resource: str | None
    cost_usd: Decimal
    tags: str | None


def read_line(record: Record) -> BillingLine:
    """Check one line.

    Raises:
        RejectionError: a field that cannot be read exactly; names the row, the field and the value.
    """
    return BillingLine(
        object_id=record.text("object_id"),
        description=record.text("description"),
        environment=record.text("environment"),
        interval_start=_interval_start(record),
        with_offset=has_offset(record.text("interval_start")),
        is_local_midnight=_MIDNIGHT.fullmatch(record.text("interval_start")[10:]) is not None,
        resource=record.text("resource") if "resource" in record.fields else None,
        cost_usd=record.long_usd("cost"),
        tags=_tags(record),
    )


def read_parts(record: Record, total: BillingLine) -> Iterator[BillingLine]:
    """Yield what a row of the SDK breaks its cost down into, a line for each resource; nothing for any other row.

    Raises:
        RejectionError: parts that are no amounts by resource, or a row that names a resource itself.
    """
    if record.fields.get(PARTS) is None:
        return
    if total.resource is not None:
        record.refuse(PARTS, f"breaks down a row that is a part already, of {total.resource!r}")
    parts = as_record(f"{record.place}: {PARTS}", record.value(PARTS), fix=record.fix)
    for resource in parts.names():
        yield replace(total, resource=resource, cost_usd=parts.long_usd(resource))


def _interval_start(record: Record) -> dt.datetime:
    start = record.time("interval_start")
    if start.minute or start.second or start.microsecond:
        record.refuse(
            "interval_start",
            f"is {record.text('interval_start')!r}, which is not a full hour in UTC",
            fix="Modal bills full UTC hours: export it again without --tz.",
        )
    return start


def _tags(record: Record) -> str | None:
    tags = record.fields.get("tags")
    if isinstance(tags, dict):
        # A row of the SDK: the CLI prints the same tags as JSON inside the JSON.
        record = Record(record.place, {"tags": json.dumps(tags)}, record.fix)
    text = record.optional_text("tags")
    if text is None:
        return None
    if not _is_json_object(text):
        record.refuse("tags", f"is {text[:60]!r}, not a JSON object in one line")
    return text


@functools.lru_cache(maxsize=1024)
def _is_json_object(text: str) -> bool:
    # json.dumps never prints a line break: one inside the text comes from somewhere else.
    try:
        return isinstance(json.loads(text), dict) and "\n" not in text
    except (ValueError, RecursionError):
        return False
