"""Expectations on the raw tables: rows are checked once, when their files are loaded, and stay only if they pass.

A broken critical expectation undoes the load: nothing is built from it, and the raw tables are what they were. The next
run loads and checks these files again: repaired, gone, or as they are.
"""

import datetime as dt
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

import duckdb

from tieout.core.sql import transaction
from tieout.validation.quarantine import Evaluated, record_evaluations
from tieout.validation.results import ExpectationOutcome, Row, ValidationResult
from tieout.validation.runner import Validator
from tieout.validation.suites import Suite, all_suites

_TABLES_OF_FILES = """
select table_name from duckdb_columns()
where database_name = current_database() and schema_name = 'raw' and column_name = 'file_id'
"""

# A path may have held an earlier content, whose delivery stays; a copy of a content adds no delivery of its own.
_FORGET_PATHS = """
delete from raw.scanned_paths
where
    path in (select d.path from raw.deliveries as d where d.file_id > $last)
    or path not in (select d.path from raw.deliveries as d where d.file_id <= $last)
"""

# Ids and numbers are given once, so an old row can only be at odds with a new one. Where other rows than those that
# passed have old numbers, all are looked at.
_CONTAINERS = "raw.containers"
_NEW_CONTAINERS = """
create or replace temp table containers_to_check as
with

checked as (
    select coalesce(max(last_container_key), 0) as last_key, coalesce(max(containers), 0) as containers
    from meta.checked_containers
),

old as (
    select count(*) != (select c.containers from checked as c) as is_changed
    from raw.containers
    where container_key <= (select c.last_key from checked as c)
),

new_ids as (
    select container_id
    from raw.containers
    where container_key > (select c.last_key from checked as c)
)

select *
from raw.containers
where
    container_key > (select c.last_key from checked as c)
    or container_id in (select n.container_id from new_ids as n)
    or (select o.is_changed from old as o)
"""


def unchecked_files(con: duckdb.DuckDBPyConnection) -> int:
    """Count the loaded files whose rows have not passed the critical expectations of the raw tables."""
    row = con.execute("select count(*) from raw.files where file_id > $last", {"last": _last_file_id(con)}).fetchone()
    return int(row[0]) if row else 0


def check_raw(
    con: duckdb.DuckDBPyConnection, validator: Callable[[], Validator], *, run_id: str
) -> dict[str, ValidationResult]:
    """Run the suites of the raw tables on the rows that have not passed yet, and keep these rows only if they pass.

    No rule of a raw table looks for rows that are missing, so where no row is new, nothing is evaluated.

    Args:
        con: the open warehouse, with no transaction open.
        validator: gives the validator; asked only when there is a row to check.
        run_id: what quarantined rows are marked with.

    Returns:
        The results by table, without an outcome where no row is new; offending rows name their file by its path.
    """
    last_file_id, of_files = _last_file_id(con), _tables_of_files(con)
    results: dict[str, ValidationResult] = {}
    con.execute(_NEW_CONTAINERS)
    for suite in all_suites().values():
        if suite.table.startswith("raw."):
            new = f" where file_id > {last_file_id}" if suite.table in of_files else ""
            rows = f"select * from {suite.table}{new}"  # noqa: S608 - a suite's table
            rows = "select * from temp.containers_to_check" if suite.table == _CONTAINERS else rows
            results[suite.table] = _with_paths(con, _checked(con, validator, suite, rows))
    con.execute("drop table temp.containers_to_check")
    now, of_new_rows = dt.datetime.now(dt.UTC), of_files | {_CONTAINERS}
    record_evaluations(
        con,
        [(result, Evaluated(run_id, now, is_of_new_rows=table in of_new_rows)) for table, result in results.items()],
    )
    if all(result.success for result in results.values()):
        _mark_checked(con)
    else:
        _undo_load(con, last_file_id, of_files)
    return results


def _checked(
    con: duckdb.DuckDBPyConnection, validator: Callable[[], Validator], suite: Suite, rows: str
) -> ValidationResult:
    if con.execute(f"{rows} limit 1").fetchone() is None:
        return ValidationResult(suite=suite, checked_rows=0, outcomes=())
    return validator().validate(suite, rows=rows)


def _last_file_id(con: duckdb.DuckDBPyConnection) -> int:
    row = con.execute("select coalesce(max(last_file_id), 0) from meta.checked_files").fetchone()
    return int(row[0]) if row else 0


def _tables_of_files(con: duckdb.DuckDBPyConnection) -> frozenset[str]:
    """The raw tables whose rows belong to a file."""
    return frozenset(f"raw.{table}" for (table,) in con.execute(_TABLES_OF_FILES).fetchall())


def _with_paths(con: duckdb.DuckDBPyConnection, result: ValidationResult) -> ValidationResult:
    """Name files by their paths: their numbers mean nothing to a person, and are given anew when a load is undone."""
    numbers = {row["file_id"] for outcome in result.failures for row in outcome.offending_rows if "file_id" in row}
    if not numbers:
        return result
    paths: dict[str | None, str] = dict(
        con.execute(
            "select file_id::varchar, path from raw.files where file_id::varchar in (select unnest($1))",
            [sorted(number for number in numbers if number is not None)],
        ).fetchall()
    )
    return replace(result, outcomes=tuple(_with_path(outcome, paths) for outcome in result.outcomes))


def _with_path(outcome: ExpectationOutcome, paths: Mapping[str | None, str]) -> ExpectationOutcome:
    return replace(outcome, offending_rows=tuple(_named(row, paths) for row in outcome.offending_rows))


def _named(row: Row, paths: Mapping[str | None, str]) -> Row:
    if "path" in row or row.get("file_id") not in paths:
        return row
    return {"path": paths[row["file_id"]], **{name: value for name, value in row.items() if name != "file_id"}}


def _mark_checked(con: duckdb.DuckDBPyConnection) -> None:
    with transaction(con):
        con.execute("delete from meta.checked_files")
        con.execute("insert into meta.checked_files select coalesce(max(file_id), 0) from raw.files")
        con.execute("delete from meta.checked_containers")
        con.execute(
            "insert into meta.checked_containers select coalesce(max(container_key), 0), count(*) from raw.containers"
        )


def _undo_load(con: duckdb.DuckDBPyConnection, last_file_id: int, tables: Collection[str]) -> None:
    """Take out the files that came in after one, and look at their paths again in the next run."""
    with transaction(con):
        con.execute(_FORGET_PATHS, {"last": last_file_id})
        for table in tables:
            con.execute(f"delete from {table} where file_id > {last_file_id}")  # noqa: S608 - our own names
