"""Which settled days of the bill Modal has corrected since: their costs by day, compared with what is landed.

A report by day is one request for a month. What a day cost in it is the sum of its hours, and so of what was landed.
"""

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from tieout.modal.snapshots import PLAIN, Snapshot

# Each of 24 hours is rounded to eight decimals.
_ROUNDING_USD = Decimal("0.000001")
_HOUR = dt.timedelta(hours=1)

DailyCosts = Mapping[dt.date, Mapping[str, Decimal]]
"""By UTC day and object id, what was billed, in USD."""


def billed_by_day(items: Iterable[Mapping[str, Any]]) -> DailyCosts:
    """Add up the rows of a report, by the hour or by the day."""
    billed: defaultdict[dt.date, defaultdict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for item in items:
        billed[interval_start(item).date()][item["object_id"]] += Decimal(item["cost"])
    return billed


def is_plain_json(snapshot: Snapshot) -> bool:
    """Whether it is a plain report as a pull lands it."""
    return snapshot.kind == PLAIN and snapshot.path.suffix == ".json"


def landed_by_day(snapshots: Iterable[Snapshot]) -> DailyCosts:
    """Add up what counts of landed plain reports: of each hour, what the latest one that speaks for it says.

    Raises:
        OSError, ValueError, KeyError, TypeError: a file is not a plain report as `modal billing report --json` prints.
    """
    counting: dict[dt.datetime, list[Mapping[str, Any]]] = {}
    for snapshot in sorted(snapshots, key=lambda snapshot: snapshot.fetched_at):
        if snapshot.range is None or not is_plain_json(snapshot):
            continue
        hour = snapshot.range.start
        while hour < snapshot.range.end:
            counting[hour] = []
            hour += _HOUR
        for row in json.loads(snapshot.path.read_bytes()):
            counting.setdefault(interval_start(row), []).append(row)
    return billed_by_day(row for rows in counting.values() for row in rows)


def changed_days(days: Iterable[dt.date], landed: DailyCosts, billed: DailyCosts) -> Sequence[dt.date]:
    """Return the days on which some object was billed another amount than is landed, beyond what rounding explains."""
    return [day for day in days if _differ(landed.get(day, {}), billed.get(day, {}))]


def _differ(one: Mapping[str, Decimal], other: Mapping[str, Decimal]) -> bool:
    zero = Decimal(0)
    return any(abs(one.get(each, zero) - other.get(each, zero)) > _ROUNDING_USD for each in {*one, *other})


def interval_start(row: Mapping[str, Any]) -> dt.datetime:
    """When the billed interval of a row begins, aware UTC."""
    return dt.datetime.fromisoformat(row["interval_start"]).replace(tzinfo=dt.UTC)
