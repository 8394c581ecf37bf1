"""Writes finance's file for other versions of DuckDB to read: `python -m tests.compatibility.write FILE`."""

import sys
import tempfile
from pathlib import Path

import duckdb

from tests.support.finance_warehouse import CATALOG, write_finance_warehouse
from tieout.warehouse.publish import publish


def main(path: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        warehouse = Path(folder) / "warehouse.duckdb"
        write_finance_warehouse(warehouse)
        with duckdb.connect(warehouse) as con:
            publish(con, path, CATALOG)


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
