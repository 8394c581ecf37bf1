"""The commands below `tieout export`; each imports what it does when it is called."""

from pathlib import Path
from typing import Annotated

import typer

from tieout.cli.options import CatalogOption, HomeOption, WeekOption, catalog_of, home_of

export_app = typer.Typer(
    help="Write what Tieout knows as a file for other programs.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@export_app.command("xlsx")
def export_xlsx(
    context: typer.Context,
    week: WeekOption = None,
    file: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Where to; else tieout-WEEK.xlsx here.", show_default=False),
    ] = None,
    home: HomeOption = None,
    catalog: CatalogOption = None,
) -> None:
    """Write a week's workbook from the warehouse as it is; without --week the newest one.

    Example: tieout export xlsx --week 2026-W46 --out november.xlsx
    """
    from tieout.cli.export import export_workbook

    export_workbook(home_of(context, home), catalog_of(context, catalog, home), week=week, path=file)


@export_app.command("focus")
def export_focus(
    context: typer.Context,
    version: Annotated[str, typer.Option(metavar="1.2|1.4", help="1.4 splits every charge over functions.")] = "1.2",
    out: Annotated[Path, typer.Option(metavar="DIR", help="Gets a CSV and a Parquet file per month.")] = Path("focus"),
    home: HomeOption = None,
) -> None:
    """Write the bill as FOCUS Cost and Usage, for any FinOps tool; each month adds up to the bill.

    Example: tieout export focus --version 1.4 --out ./focus
    """
    from tieout.cli.export import export_focus_files

    export_focus_files(home_of(context, home), version=version, directory=out.absolute())
