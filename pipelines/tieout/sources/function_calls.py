"""`modal function calls APP/FUNC … --json`: one row per input, by far the largest export.

The fast path hands whole files to DuckDB's JSON reader, checks the rows in SQL, and proves from a few counts over the
bytes (`call_text`) that every field is there in every row, with its type. Where something is wrong or not proven, the
careful path (`call_records`) reads the same file record by record, and names the row, the field and the value.

Kept as Modal wrote it: unknown statuses, nulls of calls that have not run, several rows of one call. Times are cut to
microseconds. Durations are JSON numbers; they become whole microseconds by rounding the double half to even.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from tieout.sources import containers
from tieout.sources.call_records import LONGEST_SECONDS
from tieout.sources.call_text import NULLABLE
from tieout.sources.fields import LONGEST_TEXT
from tieout.sources.tables import FILE_ID, ROW_NUMBER, Column, Table

TABLE = Table(
    "function_calls",
    "One row per input of a function as a pull saw it; app and function are in raw.files.",
    (
        FILE_ID,
        ROW_NUMBER,
        Column(
            "function_call_id",
            "VARCHAR",
            "Modal's id; the same one may run on several containers",
            compression="uncompressed",
        ),
        Column("service_method_name", "VARCHAR", "Method of a class, if any"),
        Column("enqueued_at", "TIMESTAMP", "When the input was enqueued"),
        Column("started_at", "TIMESTAMP", "When it started; null when it has not"),
        Column("container_key", "INTEGER", "Container that ran it (raw.containers); null when none did"),
        Column(
            "startup_us", "BIGINT", "Cold start in microseconds, on a container's first input only", compression="rle"
        ),
        Column("execution_us", "BIGINT", "Execution time in microseconds; null when not finished"),
        Column("status", "VARCHAR", "Status as Modal writes it"),
    ),
)

COLUMNS = {
    "function_call_id": "VARCHAR",
    "service_method_name": "VARCHAR",
    "enqueued_at": "VARCHAR",
    "started_at": "VARCHAR",
    "container_id": "VARCHAR",
    "startup_time_seconds": "DOUBLE",
    "execution_time_seconds": "DOUBLE",
    "status": "VARCHAR",
}
# The checks are the quickest that settle it: they run for every call. Times of the CLI have no decimals, three, six or
# nine. Three and six are what most have: a text of that length has just room for all the digits of its format, so what
# is read by the format is written like it, unless it has a space at an end, which is passed over.
_BY_FORMAT = (
    "case strlen({0})"
    " when 24 then try_strptime({0}, '%Y-%m-%dT%H:%M:%S.%gZ')"
    " when 27 then try_strptime({0}, '%Y-%m-%dT%H:%M:%S.%fZ') end"
)
_TIME = "coalesce({0}_by_format, make_timestamp(epoch_us(cast({0}_text as timestamptz))))"
# Of the others, one that says T24 is read as a midnight.
_LOOKS_LIKE_A_TIME = (
    "case when {0}_by_format is not null and {0}_text like '20%Z' then true"
    " else strlen({0}_text) in (20, 24, 27, 30) and {0}_text like '20__-__-__T__:__:__%Z'"
    " and not contains({0}_text, ' ')"
    " and case when epoch_us({0}) % 86400000000 = 0 then not contains({0}_text, 'T24') else true end end"
)
_LOOKS_LIKE_A_WORD = "({0} between 'A' and 'Z~' or {0} between '_' and 'z~') and {0} not in ('true', 'false')"
# A value that is no text is read as what is printed: 5, true, {"a": 1}. None of these passes for an id of Modal's.
_LOOKS_USUAL = " and ".join(
    [
        "function_call_id >= 'fc-' and function_call_id < 'fc.'",
        "(container_id is null or container_id >= 'ta-' and container_id < 'ta.')",
        f"({_LOOKS_LIKE_A_WORD.format('status')})",
        f"(service_method_name is null or {_LOOKS_LIKE_A_WORD.format('service_method_name')})",
        f"({_LOOKS_LIKE_A_TIME.format('enqueued_at')})",
        f"(started_at_text is null or {_LOOKS_LIKE_A_TIME.format('started_at')})",
    ]
)


@dataclass(frozen=True)
class StagedFile:
    """What the staged rows of one file amount to; times are naive UTC.

    Attributes:
        rows: how many there are.
        first_rowid: where they begin in the stage.
        content_start: when the first was enqueued.
        content_end: just after the last was.
        has_bad_row: a row fails a check.
        looks_usual: every value looks like one of the CLI.
        texts: how many values were read that are texts.
        names_with_nulls: fields that are null, or missing, in some row.
        may_hold_booleans: a duration is exactly 0 or 1, which true and false are read as.
    """

    rows: int
    first_rowid: int
    content_start: dt.datetime | None
    content_end: dt.datetime | None
    has_bad_row: bool
    looks_usual: bool
    texts: int
    names_with_nulls: tuple[str, ...]
    may_hold_booleans: bool


def stage(con: duckdb.DuckDBPyConnection, paths: Sequence[Path]) -> None:
    """Read the files into the temporary table `calls_stage`, in order, with `file_no` counting from 0.

    Args:
        con: a connection whose TimeZone is UTC.
        paths: of the files, or of links to them: DuckDB reads names as patterns, and their ends as what is inside.

    Raises:
        duckdb.Error: one of the files is not what it should be.
        UnicodeDecodeError: the same, where DuckDB's message quotes the file and cuts a character in two.
    """
    columns = ", ".join(f"{name}: '{kind}'" for name, kind in COLUMNS.items())
    # Only the constants above are put into the text; the file names are parameters.
    con.execute(
        f"""
        create or replace temp table calls_stage as
        with texts as (
            select
                file_index::integer as file_no,
                * rename (enqueued_at as enqueued_at_text, started_at as started_at_text),
                {_BY_FORMAT.format("enqueued_at")} as enqueued_at_by_format,
                {_BY_FORMAT.format("started_at")} as started_at_by_format
            from read_json($1, columns = {{{columns}}}, format = 'array', hive_partitioning = false)
        ),
        read as (
            select
                *,
                {_TIME.format("enqueued_at")} as enqueued_at,
                {_TIME.format("started_at")} as started_at
            from texts
        )
        select
            file_no,
            {", ".join(COLUMNS)},
            {_LOOKS_USUAL} as looks_usual
        from read
        """,  # noqa: S608
        [[str(path) for path in paths]],
    )


def staged_files(con: duckdb.DuckDBPyConnection) -> dict[int, StagedFile]:
    """Check the stage and sum it up by `file_no`. Files without rows do not appear."""
    nulls = ", ".join(f"count({name})" for name in NULLABLE)
    rows = con.execute(
        f"""
        select
            file_no,
            count(*),
            min(rowid),
            min(enqueued_at),
            max(enqueued_at) + interval 1 microsecond,
            bool_or(
                enqueued_at is null or function_call_id is null or status is null
                or enqueued_at not between '2000-01-01' and '2199-12-31 23:59:59.999999'
                or started_at not between '2000-01-01' and '2199-12-31 23:59:59.999999'
                or startup_time_seconds not between 0 and $seconds
                or execution_time_seconds not between 0 and $seconds
                or strlen(function_call_id) > $characters
                or strlen(service_method_name) > $characters
                or strlen(container_id) > $characters
                or strlen(status) > $characters
            ),
            bool_and(looks_usual),
            count(function_call_id) + count(enqueued_at) + count(status),
            bool_or(startup_time_seconds in (0, 1) or execution_time_seconds in (0, 1)),
            {nulls}
        from calls_stage
        group by file_no
        """,  # noqa: S608 - names of the constant above
        {"seconds": LONGEST_SECONDS, "characters": LONGEST_TEXT},
    ).fetchall()
    return {number: _staged_file(*values) for number, *values in rows}


def _staged_file(
    rows: int,
    first_rowid: int,
    content_start: dt.datetime | None,
    content_end: dt.datetime | None,
    has_bad_row: bool | None,
    looks_usual: bool | None,
    texts: int,
    may_hold_booleans: bool | None,
    *given: int,
) -> StagedFile:
    counts = dict(zip(NULLABLE, given, strict=True))
    return StagedFile(
        rows=rows,
        first_rowid=first_rowid,
        content_start=content_start,
        content_end=content_end,
        has_bad_row=bool(has_bad_row),
        looks_usual=bool(looks_usual),
        texts=texts + sum(counts[name] for name in NULLABLE if COLUMNS[name] == "VARCHAR"),
        names_with_nulls=tuple(name for name, count in counts.items() if count < rows),
        may_hold_booleans=bool(may_hold_booleans),
    )


def insert(con: duckdb.DuckDBPyConnection, file_ids: dict[int, tuple[int, int]]) -> None:
    """Move staged rows into raw.containers and raw.function_calls.

    Args:
        con: a connection with a transaction open.
        file_ids: by `file_no`, the file's number in raw.files and the rowid where its rows begin in the stage;
            files that are not in it are left out.
    """
    numbers = sorted(file_ids)
    con.execute("create or replace temp table calls_files (file_no integer, file_id integer, first_rowid bigint)")
    con.execute(
        "insert into calls_files select unnest($1), unnest($2), unnest($3)",
        [numbers, [file_ids[number][0] for number in numbers], [file_ids[number][1] for number in numbers]],
    )
    # Numbers only: a semi join takes a third longer.
    containers.number(con, f"select container_id from calls_stage where file_no in ({str(numbers)[1:-1]})")  # noqa: S608
    # Rows carry their number, so DuckDB need not keep their order, and may then write on all cores.
    keeps_order = con.execute("select current_setting('preserve_insertion_order')").fetchall()[0][0]
    con.execute("set preserve_insertion_order = false")
    try:
        _insert_calls(con)
    finally:
        con.execute("set preserve_insertion_order = $1", [keeps_order])


def _insert_calls(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        """
        insert into raw.function_calls
        select
            calls_files.file_id,
            calls_stage.rowid - calls_files.first_rowid + 1,
            calls_stage.function_call_id,
            calls_stage.service_method_name,
            calls_stage.enqueued_at,
            calls_stage.started_at,
            containers.container_key,
            cast(calls_stage.startup_time_seconds * 1e6 as bigint),
            cast(calls_stage.execution_time_seconds * 1e6 as bigint),
            calls_stage.status
        from calls_stage
        join calls_files using (file_no)
        left join numbered_containers as containers using (container_id)
        """
    )


def drop_stage(con: duckdb.DuckDBPyConnection) -> None:
    """Give back the memory of the stage."""
    con.execute("drop table if exists calls_stage")
    con.execute("drop table if exists calls_files")
    con.execute("drop table if exists numbered_containers")
