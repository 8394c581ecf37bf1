"""What lands on which day of the year: the simulated exports, late, corrected and missing where a real year has it."""

import datetime as dt
import hashlib
import json
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

from benchmarks.workspaces import delivered
from tieout.simulator import Scenario, simulate
from tieout.simulator.ids import object_id
from tieout.simulator.programme import ProgrammeFunction, programme
from tieout.simulator.scenario import App, BillHabits, Deployment, SimulatedFunction
from tieout.simulator.workloads import prices, working_week, workload
from tieout.sources.landing import SIDECAR_SUFFIX, LandingFile, Sidecar

FIRST, LAST = dt.date(2026, 1, 1), dt.date(2027, 1, 6)
"""The days that are run; the weeks before are landed on the first."""

PULL_AT = dt.time(7)
ROLLOUT = dt.datetime(2026, 1, 6, 9, 30, tzinfo=dt.UTC)
_WEEKS, _MIDDLE, _SEED = 58, dt.date(2026, 6, 22), 1
_DAY = dt.timedelta(days=1)

# A Sunday, so that the week is not final on Monday; the report of the day says less for three days.
LATE_BILLS = frozenset({dt.date(2026, 2, 15), dt.date(2026, 5, 31), dt.date(2026, 9, 13), dt.date(2026, 12, 20)})
_LATE_BY = 3 * _DAY
# The hours that a bill gets more for after its week was mailed; one of them is the day that a clock is put forward.
RESTATED = frozenset({dt.date(2026, 2, 4), dt.date(2026, 3, 29), dt.date(2026, 7, 8), dt.date(2026, 11, 12)})
_RESTATED_AFTER, _RESTATED_BY = 10 * _DAY, Decimal("0.5")
# Logs that come after four days, and logs that never come.
LATE_LOGS = frozenset({dt.date(2026, 4, 14), dt.date(2026, 4, 15)})
LOST_LOGS = frozenset({dt.date(2026, 8, 19), dt.date(2026, 8, 20)})
_LOGS_LATE_BY = 4 * _DAY
_INVOICED_ON, _CENT = 3, Decimal("0.01")

_APP = "studio"
_CALLS_PER_DAY = {"embed": 30, "rank": 15, "fetch": 15}
_BEFORE = {
    "embed": workload("A10G", cores=2, memory_mib=8192, seconds=6),
    "rank": workload("A10G", cores=2, memory_mib=8192, seconds=20),
    "fetch": workload(None, cores=1, memory_mib=1024, seconds=15),
}
_AFTER = {**_BEFORE, "embed": workload("T4", cores=2, memory_mib=4096, seconds=7)}


def scenario() -> Scenario:
    """Three functions with some sixty calls a day, one of them on a smaller machine from the first Tuesday on."""
    deployments = (
        Deployment(_APP, 1, None, _BEFORE, commit="0c4d1f2"),
        Deployment(_APP, 2, ROLLOUT, _AFTER, commit="7be0a15", is_rollout=True),
    )
    covered = [
        ProgrammeFunction(name, _APP, _BEFORE[name].configuration, _AFTER[name].configuration) for name in ("embed",)
    ]
    return Scenario(
        name="year",
        environment="main",
        rollout_monday=_MIDDLE,
        functions=tuple(SimulatedFunction(name, _APP, working_week(calls)) for name, calls in _CALLS_PER_DAY.items()),
        apps=(App(_APP, object_id("ap", _APP), deployments),),
        rollouts=(),
        volumes=(),
        prices=prices(),
        bill=replace(BillHabits(), restated_week_from_end=None),
        catalog=programme("A year of savings", covered, deployed_at=ROLLOUT),
    )


@dataclass(frozen=True)
class Arrival:
    """A file that lands: its path below the landing folder, its content, when (naive UTC), and its sidecar."""

    name: str
    content: bytes
    moment: dt.datetime
    sidecar: Mapping[str, Any] | None

    def land(self, landing: Path) -> None:
        """Write the file, last changed when it landed: of one without a sidecar, that is when it was fetched."""
        path = landing / self.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.content)
        if self.sidecar is not None:
            path.with_name(path.name + SIDECAR_SUFFIX).write_text(json.dumps(self.sidecar), encoding="utf-8")
        landed_at = self.moment.replace(tzinfo=dt.UTC).timestamp()
        os.utime(path, (landed_at, landed_at))


@dataclass(frozen=True)
class Exports:
    """All exports of the year, simulated once, by the day on which a pull at seven brings them."""

    folder: Path
    _by_day: dict[dt.date, list[tuple[LandingFile, dt.datetime, str]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    @classmethod
    def simulated(cls, folder: Path) -> "Exports":
        """Simulate the year, unless that is done, and plan what lands when."""
        mark = folder / "complete"
        if not mark.exists():
            simulate(scenario(), seed=_SEED, weeks=_WEEKS, out=folder)
            mark.touch()
        exports = cls(folder)
        for file, sidecar in delivered(folder / "landing"):
            for moment, kind in moments(file, sidecar):
                exports._by_day[max(FIRST, _pull_after(moment))].append((file, moment, kind))
        return exports

    @property
    def catalog(self) -> Path:
        """The programme."""
        return self.folder / "catalog"

    def is_eventful(self, day: dt.date) -> bool:
        """Tell whether more lands on a day than the day before: what is late, or corrected."""
        return any(kind == "restated" or day - _covered(file) > 2 * _DAY for file, _, kind in self._by_day[day])

    def oldest_day_of(self, day: dt.date) -> dt.date:
        """The oldest of the days that bills and logs speak of, and all else was fetched on; by default itself."""
        return min((min(_covered(file), moment.date()) for file, moment, _ in self._by_day[day]), default=day)

    def of(self, day: dt.date) -> Iterator[Arrival]:
        """What a pull at seven of a day brings."""
        for file, moment, kind in self._by_day[day]:
            yield _arrival(file, moment, kind)


def _covered(file: LandingFile) -> dt.date:
    """The day that a report or a log speaks of, by its name; of anything else, no day that will come."""
    is_daily = file.source in ("billing_report", "function_calls")
    return (file.date_in_name if is_daily else None) or dt.date.max


def moments(file: LandingFile, sidecar: Sidecar) -> Iterator[tuple[dt.datetime, str]]:
    """When a file is fetched, naive UTC, and as what: as it is, corrected, or as an invoice of what it says."""
    fetched, start = sidecar.fetched_at, sidecar.range_start
    if file.source == "billing_report":
        assert start is not None
        yield from _moments_of_bill(file, fetched, start)
    elif file.source == "function_calls" and start is not None and start.date() in LATE_LOGS:
        yield fetched + _LOGS_LATE_BY, ""
    elif file.source == "function_calls" and start is not None and start.date() in LOST_LOGS:
        return
    else:
        yield fetched, ""
        if file.source == "billing_summary" and sidecar.range_end is not None and fetched >= sidecar.range_end:
            yield fetched.replace(hour=6) + _INVOICED_ON * _DAY, "invoice"


def _moments_of_bill(file: LandingFile, fetched: dt.datetime, start: dt.datetime) -> Iterator[tuple[dt.datetime, str]]:
    """The pull at seven brings a settled day; of a late one it brings what is known, and the rest three days later."""
    day, is_final = start.date(), ".r2." in file.name
    settled = dt.datetime.combine(day + _DAY, PULL_AT) - dt.timedelta(minutes=10)
    if day in LATE_BILLS:
        yield (settled + _LATE_BY if is_final else fetched), ""
    elif is_final:
        yield settled, ""
    if is_final and day in RESTATED:
        yield settled + _RESTATED_AFTER, "restated"


def _pull_after(moment: dt.datetime) -> dt.date:
    return moment.date() + (_DAY if moment.time() > PULL_AT else dt.timedelta())


def _arrival(file: LandingFile, moment: dt.datetime, kind: str) -> Arrival:
    content = file.location.read_bytes()
    sidecar = json.loads(file.location.with_name(file.location.name + SIDECAR_SUFFIX).read_bytes())
    if kind == "invoice":
        return invoice(json.loads(content), str(sidecar["range_start"])[:7], moment)
    name = file.name
    if kind == "restated":
        content, name = _with_more(content), file.name.replace(".r2.", ".restated.")
    said = {"fetched_at": f"{moment.isoformat()}Z", "sha256": hashlib.sha256(content).hexdigest()}
    return Arrival(name, content, moment, sidecar | said)


def _with_more(content: bytes) -> bytes:
    """A report in which the hour that cost most costs more; the reports with and without resources agree on it."""
    rows = json.loads(content)
    wrong = max(rows, key=lambda row: (row["interval_start"][11:13] == "10", Decimal(row["cost"])))
    wrong["cost"] = str(Decimal(wrong["cost"]) + _RESTATED_BY)
    return json.dumps(rows).encode()


def invoice(summary: Any, month: str, moment: dt.datetime) -> Arrival:
    """Return the invoice of a month, as it is landed by hand: in cents, of what the summary says in eight decimals."""
    said = summary[0] if isinstance(summary, list) else summary
    total = Decimal(said["billed_cost"]).quantize(_CENT, ROUND_HALF_EVEN)
    content = {"number": f"INV-{month}", "total": f"{total}", "currency": "USD", "date": f"{moment:%Y-%m-%d}"}
    return Arrival(f"invoices/{month}.json", json.dumps(content).encode(), moment, None)
