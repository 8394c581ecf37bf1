"""`tieout run`: load what is new, build the weeks that it changes, and report them."""

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from tieout.catalog.load import load_catalog
from tieout.catalog.models import Catalog
from tieout.cli.failures import NOTHING_LANDED, CommandError, ExitCode
from tieout.cli.messages import say, warn
from tieout.cli.steps import Steps, show_steps
from tieout.cli.stopping import stoppable
from tieout.core.home import Home
from tieout.core.periods import IsoWeek
from tieout.defs.runs import Runs, opened_for_runs
from tieout.measure.daily_work import read_lock
from tieout.report.formats.html import HTML_NAME
from tieout.savings.baseline_lock import BaselineLock
from tieout.sources import create_raw_schema
from tieout.sources.landing import scan
from tieout.sources.ledger import scanned
from tieout.validation.raw_checks import unchecked_files
from tieout.warehouse.connection import open_warehouse, read_warehouse
from tieout.warehouse.models import all_models, reported_models
from tieout.warehouse.publish import is_published
from tieout.warehouse.weeks import built_weeks, consecutive, known_weeks, stale_reports, stale_weeks

if TYPE_CHECKING:
    from tieout.defs.execution import RunOutcome

_SHOWN_REFUSALS = 10
_PUBLISHING = "Publishing finance's file"


@dataclass(frozen=True)
class Workspace:
    """Where everything is, and the programme with its frozen baseline."""

    home: Home
    catalog_directory: Path
    catalog: Catalog
    lock: BaselineLock | None


@dataclass(frozen=True)
class Work:
    """The weeks that were landed, those to build, those to report, and the only one that was asked for, if any.

    `headline` is what the report of the newest week says first, once it has been made.
    """

    known: tuple[IsoWeek, ...]
    build: tuple[IsoWeek, ...]
    report: tuple[IsoWeek, ...]
    only: IsoWeek | None
    headline: str = ""


def run_workspace(home: Home, catalog_directory: Path, *, week: str | None = None, all_weeks: bool = False) -> None:
    """Bring the warehouse and the reports up to date, and say what came of it.

    Raises:
        CommandError: nothing is landed, an unknown week, or data that fails a gate.
    """
    started = time.monotonic()
    wanted = None if week is None else week_of(week)
    workspace = Workspace(home, catalog_directory, load_catalog(catalog_directory), read_lock(catalog_directory))
    _require_landed_files(home)
    with (
        stoppable("Stopped; the warehouse is as it was before. `tieout run` again."),
        show_steps() as steps,
        opened_for_runs(home, catalog_directory) as runs,
    ):
        _load(workspace, runs, steps)
        work = _work(workspace, wanted, all_weeks=all_weeks)
        if work.build or work.report:
            work = _bring_up_to_date(workspace, work, runs, steps)
        elif not _is_published(workspace):  # an earlier run did not come to it, or somebody removed the file
            _publish(runs, steps)
    _conclude(workspace, work, seconds=time.monotonic() - started)


def week_of(text: str) -> IsoWeek:
    """Read a week from the command line.

    Raises:
        CommandError: it is none.
    """
    try:
        return IsoWeek.parse(text)
    except ValueError as error:
        raise CommandError(f"--week: {error}") from None


def require_known(week: IsoWeek, known: tuple[IsoWeek, ...]) -> None:
    """Refuse a week that no landed file speaks of.

    Raises:
        CommandError: naming the weeks that there are.
    """
    if week not in known:
        landed = f"{known[0].label} to {known[-1].label}" if known else "none"
        raise CommandError(f"nothing is landed for {week.label}; landed weeks: {landed}")


def _require_landed_files(home: Home) -> None:
    if home.landing.is_dir() and next(scan(home.landing), None) is not None:
        return
    raise CommandError(
        f"there are no files in {home.landing}",
        remedy=f"{NOTHING_LANDED} --home DIR or $TIEOUT_HOME say where the workspace is.",
    )


def _load(workspace: Workspace, runs: Runs, steps: Steps) -> None:
    if _is_loaded(workspace.home):
        return
    steps.stage("Loading landed files")
    from tieout.definitions import definitions_of
    from tieout.defs.execution import run_load

    _check(run_load(runs.definitions(definitions_of), runs.instance))


def _is_loaded(home: Home) -> bool:
    """Tell whether all landed files are loaded as they stand and passed their checks; others are worth another try."""
    if not home.warehouse.exists():
        return False
    with open_warehouse(home.warehouse) as con:
        create_raw_schema(con)
        known = scanned(con)
        refused = con.execute("select count(*) from raw.rejected_files").fetchone()
        unchecked = unchecked_files(con)
    return (refused, unchecked) == ((0,), 0) and all(
        known.get(file.name) == file.fingerprint for file in scan(home.landing)
    )


def _work(workspace: Workspace, wanted: IsoWeek | None, *, all_weeks: bool) -> Work:
    with open_warehouse(workspace.home.warehouse) as con:
        known = known_weeks(con)
        stale = stale_weeks(con, workspace.catalog)
        reports = stale_reports(con, workspace.catalog, workspace.lock)
    if wanted is not None:
        require_known(wanted, known)
        return Work(known, (wanted,), (wanted,), wanted)
    build = known if all_weeks else stale
    return Work(known, build, tuple(sorted({*build, *reports})), None)


def _bring_up_to_date(workspace: Workspace, work: Work, runs: Runs, steps: Steps) -> Work:
    """Build, report and publish; the work that is returned says which reports have been made in the end."""
    from tieout.definitions import definitions_of
    from tieout.defs.execution import run_reports, run_weeks
    from tieout.defs.workspace import watched_by

    headlines: dict[IsoWeek, str] = {}
    with watched_by(steps.step):
        for first, last in consecutive(work.build):
            steps.stage(f"Building {first.label} to {last.label}", len(all_models()) + _weeks(first, last))
            headlines |= _check(run_weeks(runs.definitions(definitions_of), runs.instance, first, last))
        others = _other_reports(workspace, work)
        for first, last in consecutive(others):
            steps.stage(f"Reporting {first.label} to {last.label}", len(reported_models()) + _weeks(first, last))
            headlines |= _check(run_reports(runs.definitions(definitions_of), runs.instance, first, last))
        _publish(runs, steps)
    reported = tuple(sorted({*work.build, *others}))
    return replace(work, report=reported, headline=headlines[reported[-1]])


def _weeks(first: IsoWeek, last: IsoWeek) -> int:
    return 1 + (last.start - first.start).days // 7


def _other_reports(workspace: Workspace, work: Work) -> tuple[IsoWeek, ...]:
    """Name the reports of other weeks that show something of those that were built: the baseline, the month."""
    if work.only is not None:
        return ()
    with open_warehouse(workspace.home.warehouse) as con:
        return stale_reports(con, workspace.catalog, workspace.lock)


def _is_published(workspace: Workspace) -> bool:
    """Tell whether finance's file shows the warehouse as it is; while no week is built, there is nothing to show."""
    with read_warehouse(workspace.home.warehouse) as con:
        if not built_weeks(con):
            return True
        return is_published(con, workspace.home.finance, workspace.catalog, lock=workspace.lock)


def _publish(runs: Runs, steps: Steps) -> None:
    from tieout.definitions import definitions_of
    from tieout.defs.execution import run_publishing

    steps.stage(_PUBLISHING)
    _check(run_publishing(runs.definitions(definitions_of), runs.instance))


def _check(outcome: "RunOutcome") -> dict[IsoWeek, str]:
    """Return the headlines of the reports that a run has made, by their weeks.

    Raises:
        CommandError: it did not succeed.
    """
    if outcome.success:
        return dict(outcome.headlines)
    if outcome.error is not None:
        raise CommandError(outcome.error, remedy="The warehouse is as it was before. `tieout ui` shows the run.")
    rules = "\n".join(f"  {rule.table}: {rule.summary}" for rule in outcome.broken)
    raise CommandError(
        f"the data fails a gate; nothing was built from it:\n{rules}",
        remedy="What was built before stays as it was. `tieout sql quarantine` shows the rows, `tieout ui` the run.",
        code=ExitCode.DATA,
    )


def _conclude(workspace: Workspace, work: Work, *, seconds: float) -> None:
    home = workspace.home
    with read_warehouse(home.warehouse) as con:
        if not work.known:
            say("The landed files speak of no week yet; bills and call logs are missing.")
        elif not work.report:
            say(f"Nothing has changed: {work.known[0].label} to {work.known[-1].label} are built and reported.")
        else:
            say(f"Built {_span(work.build)}, reported {_span(work.report)}, in {seconds:.0f} s.")
            _say_headline(workspace, work)
        refused = _say_refused(con)
    if refused:
        raise CommandError(
            f"{refused} landed files were refused and are in no figure",
            remedy="Repair them as said above, then run again.",
            code=ExitCode.DATA,
        )


def _say_headline(workspace: Workspace, work: Work) -> None:
    week = work.report[-1]
    say("")
    say(f"{workspace.catalog.rollout.programme}, week {week.label}", style="bold")
    say(work.headline)
    say("")
    say(f"Report: {workspace.home.reports / week.label / HTML_NAME}")


def _span(weeks: tuple[IsoWeek, ...]) -> str:
    if not weeks:
        return "no week"
    return weeks[0].label if len(weeks) == 1 else f"{len(weeks)} weeks of {weeks[0].label} to {weeks[-1].label}"


def _say_refused(con: duckdb.DuckDBPyConnection) -> int:
    rows = con.execute("select path, reason, fix from raw.rejected_files order by path").fetchall()
    for path, reason, fix in rows[:_SHOWN_REFUSALS]:
        warn(f"Refused landing/{path}: {reason}\n  {fix}")
    if len(rows) > _SHOWN_REFUSALS:
        warn(f"… and {len(rows) - _SHOWN_REFUSALS} more: `tieout sql quarantine`")
    return len(rows)
