"""Runs the days of the year one after the other, and keeps what each came to."""

import datetime as dt
import itertools
import json
import os
import shutil
import zoneinfo
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path
from typing import Any
from unittest.mock import patch

from dagster._core.definitions.run_request import InstigatorType

from benchmarks.rows import FOLDER, Rows
from benchmarks.soak.clock import Clock, telling
from benchmarks.soak.year.exports import FIRST, LAST, PULL_AT, Exports
from benchmarks.soak.year.service import Service, serving
from tests.mail.mail_server import HOST, Delivery, Postmaster, running
from tieout.catalog.mail_settings import MAIL_FILE
from tieout.core.home import Home
from tieout.core.periods import IsoWeek
from tieout.defs.daily import SENSOR_SECONDS
from tieout.mail.due import MAIL_HOUR
from tieout.measure.baseline import freeze_baseline, write_lock
from tieout.savings.baseline_lock import LOCK_NAME
from tieout.workspace import Workspace

READER, OPERATOR = "finance@example.com", "platform@example.com"
TIMEZONE = "Europe/Vienna"
FROZEN_ON = dt.date(2026, 1, 8)
# Days that are run and validated one by one: January, December with week 53, and the two changes of the clock.
_CLOSELY = (
    (FIRST, dt.date(2026, 1, 18)),
    (dt.date(2026, 3, 29), dt.date(2026, 3, 30)),
    (dt.date(2026, 10, 25), dt.date(2026, 10, 26)),
    (dt.date(2026, 12, 21), LAST),
)
_MAIL = f"timezone: {TIMEZONE}\nfinance: [{READER}]\noperators: [{OPERATOR}]\n"
_DAY = dt.timedelta(days=1)
_HOUR, _QUARTER = dt.timedelta(hours=1), dt.timedelta(minutes=15)
_DELIVERED = "delivered.jsonl"


@dataclass(frozen=True)
class Day:
    """What a day came to.

    Attributes:
        day: which.
        run_seconds: CPU seconds of the daily run; None on a day whose run was not made but recorded only.
        is_checked: whether what was built was validated.
        is_first: whether it was the first of its process, which also imports everything.
        failed: descriptions of the runs that failed.
        refused: the landed files that the run refused.
        oldest_built: the oldest week that the run built; None where it built none, or was not made.
        oldest_landed: the oldest day that was spoken of by what has landed since the run before.
        sizes: bytes of what the workspace consists of, in the evening.
    """

    day: dt.date
    run_seconds: float | None
    is_checked: bool
    is_first: bool
    failed: tuple[str, ...]
    refused: tuple[str, ...]
    oldest_built: IsoWeek | None
    oldest_landed: dt.date
    sizes: dict[str, int]


@dataclass(frozen=True)
class Year:
    """The folder of a year that is run: its exports, its workspace, and the mails that the server took."""

    folder: Path

    @property
    def home(self) -> Home:
        """The workspace."""
        return Home(self.folder / "home")

    @property
    def catalog(self) -> Path:
        """The programme, with the frozen baseline."""
        return self.folder / "catalog"

    def mails(self) -> Iterator[tuple[str, str]]:
        """Message id and recipient of every mail that the server took, in order."""
        path = self.folder / _DELIVERED
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
            message_id, recipient = json.loads(line)
            yield message_id, recipient


@dataclass(frozen=True)
class Pace:
    """Which days are run, and on which of them everything is validated.

    The other days only leave in Dagster's record what a run leaves; their exports come with the next run.
    """

    is_every_day: bool

    def runs(self, day: dt.date, exports: Exports) -> bool:
        """Tell whether the daily run of a day is made."""
        return self.checks(day) or day.weekday() == 0 or exports.is_eventful(day)

    def checks(self, day: dt.date) -> bool:
        """Tell whether what is built is validated."""
        return self.is_every_day or any(first <= day <= last for first, last in _CLOSELY)


def run(rows: Rows, code: str, pace: Pace) -> Iterator[Day]:
    """Run the days that are not run yet, and yield all of them in order."""
    days = [FIRST + number * _DAY for number in range((LAST - FIRST).days + 1)]
    known = list(itertools.takewhile(bool, (rows.get(_key(code, pace, day)) or {} for day in days)))
    yield from (_day(row) for row in known)
    if len(known) < len(days):
        yield from _run(year_of(code, pace), rows, code, pace, days[len(known) :])


def year_of(code: str, pace: Pace) -> Year:
    """The year that a version has run, or runs."""
    return Year(FOLDER / f"year-{code}{'-every-day' if pace.is_every_day else ''}")


def _run(year: Year, rows: Rows, code: str, pace: Pace, days: list[dt.date]) -> Iterator[Day]:
    exports = Exports.simulated(year.folder / "exports")
    if not year.catalog.exists():
        shutil.copytree(exports.catalog, year.catalog)
    (year.catalog / MAIL_FILE).write_text(_MAIL, encoding="utf-8")
    clock = Clock(dt.datetime.combine(days[0], PULL_AT, dt.UTC))
    with telling(clock), _mail_server(year.folder / _DELIVERED):
        for day in days:
            clock.now = dt.datetime.combine(day, PULL_AT, dt.UTC)
            for arrival in exports.of(day):
                arrival.land(year.home.landing)
            is_checked = pace.checks(day)
            seconds, failed = _one_day(year, day, clock, is_run=pace.runs(day, exports), is_checked=is_checked)
            refused, oldest_built = ([], None) if seconds is None else _refused_and_oldest_built(year, day)
            row = {
                "day": f"{day}",
                "run_seconds": seconds and round(seconds, 3),
                "is_checked": is_checked,
                "is_first": day == days[0],
                "failed": list(failed),
                "refused": refused,
                "oldest_built": oldest_built,
                "oldest_landed": f"{_oldest_landed(day, pace, exports)}",
                "sizes": _sizes(year.home),
            }
            rows.put(_key(code, pace, day), row)
            yield _day(row)


def _one_day(
    year: Year, day: dt.date, clock: Clock, *, is_run: bool, is_checked: bool
) -> tuple[float | None, tuple[str, ...]]:
    """Run what happens on a day: return the CPU seconds of the daily run, and what failed."""
    seconds: float | None = None
    failed: list[str] = []
    with serving(year.home, year.catalog, clock) as service:
        if is_run:
            eight = dt.datetime.combine(day, dt.time(MAIL_HOUR), zoneinfo.ZoneInfo(TIMEZONE)).astimezone(dt.UTC)
            looks = [("mail_follow_up", _at(day, 8, 20)), ("mail_follow_up", _at(day, 20, 20))]
            if day.weekday() == 0:
                looks.append(("weekly_mail", eight))  # in summer before the pull, in winter at the same hour
            early = [look for look in looks if look[1] < clock.now and year.home.warehouse.exists()]
            failed += _looks(service, early)
            clock.now = dt.datetime.combine(day, PULL_AT, dt.UTC)
            service.pulled()
            seconds = service.run(is_checked=is_checked)
            if day >= FROZEN_ON and not (year.catalog / LOCK_NAME).exists():
                _freeze(year)
            late = [(name, max(now, clock.now)) for name, now in looks if (name, now) not in early]
            failed += _looks(service, [*late, ("alerts", _at(day, 20, 30))])
        else:
            service.pulled()
            service.repeat()
        service.idle_ticks("mail_follow_up", InstigatorType.SCHEDULE, _HOUR)
        service.idle_ticks("alerts", InstigatorType.SCHEDULE, _QUARTER)
        service.idle_ticks("run_after_pull", InstigatorType.SENSOR, dt.timedelta(seconds=SENSOR_SECONDS))
    return seconds, tuple(failed)


def _looks(service: Service, looks: Sequence[tuple[str, dt.datetime]]) -> Iterator[str]:
    """Let schedules look, each at its time, and yield what failed of what they asked for."""
    for schedule, now in sorted(looks, key=lambda look: look[1]):
        service.clock.now = now
        for result in service.tick(schedule):
            for event in result.all_events:
                if event.is_step_failure:
                    data = event.step_failure_data.user_failure_data
                    yield f"{schedule}: {(data and data.description) or event.step_failure_data.error}"


def _freeze(year: Year) -> None:
    with Workspace(year.home, year.catalog) as workspace, workspace.reading() as con:
        lock = freeze_baseline(con, workspace.catalog)
    write_lock(lock, year.catalog)


def _refused_and_oldest_built(year: Year, day: dt.date) -> tuple[list[str], str | None]:
    with Workspace(year.home, year.catalog) as workspace, workspace.reading() as con:
        refused = con.execute("select path from raw.rejected_files order by path").fetchall()
        pulled_at = dt.datetime.combine(day, PULL_AT)
        [(oldest,)] = con.execute("select min(week) from meta.week_inputs where built_at >= ?", [pulled_at]).fetchall()
    return [path for (path,) in refused], oldest


def _oldest_landed(day: dt.date, pace: Pace, exports: Exports) -> dt.date:
    oldest = exports.oldest_day_of(day)
    while day > FIRST and not pace.runs(day := day - _DAY, exports):
        oldest = min(oldest, exports.oldest_day_of(day))
    return oldest


def _at(day: dt.date, hour: int, minute: int) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(hour, minute), dt.UTC)


class _Kept(list[Delivery]):
    """Deliveries that are also written to a file, for the parts that follow."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def append(self, delivery: Delivery) -> None:
        super().append(delivery)
        message_id = message_from_bytes(delivery.content)["Message-ID"]
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps([message_id, delivery.recipient]) + "\n")


@contextmanager
def _mail_server(delivered: Path) -> Iterator[None]:
    with running(Postmaster(delivered=_Kept(delivered))) as server:
        variables = {"HOST": HOST, "PORT": str(server.settings.port), "SECURITY": "none"}
        environment = {f"TIEOUT_SMTP_{name}": value for name, value in variables.items()}
        with patch.dict(os.environ, environment | {"TIEOUT_MAIL_FROM": "tieout@example.com"}):
            yield


def _sizes(home: Home) -> dict[str, int]:
    return {
        name: sum(each.stat().st_size for each in ([path] if path.is_file() else path.rglob("*")) if each.is_file())
        for name, path in {
            "warehouse": home.warehouse,
            "finance": home.finance,
            "dagster": home.dagster,
            "landing": home.landing,
            "reports": home.reports,
            "outbox": home.outbox,
        }.items()
    }


def _key(code: str, pace: Pace, day: dt.date) -> dict[str, str | int | bool]:
    return {"part": "year", "code": code, "is_every_day": pace.is_every_day, "day": f"{day}"}


def _day(row: Mapping[str, Any]) -> Day:
    return Day(
        dt.date.fromisoformat(row["day"]),
        row["run_seconds"],
        row["is_checked"],
        row["is_first"],
        tuple(row["failed"]),
        tuple(row["refused"]),
        None if row["oldest_built"] is None else IsoWeek.parse(row["oldest_built"]),
        dt.date.fromisoformat(row["oldest_landed"]),
        row["sizes"],
    )
