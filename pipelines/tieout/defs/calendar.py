"""The partitions that Dagster shows: ISO weeks for the tables, UTC days for what was delivered.

The weeks are those that landed files speak of, named as everywhere else (`2026-W46`); Dagster's instance keeps them.
The days span them, and grow with the clock; before anything is landed they start where the catalog's first baseline can
start. Their span is kept in a small file beside Dagster's own, so that it can be read while the warehouse is being
written.
"""

import datetime as dt
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from tieout.catalog.load import load_catalog
from tieout.catalog.models import CatalogError
from tieout.core.files import write_whole
from tieout.core.home import Home
from tieout.core.periods import IsoWeek
from tieout.savings.days import LONGEST_BASELINE_WEEKS
from tieout.warehouse.build import Period

_WEEKS = "weeks"
WEEKS = dg.DynamicPartitionsDefinition(name=_WEEKS)
DAY_FORMAT = "%Y-%m-%d"
_SPAN = "weeks.json"


@dataclass(frozen=True)
class Calendar:
    """The first and the last week that are known to have data."""

    first: IsoWeek
    last: IsoWeek

    @property
    def daily(self) -> dg.TimeWindowPartitionsDefinition:
        """UTC days, the running one included."""
        return dg.TimeWindowPartitionsDefinition(
            start=self.first.start.strftime(DAY_FORMAT),
            fmt=DAY_FORMAT,
            cron_schedule="0 0 * * *",
            timezone="UTC",
            end_offset=max(1, (self.last.end - _today()).days),
        )


def read_calendar(home: Home, catalog_directory: Path) -> Calendar:
    """Return the span of the landed weeks, or where nothing is landed yet, of the catalog's programme."""
    kept = _kept(home)
    if kept is not None:
        return kept
    start = _start_of_programme(catalog_directory)
    return Calendar(start, start)


def _kept(home: Home) -> Calendar | None:
    try:
        span = json.loads((home.dagster / _SPAN).read_text(encoding="utf-8"))
        return Calendar(IsoWeek.parse(span["first"]), IsoWeek.parse(span["last"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def show_kept_weeks(instance: dg.DagsterInstance, home: Home) -> None:
    """Have an instance that shows no week yet, because an earlier version made it, show those of the kept span."""
    kept = _kept(home)
    if kept is not None and not instance.get_dynamic_partitions(_WEEKS):
        show_weeks(instance, Period(kept.first.start, kept.last.end).weeks())


def show_weeks(instance: dg.DagsterInstance, weeks: Iterable[IsoWeek]) -> None:
    """Have Dagster show these weeks and no others, the oldest first."""
    wanted = [week.label for week in sorted(weeks)]
    shown = list(instance.get_dynamic_partitions(_WEEKS))
    if wanted[: len(shown)] != shown:  # it keeps them in the order of their coming
        for label in shown:
            instance.delete_dynamic_partition(_WEEKS, label)
        shown = []
    if new := wanted[len(shown) :]:
        instance.add_dynamic_partitions(_WEEKS, new)


def write_calendar(home: Home, weeks: Sequence[IsoWeek]) -> None:
    """Keep the span of the landed weeks for the next time the definitions are read."""
    if not weeks:
        return
    home.dagster.mkdir(parents=True, exist_ok=True)
    write_whole(home.dagster / _SPAN, json.dumps({"first": min(weeks).label, "last": max(weeks).label}))


def period_of(context: dg.AssetExecutionContext) -> Period:
    """The UTC days from the first to the last week that a run is about."""
    weeks = [IsoWeek.parse(key) for key in context.partition_keys]
    return Period(min(weeks).start, max(weeks).end)


def _start_of_programme(catalog_directory: Path) -> IsoWeek:
    try:
        deployments = [phase.deployed_at for phase in load_catalog(catalog_directory).rollout.phases]
    except CatalogError:
        deployments = []
    first = min(deployments).date() if deployments else _today()
    return IsoWeek.of(first - dt.timedelta(weeks=LONGEST_BASELINE_WEEKS))


def _today() -> dt.date:
    return dt.datetime.now(dt.UTC).date()
