"""`tieout report`: a week's report from the warehouse as it is, or as it was at a moment."""

import datetime as dt
import os
from pathlib import Path

from tieout.cli.failures import CommandError, ExitCode
from tieout.cli.messages import out, say
from tieout.cli.run import require_built, week_of
from tieout.cli.steps import show_steps
from tieout.core.home import Home
from tieout.core.periods import day_start
from tieout.report.contents import WeeklyReport
from tieout.report.file_names import TEXT_NAME
from tieout.report.formats.html import render_text
from tieout.workspace import Workspace

_A_MICROSECOND = dt.timedelta(microseconds=1)


def show_report(home: Home, catalog_directory: Path, *, week: str | None) -> None:
    """Write the report of a built week, issue it when it can be, and print its text.

    Raises:
        CommandError: no such week, none that is built, or one that a gate blocks.
    """
    wanted = None if week is None else week_of(week)
    with Workspace(home, catalog_directory) as workspace:
        if not _is_writable(home):
            report = workspace.report(require_built(workspace, wanted))
            out.file.write(render_text(report))
            say(f"Nothing is written: {home.root} cannot be written.")
            _require_open(report)
            return
        report, _, files = workspace.issue(require_built(workspace, wanted))
    text = next(path for path in files if path.name == TEXT_NAME)
    out.file.write(text.read_text(encoding="utf-8"))
    page, *others = files
    say(f"Written: {page}, and {len(others)} files beside it")
    _require_open(report)


def show_report_as_of(home: Home, catalog_directory: Path, *, week: str | None, as_of: str) -> None:
    """Print a week's report as it stood, its input hash, and whether that is what was issued. Nothing is written.

    Raises:
        CommandError: no such week, none that is built, one that a gate blocks, or no moment.
    """
    from tieout.report.as_of import report_as_of

    moment, wanted = moment_of(as_of), None if week is None else week_of(week)
    with Workspace(home, catalog_directory) as workspace, show_steps() as steps:
        chosen = require_built(workspace, wanted)
        steps.stage(f"Building what had been fetched by {moment:%Y-%m-%d %H:%M} UTC")
        stood = report_as_of(home.warehouse, chosen, moment, workspace.catalog, lock=workspace.lock)
    out.file.write(render_text(stood.report))
    say(f"As of {moment:%Y-%m-%d %H:%M:%S} UTC, input hash {stood.report.inputs.sha256}")
    for remark in stood.remarks:
        say(remark)
    _require_open(stood.report)


def _is_writable(home: Home) -> bool:
    """Tell whether a report can be written and its week be issued: both folders, and the warehouse."""
    places = (home.root, home.warehouse, home.reports)
    return all(os.access(place, os.W_OK) for place in places if place.exists())


def _require_open(report: WeeklyReport) -> None:
    """End with exit code 1 where a gate blocks the week.

    Raises:
        CommandError: naming the gates.
    """
    if report.blocked_sentence is not None:
        raise CommandError(
            f"{report.week.label} is not to be used. {report.blocked_sentence}",
            remedy="`tieout sql gates` counts what is off.",
            code=ExitCode.DATA,
        )


def moment_of(text: str) -> dt.datetime:
    """Read a moment from the command line as naive UTC; a date means its end.

    Raises:
        CommandError: it is none.
    """
    try:
        if len(text) == len("2026-11-17"):
            return day_start(dt.date.fromisoformat(text) + dt.timedelta(days=1)) - _A_MICROSECOND
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(
            f"--as-of: {text!r} is neither a date like 2026-11-17 nor a time like 2026-11-17T09:30"
        ) from None
    return moment.replace(tzinfo=moment.tzinfo or dt.UTC).astimezone(dt.UTC).replace(tzinfo=None)
