"""Expectations on the raw tables: rows are checked once, after their files are loaded.

Raw rows are kept as landed whatever they are, so a broken critical expectation cannot undo them; it stops what would be
built from them, in this run and in every later one, because only rows that passed are not checked again.
"""

import datetime as dt

import duckdb

from pipelines.warehouse.evaluations import Evaluated, record_evaluation
from pipelines.warehouse.suites import all_suites
from pipelines.warehouse.validation import ValidationResult, Validator

_DDL = """
create table if not exists meta.checked_files (last_file_id integer not null);
comment on table meta.checked_files is 'The last file whose rows passed every critical expectation of the raw tables';
"""


def unchecked_files(con: duckdb.DuckDBPyConnection) -> int:
    """Count the loaded files whose rows have not passed the critical expectations of the raw tables."""
    con.execute(_DDL)
    row = con.execute("select count(*) from raw.files where file_id > $last", {"last": _last_file_id(con)}).fetchone()
    return int(row[0]) if row else 0


def check_raw(con: duckdb.DuckDBPyConnection, validator: Validator, *, run_id: str) -> dict[str, ValidationResult]:
    """Run the suites of all raw tables on the rows that have not passed yet, and return the results by table."""
    con.execute(_DDL)
    last_file_id = _last_file_id(con)
    results: dict[str, ValidationResult] = {}
    for suite in all_suites().values():
        if suite.table.startswith("raw."):
            results[suite.table] = validator.validate(suite, rows=_unchecked(con, suite.table, last_file_id))
    for result in results.values():
        record_evaluation(con, result, Evaluated(run_id, dt.datetime.now(dt.UTC)))
    if all(result.success for result in results.values()):
        con.execute("begin")
        con.execute("delete from meta.checked_files")
        con.execute("insert into meta.checked_files select coalesce(max(file_id), 0) from raw.files")
        con.execute("commit")
    return results


def _last_file_id(con: duckdb.DuckDBPyConnection) -> int:
    row = con.execute("select coalesce(max(last_file_id), 0) from meta.checked_files").fetchone()
    return int(row[0]) if row else 0


def _unchecked(con: duckdb.DuckDBPyConnection, table: str, last_file_id: int) -> str:
    counted = con.execute(
        "select count(*) from duckdb_columns() where schema_name || '.' || table_name = ? and column_name = 'file_id'",
        [table],
    ).fetchone()
    rows = f"select * from {table}"  # noqa: S608 - the name of a suite's file
    return f"{rows} where file_id > {last_file_id}" if counted and counted[0] else rows
