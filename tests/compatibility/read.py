"""Reads finance's file with whatever DuckDB is installed, and knows nothing of Tieout: `python read.py FILE`."""

import sys

import duckdb

COMMENTS = """
select count(*), count(comment)
from duckdb_columns()
where not internal
"""


def main(path: str) -> None:
    con = duckdb.connect(path, read_only=True)
    tables = con.execute("select schema_name || '.' || table_name from duckdb_tables() order by all").fetchall()
    rows = sum(len(con.execute(f"from {table}").fetchall()) for (table,) in tables)
    [(billed, attributed)] = con.execute("select billed_usd, attributed_usd from about").fetchall()
    [(spend,)] = con.execute("select sum(amount_usd) from spend_daily").fetchall()
    [(by_name,)] = con.execute("select sum(amount_usd) from finance.spend_daily").fetchall()
    [(columns, described)] = con.execute(COMMENTS).fetchall()
    print(f"DuckDB {duckdb.__version__}: {len(tables)} tables, {rows} rows, {columns} columns, ${spend} attributed")
    if not (billed == attributed == spend == by_name > 0 and columns == described > 0):
        sys.exit(f"DuckDB {duckdb.__version__} reads {path} differently")


if __name__ == "__main__":
    main(sys.argv[1])
