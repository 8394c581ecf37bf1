"""The landing floor: files as Modal delivered them. The loader reports the days that they cover."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator

import dagster as dg

from tieout.core.periods import day_start
from tieout.defs.calendar import DAY_FORMAT
from tieout.defs.pull import PULLED
from tieout.sources.load import LoadedFile
from tieout.sources.registry import SOURCES
from tieout.sources.source import Coverage


def landing_key(source: str) -> dg.AssetKey:
    """The asset of a Modal export."""
    return dg.AssetKey(["landing", source])


def landing_assets(days: dg.TimeWindowPartitionsDefinition) -> list[dg.AssetSpec]:
    """Declare one external asset for every Modal export, partitioned by the days it was delivered for."""
    return [
        dg.AssetSpec(
            key=landing_key(source.name),
            deps=[PULLED] if source.pull else [],
            description=f"{source.holds}: {source.export}. Files in `landing/{source.name}/`, unchanged.",
            group_name="landing",
            kinds={"json", "file"},
            tags={"floor": "landing"},
            partitions_def=days,
        )
        for source in SOURCES.values()
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
    covers_days = SOURCES[loaded.content.source].covers is Coverage.DAYS
    for delivery in loaded.deliveries:
        start, end = delivery.range_start, delivery.range_end
        if not covers_days or start is None or end is None:
            seen.add(delivery.fetched_at.date())
            continue
        day = start.date()
        while day_start(day) < end:
            seen.add(day)
            day += dt.timedelta(days=1)
    yield from sorted(seen)
