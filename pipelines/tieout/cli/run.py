"""`tieout run`: load what is new, build the weeks that it changes, and report them."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from tieout.cli.failures import CommandError, ExitCode
from tieout.cli.messages import say, warn
from tieout.cli.nothing_landed import what_to_do
from tieout.cli.steps import show_steps
from tieout.cli.stopping import stoppable
from tieout.core.home import Home
from tieout.core.periods import IsoWeek
from tieout.report.file_names import PAGE_NAME
from tieout.report.wording import count, listing
from tieout.sources.landing import holds_files
from tieout.workspace import GateError, UnknownWeekError, Update, Workspace

if TYPE_CHECKING:
    from tieout.report.contents import WeeklyReport

_LOST_REMEDY = "Restore it from a backup; figures and mails that were sent are not affected."
_SHOWN_REFUSALS = 10
_BROKEN_REMEDY = "What was built before stays as it was. `tieout sql quarantine` shows the rows, `tieout ui` the run."


def run_workspace(home: Home, catalog_directory: Path, *, week: str | None = None, all_weeks: bool = False) -> None:
    """Bring the warehouse and the reports up to date, and say what came of it.

    Raises:
        CommandError: nothing is landed, an unknown week, or data that fails a gate, also of a week that was built.
    """
    started = time.monotonic()
    wanted = None if week is None else week_of(week)
    _require_landed_files(home)
    workspace = Workspace(home, catalog_directory)
    say(_programme(workspace))
    try:
        with (
            stoppable("Stopped; the warehouse is as it was before. `tieout run` again."),
            show_steps() as steps,
            workspace,
        ):
            workspace.watch, workspace.stages = steps.step, steps.stage
            update = _bring_up_to_date(workspace, wanted, all_weeks=all_weeks)
    except GateError as error:
        raise _broken(workspace, error) from None
    _conclude(workspace, update, seconds=time.monotonic() - started)


def _programme(workspace: Workspace) -> str:
    """Say which catalog is taken, or that there is none."""
    directory = workspace.catalog_directory
    if not directory.is_dir():
        return "Programme: none (spend only). `tieout init` writes a first catalog."
    return f"Programme: {workspace.catalog.rollout.programme}, {directory}"


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
        raise CommandError(UnknownWeekError(week, known).problem)


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
    if holds_files(home.landing):
        return
    raise CommandError(
        f"there are no files in {home.landing}",
        remedy=f"{what_to_do(home)} --home DIR or $TIEOUT_HOME say where the workspace is.",
    )


def _bring_up_to_date(workspace: Workspace, wanted: IsoWeek | None, *, all_weeks: bool) -> Update:
    """Do what there is to do, in a run of Dagster; without anything to do, neither is imported nor recorded anything.

    Raises:
        CommandError: an unknown week, or a run that fails.
        GateError: the data break a critical rule.
    """
    if workspace.is_loaded():
        work = workspace.work(wanted, all_weeks=all_weeks)
        if wanted is not None:
            require_known(wanted, work.known)
        if not work.report and workspace.is_published():
            return Update(work, None)
    from tieout.defs.runs import RunError, run_update

    try:
        return run_update(workspace, wanted, all_weeks=all_weeks)
    except RunError as error:
        raise CommandError(
            error.problem, remedy="The warehouse is as it was before. `tieout ui` shows the run."
        ) from None


def _broken(workspace: Workspace, error: GateError) -> CommandError:
    """Name the files that were refused in the same load, and return what is said of the rules that are broken."""
    with workspace.reading() as con:
        _say_refused(con)
    rules = "\n".join(f"  {rule.table}: {rule.summary}" for rule in error.broken)
    return CommandError(
        f"the data fails a gate; nothing was built from it:\n{rules}", remedy=_BROKEN_REMEDY, code=ExitCode.DATA
    )


def _conclude(workspace: Workspace, update: Update, *, seconds: float) -> None:
    work = update.work
    with workspace.reading() as con:
        if not work.known:
            say("The landed files speak of no week yet; bills and call logs are missing.")
        elif update.newest is None:
            say(f"Nothing has changed: {work.known[0].label} to {work.known[-1].label} are built and reported.")
        else:
            say(f"Built {_span(work.build)}, reported {_span(work.report)}, in {seconds:.0f} s.")
            _say_headline(workspace, update.newest)
        refused = _say_refused(con)
        _say_mended(workspace)
        blocked = _blocked(con, work.report or workspace.built_weeks()[-1:])
    if refused and blocked:
        warn(blocked.located)
    if refused:
        raise CommandError(
            f"{count(refused, 'landed file')} {'is' if refused == 1 else 'are'} refused and in no figure",
            remedy="Repair what is said above, then run again.",
            code=ExitCode.DATA,
        )
    if blocked:
        raise blocked


def _blocked(con: duckdb.DuckDBPyConnection, weeks: Sequence[IsoWeek]) -> CommandError | None:
    """Say which of some weeks are blocked, and what to do; None where all of them may be used."""
    from tieout.report.blocked import blocking_gates, remedy_of

    found = [(week, gate) for week in weeks for gate in blocking_gates(con, week)]
    if not found:
        return None
    alike: dict[tuple[str, str], list[str]] = {}
    for week, gate in found:
        alike.setdefault((gate.code, gate.sentence), []).append(week.label)
    shown = [f"  {listing(labels)}, {code}: {sentence}" for (code, sentence), labels in alike.items()]
    to_do = {gate.code: remedy_of(gate) for _, gate in found}
    return CommandError(
        f"{count(len({week for week, _ in found}), 'week')} must not be used:\n" + "\n".join(shown),
        remedy="\n".join(f"{code}: {each.advice}. `tieout sql {each.query}` shows it." for code, each in to_do.items()),
        code=ExitCode.DATA,
    )


def _say_headline(workspace: Workspace, report: "WeeklyReport") -> None:
    from tieout.report.formats.html import headline_lines

    week = report.week
    say("")
    say(f"{workspace.catalog.rollout.programme}, week {week.label}", style="bold")
    say("\n".join(headline_lines(report)))
    say("")
    say(f"Report: {workspace.home.reports / week.label / PAGE_NAME}")


def _say_mended(workspace: Workspace) -> None:
    """Say which files of issued weeks were written again, and which are lost."""
    mended = workspace.mend_issues()
    if mended.rewritten:
        say(f"Written again, as they were issued: {_named(mended.rewritten)}")
    for lost in mended.lost[:_SHOWN_REFUSALS]:
        warn(f"{lost.path} {lost.problem}, and nothing here has its content.\n  {_LOST_REMEDY}")
    if len(mended.lost) > _SHOWN_REFUSALS:
        warn(f"… and {len(mended.lost) - _SHOWN_REFUSALS} more: `tieout doctor`")


def _named(paths: Sequence[Path]) -> str:
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return f"{paths[0]}{more}"


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
