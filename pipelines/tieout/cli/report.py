"""`tieout report`: a week's report from the warehouse as it is, or as it was at a moment."""

import datetime as dt
from pathlib import Path

from tieout.catalog.load import load_catalog
from tieout.cli.failures import CommandError
from tieout.cli.messages import out, say
from tieout.cli.run import require_known, week_of
from tieout.cli.steps import show_steps
from tieout.core.home import Home
from tieout.core.periods import IsoWeek, day_start
from tieout.measure.daily_work import read_lock
from tieout.report.formats.charts import draw_charts
from tieout.report.formats.html import TEXT_NAME, render_text
from tieout.report.issue import issue_report
from tieout.report.weekly import build_report
from tieout.warehouse.closings import restore_closings
from tieout.warehouse.connection import open_warehouse, read_warehouse
from tieout.warehouse.weeks import built_weeks

_A_MICROSECOND = dt.timedelta(microseconds=1)


def show_report(home: Home, catalog_directory: Path, *, week: str | None) -> None:
    """Write the report of a built week, issue it when it can be, and print its text.

    Raises:
        CommandError: no such week, or none that is built.
    """
    chosen = _built_week(home, week)
    catalog, lock = load_catalog(catalog_directory), read_lock(catalog_directory)
    with open_warehouse(home.warehouse) as con:
        restore_closings(con, home.reports)
        report = build_report(con, chosen, catalog, lock=lock)
        _, files = issue_report(con, report, draw_charts(report), home.reports, now=dt.datetime.now(dt.UTC))
    text = next(path for path in files if path.name == TEXT_NAME)
    out.file.write(text.read_text(encoding="utf-8"))
    say(f"Written: {', '.join(str(path) for path in files)}")


def show_report_as_of(home: Home, catalog_directory: Path, *, week: str | None, as_of: str) -> None:
    """Print a week's report as it stood, its input hash, and whether that is what was issued. Nothing is written.

    Raises:
        CommandError: no such week, none that is built, or no moment.
    """
    from tieout.report.as_of import report_as_of

    moment, chosen = moment_of(as_of), _built_week(home, week)
    catalog, lock = load_catalog(catalog_directory), read_lock(catalog_directory)
    with show_steps() as steps:
        steps.stage(f"Building what had been fetched by {moment:%Y-%m-%d %H:%M} UTC")
        stood = report_as_of(home.warehouse, chosen, moment, catalog, lock=lock)
    out.file.write(render_text(stood.report))
    say(f"As of {moment:%Y-%m-%d %H:%M:%S} UTC, input hash {stood.report.inputs.sha256}")
    for remark in stood.remarks:
        say(remark)


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


def _built_week(home: Home, week: str | None) -> IsoWeek:
    wanted = None if week is None else week_of(week)
    with read_warehouse(home.warehouse) as con:
        built = built_weeks(con)
    if not built:
        raise CommandError(f"no week is built yet in {home.warehouse}", remedy="`tieout run` builds them.")
    require_known(wanted or built[-1], built)
    return wanted or built[-1]
