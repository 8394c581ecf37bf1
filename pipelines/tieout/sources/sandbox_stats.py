"""`App.sandboxes.stats(since=, until=, group_by_tags=[…])` of the SDK: what Modal says an app's sandboxes cost, by day.

No command prints it. A pull writes, and a file by hand has, one object: `app_id`, `since`, `until`, and `groups`, a
list of `{"tags": {…}, "cost": "…", "cost_by_resource": {…}}` with amounts as texts.
"""

import json
from decimal import Decimal

import pyarrow as pa

from tieout.sources.counted_window import window_within_a_day
from tieout.sources.fields import USD, UTC_MICROSECONDS, ParsedFile, Record, as_record, load_record, row_numbers
from tieout.sources.landing import LandingFile, Sidecar
from tieout.sources.tables import FILE_ID, ROW_NUMBER, Column, Table

ROUNDING = "rounding"
TABLE = Table(
    "sandbox_stats",
    "One row per group of an app's sandboxes and resource in a window; the app is in raw.files.",
    (
        FILE_ID,
        ROW_NUMBER,
        Column("app_id", "VARCHAR", "Modal's id of the app"),
        Column("since", "TIMESTAMP", "Start of the window, UTC"),
        Column("until", "TIMESTAMP", "End of the window, exclusive, UTC; on the same day"),
        Column("tags", "VARCHAR", "Tags that the sandboxes of the group share, as JSON"),
        Column("resource", "VARCHAR", "Resource as Modal writes it; rounding for what the parts miss of the cost"),
        Column("cost_usd", "DECIMAL(38, 12)", "Cost of it in the window, exactly as Modal says"),
    ),
)
_FIX = "Write what app.sandboxes.stats() yields for one UTC day, the amounts as texts; `tieout pull` does."


def parse(text: str, file: LandingFile, sidecar: Sidecar | None) -> ParsedFile:
    """Read the costs of one window.

    Raises:
        RejectionError: a field that cannot be read, an amount that is not exact, two groups with the same tags, or a
            window that is not within one UTC day.
    """
    stats = load_record(text, fix=_FIX)
    since, until = window_within_a_day(stats, fix=_FIX)
    listed = stats.value("groups")
    if not isinstance(listed, list):
        stats.refuse("groups", "is not a list")
    costs: list[tuple[str, str, Decimal]] = []
    seen: set[str] = set()
    for number, item in enumerate(listed, start=1):
        group = as_record(f"group {number}", item, fix=_FIX)
        tags = _tags(group)
        if tags in seen:
            group.refuse("tags", f"is {tags}, which another group has already")
        seen.add(tags)
        costs += [(tags, resource, cost) for resource, cost in _costs(group)]
    rows = pa.table(
        {
            "row_number": row_numbers(len(costs)),
            "app_id": pa.array([stats.text("app_id")] * len(costs), pa.string()),
            "since": pa.array([since] * len(costs), UTC_MICROSECONDS),
            "until": pa.array([until] * len(costs), UTC_MICROSECONDS),
            "tags": pa.array([tags for tags, _, _ in costs], pa.string()),
            "resource": pa.array([resource for _, resource, _ in costs], pa.string()),
            "cost_usd": pa.array([cost for _, _, cost in costs], USD),
        }
    )
    return ParsedFile(rows, content_start=since, content_end=until)


def _tags(group: Record) -> str:
    tags = as_record(f"{group.place}: tags", group.value("tags"), fix=_FIX)
    return json.dumps({name: tags.optional_text(name) for name in sorted(tags.names())}, ensure_ascii=False)


def _costs(group: Record) -> list[tuple[str, Decimal]]:
    parts = as_record(f"{group.place}: cost_by_resource", group.value("cost_by_resource"), fix=_FIX)
    costs = [(resource, parts.usd(resource)) for resource in parts.names()]
    rest = group.usd("cost") - sum((cost for _, cost in costs), Decimal(0))
    return [*costs, (ROUNDING, rest)] if rest else costs
