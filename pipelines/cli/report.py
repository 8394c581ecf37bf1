"""`tieout report`: a week's report from the warehouse as it is."""

from pathlib import Path

from pipelines.cli.failures import CommandError
from pipelines.cli.messages import out, say
from pipelines.cli.run import require_known, week_of
from pipelines.core.catalog import load_catalog
from pipelines.core.home import Home
from pipelines.report.render import TEXT_NAME, write_report
from pipelines.report.weekly import build_report
from pipelines.warehouse.connection import read_warehouse
from pipelines.warehouse.measured import read_lock
from pipelines.warehouse.weeks import built_weeks


def show_report(home: Home, catalog_directory: Path, *, week: str | None) -> None:
    """Write the report of a built week, and print its text.

    Raises:
        CommandError: no such week, or none that is built.
    """
    wanted = None if week is None else week_of(week)
    catalog, lock = load_catalog(catalog_directory), read_lock(catalog_directory)
    with read_warehouse(home.warehouse) as con:
        built = built_weeks(con)
        if not built:
            raise CommandError(f"no week is built yet in {home.warehouse}", remedy="`tieout run` builds them.")
        chosen = wanted or built[-1]
        require_known(chosen, built)
        files = write_report(build_report(con, chosen, catalog, lock=lock), home.reports)
    text = next(path for path in files if path.name == TEXT_NAME)
    out.file.write(text.read_text(encoding="utf-8"))
    say(f"Written: {', '.join(str(path) for path in files)}")
