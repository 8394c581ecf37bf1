"""`make data-docs`: Great Expectations' own site about a workspace, in `<home>/data-docs`.

Every table that is built is held against its suite once more, as it is now; nothing in the warehouse is changed.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from tieout.core.home import Home
from tieout.core.sql import relations
from tieout.validation.data_docs import write_data_docs
from tieout.validation.suites import ALL_DAYS, all_suites
from tieout.warehouse.connection import WarehouseError, read_warehouse
from tieout.warehouse.weeks import built_weeks


def write_site(home: Home) -> Path:
    """Write the site of a workspace, and return its first page.

    Raises:
        WarehouseError: there is no warehouse yet, or it is being written.
    """
    with read_warehouse(home.warehouse) as con:
        built = relations(con)
        suites = [suite for suite in all_suites().values() if suite.table in built]
        weeks = built_weeks(con)
        days = (weeks[0].start, weeks[-1].end) if weeks else ALL_DAYS
        return write_data_docs(con, suites, home.root / "data-docs", days=days)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the site of the workspace that `--home` or $TIEOUT_HOME names, and say where it is."""
    parser = argparse.ArgumentParser(prog="make data-docs", description=__doc__)
    parser.add_argument("--home", type=Path, default=Path(os.environ.get("TIEOUT_HOME", "data")))
    home = Home(parser.parse_args(arguments).home)
    try:
        page = write_site(home)
    except WarehouseError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{page}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
