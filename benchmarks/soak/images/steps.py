"""The steps of which images are taken: what each starts from, and what it does by a clock that is set.

`python -m benchmarks.soak.images.steps STEP FOLDER` takes a step in a process of its own.
"""

import datetime as dt
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from benchmarks.soak.clock import Clock, telling
from benchmarks.soak.year.exports import scenario
from benchmarks.workspaces import copy, land
from tests.support.trusting import Trusting
from tieout.catalog.mail_settings import MAIL_FILE, load_mail_settings
from tieout.core.home import Home
from tieout.mail.deliver import occasion_of, post
from tieout.mail.outbox import open_outbox
from tieout.simulator import simulate
from tieout.sources.landing import SIDECAR_SUFFIX
from tieout.workspace import Workspace

NOW = dt.datetime(2026, 1, 25, 12, tzinfo=dt.UTC)
CATALOG = "catalog"
READERS = tuple(f"reader-{number}@example.com" for number in range(1, 4))
_MONDAY, _WEEKS, _SEED = dt.date(2026, 1, 12), 2, 1
_CORRECTED, _MORE_USD = "2026-01-07", Decimal("0.5")
_MAIL = f"timezone: UTC\nfinance: [{', '.join(READERS)}]\noperators: [platform@example.com]\n"


def workspace_in(folder: Path) -> Workspace:
    """The workspace of a folder, with its own catalog, and without validation."""
    workspace = Workspace(Home(folder), folder / CATALOG)
    workspace.__dict__["_validator"] = Trusting()
    return workspace


def update(folder: Path) -> None:
    """What `tieout run` does."""
    with workspace_in(folder) as workspace:
        workspace.update()


def publish(folder: Path) -> None:
    """Write finance's file."""
    with workspace_in(folder) as workspace:
        workspace.publish()


def issue(folder: Path) -> None:
    """Write the reports of all weeks."""
    with workspace_in(folder) as workspace:
        for week in workspace.built_weeks():
            workspace.issue(week)


def send(folder: Path) -> None:
    """Mail every week to its readers."""
    settings = load_mail_settings(folder / CATALOG, os.environ)
    with workspace_in(folder) as workspace:
        occasions = [occasion_of(workspace.report(week), settings) for week in workspace.built_weeks()]
    with open_outbox(Home(folder).outbox) as outbox:
        for occasion in occasions:
            post(outbox, occasion, settings, clock=lambda: NOW)


STEPS: Mapping[str, Callable[[Path], None]] = {
    "run": update,
    "correct": update,
    "publish": publish,
    "issue": issue,
    "send": send,
}


@dataclass(frozen=True)
class Starts:
    """The workspaces that steps start from, made once below a folder."""

    root: Path

    @classmethod
    def made(cls, root: Path) -> "Starts":
        """Simulate two weeks, and build them."""
        exports = root / "exports"
        if not (root / "complete").exists():
            shutil.rmtree(root, ignore_errors=True)
            simulate(replace(scenario(), rollout_monday=_MONDAY), seed=_SEED, weeks=_WEEKS, out=exports)
            (exports / CATALOG / MAIL_FILE).write_text(_MAIL, encoding="utf-8")
            starts = cls(root)
            starts.prepare("run", root / "built")
            take("run", root / "built")
            shutil.copytree(root / "built" / "landing" / "billing_report", root / "corrected" / "billing_report")
            _correct(root / "corrected" / "billing_report")
            (root / "complete").touch()
        return cls(root)

    def prepare(self, step: str, folder: Path) -> None:
        """Fill an empty folder with what a step starts from."""
        if step == "run":
            land(self.root / "exports" / "landing", folder)
            shutil.copytree(self.root / "exports" / CATALOG, folder / CATALOG)
            return
        copy(self.root / "built", folder)
        if step == "correct":
            land(self.root / "corrected", folder)
        if step == "publish":
            Home(folder).finance.unlink()
        if step == "issue":
            for page in Home(folder).reports.glob("*/index.html"):
                page.unlink()


def _correct(reports: Path) -> None:
    """Land a day's report once more with a greater amount, after its week was issued."""
    for kind in ("plain", "resources"):
        seen = reports / f"{_CORRECTED}.{kind}.r2.json"
        rows = json.loads(seen.read_text(encoding="utf-8"))
        most = max(rows, key=lambda row: (row["interval_start"][11:13] == "10", Decimal(row["cost"])))
        most["cost"] = str(Decimal(most["cost"]) + _MORE_USD)
        late = seen.with_name(f"{_CORRECTED}.{kind}.r3.json")
        late.write_text(json.dumps(rows), encoding="utf-8")
        sidecar = json.loads(seen.with_name(seen.name + SIDECAR_SUFFIX).read_text(encoding="utf-8"))
        said = {"fetched_at": "2026-01-24T02:00:00Z", "sha256": hashlib.sha256(late.read_bytes()).hexdigest()}
        late.with_name(late.name + SIDECAR_SUFFIX).write_text(json.dumps(sidecar | said), encoding="utf-8")


def take(step: str, folder: Path) -> None:
    """Take a step in this process, by the clock that is set."""
    with telling(Clock(NOW)):
        STEPS[step](folder)


if __name__ == "__main__":
    take(sys.argv[1], Path(sys.argv[2]))
