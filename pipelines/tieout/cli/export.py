"""`tieout export`: what Tieout knows as files for other programs."""

from pathlib import Path

from tieout.cli.failures import CommandError
from tieout.cli.messages import say
from tieout.cli.run import require_built, week_of
from tieout.core.home import Home
from tieout.core.money import format_usd
from tieout.report.formats.workbook import workbook_name, write_workbook
from tieout.warehouse.focus import FOCUS_MODELS
from tieout.workspace import Workspace, open_workspace


def export_workbook(home: Home, catalog_directory: Path, *, week: str | None, path: Path | None) -> None:
    """Write the workbook of a built week, the newest one by default, and say where it is.

    Raises:
        CommandError: no such week, or none that is built.
        WarehouseError: there is no warehouse yet, or it is being written.
    """
    wanted = None if week is None else week_of(week)
    with Workspace(home, catalog_directory) as workspace:
        report = workspace.report(require_built(workspace, wanted))
    written = write_workbook(report, path or Path(workbook_name(report)))
    say(f"Written: {written}")


def export_focus_files(home: Home, *, version: str, directory: Path) -> None:
    """Write the bill in a version of FOCUS, every month as CSV and Parquet, and say what each comes to.

    Raises:
        CommandError: no such version.
        WarehouseError: nothing is published yet, or the charges of a month do not come to its bill.
    """
    if version not in FOCUS_MODELS:
        raise CommandError(
            f"FOCUS {version} is not one of the versions that can be written",
            remedy=f"Use --version {' or '.join(FOCUS_MODELS)}.",
        )
    with open_workspace(home.root) as workspace:
        files = workspace.export_focus(version, directory)
    if not files:
        say("Nothing is billed yet, so no file is written.")
    for file in files:
        billed = "what Modal charges" if file.is_closed else "as metered so far"
        say(f"{file.path}: {file.rows:,} charges, {format_usd(file.billed_usd)} {billed}")
