"""The landing floor: files as Modal delivered them. The loader reports the days that they cover."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator

import dagster as dg

from tieout.core.periods import day_start
from tieout.defs.calendar import DAY_FORMAT
from tieout.defs.pull import PULLED
from tieout.modal.visit import SOURCES as PULLED_SOURCES
from tieout.sources.landing import SOURCES
from tieout.sources.load import LoadedFile

_COMMANDS = {
    "app_history": "What was deployed when: `modal app history`",
    "app_list": "Which apps there are, and their ids: `modal app list`",
    "billing_rates": "Modal's prices of the day: `modal billing rates`",
    "billing_report": "What was billed by object and hour, plain and broken down by resource: `modal billing report`",
    "billing_summary": "Each month from metered to billed: `modal billing summary`",
    "function_calls": "Every input of every function: `modal function calls`",
    "function_info": "What each function is deployed with: `modal function info`",
    "invoices": "What was invoiced for each month, in the format of `docs/method.md`",
}
# These say for which days they speak; the others are pictures of the moment they were taken.
_SPEAK_FOR_DAYS = frozenset({"billing_report", "function_calls"})


def landing_key(source: str) -> dg.AssetKey:
    """The asset of a Modal export."""
    return dg.AssetKey(["landing", source])


def landing_assets(days: dg.TimeWindowPartitionsDefinition) -> list[dg.AssetSpec]:
    """Declare one external asset for every Modal export, partitioned by the days it was delivered for."""
    return [
        dg.AssetSpec(
            key=landing_key(source),
            deps=[PULLED] if source in PULLED_SOURCES else [],
            description=f"{_COMMANDS[source]}. Files in `landing/{source}/`, unchanged.",
            group_name="landing",
            kinds={"json", "file"},
            tags={"floor": "landing"},
            partitions_def=days,
        )
        for source in SOURCES
    ]


def report_deliveries(instance: dg.DagsterInstance, changed: Iterable[LoadedFile]) -> None:
    """Report what has newly arrived: one materialization for each export and day."""
    files: Counter[tuple[str, dt.date]] = Counter()
    rows: Counter[tuple[str, dt.date]] = Counter()
    for loaded in changed:
        for day in _days(loaded):
            files[loaded.content.source, day] += 1
            rows[loaded.content.source, day] += loaded.content.row_count
    for source, day in sorted(files):
        instance.report_runless_asset_event(
            dg.AssetMaterialization(
                asset_key=landing_key(source),
                partition=day.strftime(DAY_FORMAT),
                metadata={"files": files[source, day], "dagster/row_count": rows[source, day]},
            )
        )


def _days(loaded: LoadedFile) -> Iterator[dt.date]:
    seen: set[dt.date] = set()
    for delivery in loaded.deliveries:
        start, end = delivery.range_start, delivery.range_end
        if loaded.content.source not in _SPEAK_FOR_DAYS or start is None or end is None:
            seen.add(delivery.fetched_at.date())
            continue
        day = start.date()
        while day_start(day) < end:
            seen.add(day)
            day += dt.timedelta(days=1)
    yield from sorted(seen)
