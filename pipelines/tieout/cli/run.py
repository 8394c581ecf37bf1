"""`tieout run`: load what is new, build the weeks that it changes, and report them."""

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from tieout.cli.failures import NOTHING_LANDED, CommandError, ExitCode
from tieout.cli.messages import say, warn
from tieout.cli.steps import Steps, show_steps
from tieout.cli.stopping import stoppable
from tieout.core.home import Home
from tieout.core.periods import IsoWeek
from tieout.defs.runs import Runs, opened_for_runs
from tieout.report.file_names import PAGE_NAME
from tieout.sources.landing import scan
from tieout.warehouse.models import all_models, reported_models
from tieout.warehouse.weeks import consecutive
from tieout.workspace import Work, Workspace

if TYPE_CHECKING:
    from tieout.defs.execution import RunOutcome
    from tieout.defs.runs import Definitions

_SHOWN_REFUSALS = 10
_PUBLISHING = "Publishing finance's file"


@dataclass(frozen=True)
class Made:
    """What a run built and reported, and what the report of the newest week says first."""

    work: Work
    headline: str


def run_workspace(home: Home, catalog_directory: Path, *, week: str | None = None, all_weeks: bool = False) -> None:
    """Bring the warehouse and the reports up to date, and say what came of it.

    Raises:
        CommandError: nothing is landed, an unknown week, or data that fails a gate.
    """
    started = time.monotonic()
    wanted = None if week is None else week_of(week)
    _require_landed_files(home)
    workspace = Workspace(home, catalog_directory)
    say(_programme(workspace))
    with (
        stoppable("Stopped; the warehouse is as it was before. `tieout run` again."),
        show_steps() as steps,
        workspace,
        opened_for_runs(workspace, _definitions_of) as runs,
    ):
        workspace.watch = steps.step
        made = _bring_up_to_date(workspace, wanted, runs, steps, all_weeks=all_weeks)
    _conclude(workspace, made, seconds=time.monotonic() - started)


def _programme(workspace: Workspace) -> str:
    """Say which catalog is taken, or that there is none."""
    directory = workspace.catalog_directory
    if not directory.is_dir():
        return "Programme: none (spend only). `tieout init` writes a first catalog."
    return f"Programme: {workspace.catalog.rollout.programme}, {directory}"


def _definitions_of(home: Home, catalog_directory: Path) -> "Definitions":
    from tieout.definitions import definitions_of

    return definitions_of(home, catalog_directory)


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


def require_built(workspace: Workspace, wanted: IsoWeek | None) -> IsoWeek:
    """Return the week that was asked for, else the newest one that is built.

    Raises:
        CommandError: it is not built, or no week is.
    """
    built = workspace.built_weeks()
    if not built:
        raise CommandError(f"no week is built yet in {workspace.home.warehouse}", remedy="`tieout run` builds them.")
    require_known(wanted or built[-1], built)
    return wanted or built[-1]


def _require_landed_files(home: Home) -> None:
    if home.landing.is_dir() and next(scan(home.landing), None) is not None:
        return
    raise CommandError(
        f"there are no files in {home.landing}",
        remedy=f"{NOTHING_LANDED} --home DIR or $TIEOUT_HOME say where the workspace is.",
    )


def _bring_up_to_date(
    workspace: Workspace, wanted: IsoWeek | None, runs: Runs, steps: Steps, *, all_weeks: bool
) -> Made:
    """Load, build, report and publish what is out of date; say what was made."""
    if not workspace.is_loaded():
        steps.stage("Loading landed files")
        _check(runs.load())
    if wanted is not None:
        require_known(wanted, workspace.known_weeks())
    work = workspace.work(wanted, all_weeks=all_weeks)
    headlines: dict[IsoWeek, str] = {}
    for first, last in consecutive(work.build):
        steps.stage(f"Building {first.label} to {last.label}", len(all_models()) + _count_weeks(first, last))
        headlines |= _check(runs.weeks(first, last))
    # Reports of other weeks show something of those that were built: the baseline, the month.
    others = workspace.stale_reports() if work.only is None else ()
    for first, last in consecutive(others):
        steps.stage(f"Reporting {first.label} to {last.label}", len(reported_models()) + _count_weeks(first, last))
        headlines |= _check(runs.reports(first, last))
    if headlines or not workspace.is_published():
        steps.stage(_PUBLISHING)
        _check(runs.publishing())
    reported = tuple(sorted({*work.build, *others}))
    return Made(replace(work, report=reported), headlines[reported[-1]] if reported else "")


def _count_weeks(first: IsoWeek, last: IsoWeek) -> int:
    return 1 + (last.start - first.start).days // 7


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


def _conclude(workspace: Workspace, made: Made, *, seconds: float) -> None:
    work = made.work
    with workspace.reading() as con:
        if not work.known:
            say("The landed files speak of no week yet; bills and call logs are missing.")
        elif not work.report:
            say(f"Nothing has changed: {work.known[0].label} to {work.known[-1].label} are built and reported.")
        else:
            say(f"Built {_span(work.build)}, reported {_span(work.report)}, in {seconds:.0f} s.")
            _say_headline(workspace, made)
        refused = _say_refused(con)
    if refused:
        raise CommandError(
            f"{refused} landed files were refused and are in no figure",
            remedy="Repair them as said above, then run again.",
            code=ExitCode.DATA,
        )


def _say_headline(workspace: Workspace, made: Made) -> None:
    week = made.work.report[-1]
    say("")
    say(f"{workspace.catalog.rollout.programme}, week {week.label}", style="bold")
    say(made.headline)
    say("")
    say(f"Report: {workspace.home.reports / week.label / PAGE_NAME}")


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
