"""The partitions that Dagster shows: ISO weeks for the tables, UTC days for what was delivered.

They span what has been landed, and grow with the clock; before anything is landed they start where the catalog's first
baseline can start. The span is kept in a small file beside Dagster's own, so that it can be read while the warehouse is
being written.
"""

import datetime as dt
import json
from collections.abc import Sequence
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

WEEK_FORMAT = "%G-W%V-%u"
DAY_FORMAT = "%Y-%m-%d"
_SPAN = "weeks.json"


@dataclass(frozen=True)
class Calendar:
    """The first week that is shown, and the last one that is known to have data."""

    first: IsoWeek
    last: IsoWeek

    @property
    def weekly(self) -> dg.TimeWindowPartitionsDefinition:
        """ISO weeks, named by their Monday (`2026-W46-1`), the running one included."""
        return dg.TimeWindowPartitionsDefinition(
            start=week_key(self.first),
            fmt=WEEK_FORMAT,
            cron_schedule="0 0 * * 1",
            timezone="UTC",
            end_offset=max(1, 1 + (self.last.start - IsoWeek.of(_today()).start).days // 7),
        )

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


def week_key(week: IsoWeek) -> str:
    """The partition of a week."""
    return week.start.strftime(WEEK_FORMAT)


def week_of(key: str) -> IsoWeek:
    """The week of a partition.

    Raises:
        ValueError: it is none.
    """
    return IsoWeek.of(dt.datetime.strptime(key, WEEK_FORMAT).replace(tzinfo=dt.UTC).date())


def read_calendar(home: Home, catalog_directory: Path) -> Calendar:
    """Return the span of the landed weeks, or where nothing is landed yet, of the catalog's programme."""
    try:
        span = json.loads((home.dagster / _SPAN).read_text(encoding="utf-8"))
        return Calendar(IsoWeek.parse(span["first"]), IsoWeek.parse(span["last"]))
    except (OSError, ValueError, KeyError, TypeError):
        start = _start_of_programme(catalog_directory)
        return Calendar(start, start)


def write_calendar(home: Home, weeks: Sequence[IsoWeek]) -> None:
    """Keep the span of the landed weeks for the next time the definitions are read."""
    if not weeks:
        return
    home.dagster.mkdir(parents=True, exist_ok=True)
    write_whole(home.dagster / _SPAN, json.dumps({"first": min(weeks).label, "last": max(weeks).label}))


def period_of(window: dg.TimeWindow) -> Period:
    """The UTC days of one or more weekly partitions."""
    return Period(window.start.date(), window.end.date())


def _start_of_programme(catalog_directory: Path) -> IsoWeek:
    try:
        deployments = [phase.deployed_at for phase in load_catalog(catalog_directory).rollout.phases]
    except CatalogError:
        deployments = []
    first = min(deployments).date() if deployments else _today()
    return IsoWeek.of(first - dt.timedelta(weeks=LONGEST_BASELINE_WEEKS))


def _today() -> dt.date:
    return dt.datetime.now(dt.UTC).date()
