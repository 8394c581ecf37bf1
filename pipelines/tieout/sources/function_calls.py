"""`modal function calls APP/FUNC … --json`: one row per input, by far the largest export.

The fast path hands whole files to DuckDB's JSON reader and checks the rows in SQL. Only when something is wrong does
the careful path read the same file record by record, in bounded memory, to name the row, the field and the value.

Kept as Modal wrote it: unknown statuses, nulls of calls that have not run, several rows of one call. Times are cut to
microseconds. Durations are JSON numbers; they become whole microseconds by rounding the double half to even.
"""

import datetime as dt
import gzip
import json
import math
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NoReturn

import duckdb

from tieout.core.ids import ALPHABET
from tieout.sources.contents import broken_gzip, empty_file, is_gzipped
from tieout.sources.fields import LONGEST_TEXT, Record, as_record, bad_json, not_a_list, refuse_constant
from tieout.sources.landing import RejectionError
from tieout.sources.tables import FILE_ID, ROW_NUMBER, Column, Table

CONTAINERS = Table(
    "containers",
    "Dictionary of container ids, so that calls carry a small number instead of a long text.",
    (
        Column("container_key", "INTEGER", "Number of the container in this warehouse, from 1"),
        Column("container_id", "VARCHAR", "Modal's id"),
        Column("created_at", "TIMESTAMP", "Creation time inside the id; null for ids that carry none"),
    ),
)
TABLE = Table(
    "function_calls",
    "One row per input of a function as a pull saw it; app and function are in raw.files.",
    (
        FILE_ID,
        ROW_NUMBER,
        Column("function_call_id", "VARCHAR", "Modal's id; the same one may run on several containers"),
        Column("service_method_name", "VARCHAR", "Method of a class, if any"),
        Column("enqueued_at", "TIMESTAMP", "When the input was enqueued"),
        Column("started_at", "TIMESTAMP", "When it started; null when it has not"),
        Column("container_key", "INTEGER", "Container that ran it (raw.containers); null when none did"),
        Column("startup_us", "BIGINT", "Cold start in microseconds, on a container's first input only"),
        Column("execution_us", "BIGINT", "Execution time in microseconds; null when not finished"),
        Column("status", "VARCHAR", "Status as Modal writes it"),
    ),
)

COLUMNS = {
    "function_call_id": "VARCHAR",
    "service_method_name": "VARCHAR",
    "enqueued_at": "TIMESTAMPTZ",
    "started_at": "TIMESTAMPTZ",
    "container_id": "VARCHAR",
    "startup_time_seconds": "DOUBLE",
    "execution_time_seconds": "DOUBLE",
    "status": "VARCHAR",
}
LONGEST_SECONDS = 10**9
_CHUNK_CHARACTERS = 1 << 20
_TIME_CHARACTERS = 10
_LONGEST_ESCAPE = 12
_EXPORT_AGAIN = "Export it again: modal function calls APP/FUNC … --json > FILE.json"
_DECODER = json.JSONDecoder(parse_constant=refuse_constant)


@dataclass(frozen=True)
class StagedFile:
    """What the staged rows of one file amount to; times are naive UTC.

    `first_rowid` is where its rows begin in the stage; `has_bad_row` says that a row fails a check.
    """

    rows: int
    first_rowid: int
    content_start: dt.datetime | None
    content_end: dt.datetime | None
    has_bad_row: bool


def stage(con: duckdb.DuckDBPyConnection, links: Sequence[Path]) -> None:
    """Read the files into the temporary table `calls_stage`, in order, with `file_no` counting from 0.

    Args:
        con: a connection whose TimeZone is UTC.
        links: links named `<file_no>.json` or `<file_no>.json.gz`, because DuckDB reads names as patterns.

    Raises:
        duckdb.Error: one of the files is not what it should be.
    """
    columns = ", ".join(f"{name}: '{kind}'" for name, kind in COLUMNS.items())
    numbered = "0" if len(links) == 1 else "cast(string_split(parse_filename(filename), '.')[1] as integer)"
    # Only the constants above are put into the text; the file names are parameters.
    con.execute(
        f"""
        create or replace temp table calls_stage as
        select {numbered} as file_no, {", ".join(COLUMNS)}
        from read_json(
            $1, columns = {{{columns}}}, format = 'array', hive_partitioning = false, filename = {len(links) > 1}
        )
        """,  # noqa: S608
        [[str(link) for link in links]],
    )


def staged_files(con: duckdb.DuckDBPyConnection) -> dict[int, StagedFile]:
    """Check the stage and sum it up by `file_no`. Files without rows do not appear."""
    rows = con.execute(
        """
        select
            file_no,
            count(*),
            min(rowid),
            min(enqueued_at) at time zone 'UTC',
            (max(enqueued_at) + interval 1 microsecond) at time zone 'UTC',
            bool_or(
                enqueued_at is null or function_call_id is null or status is null
                or enqueued_at not between '2000-01-01' and '2199-12-31'
                or started_at not between '2000-01-01' and '2199-12-31'
                or not coalesce(startup_time_seconds between 0 and $seconds, true)
                or not coalesce(execution_time_seconds between 0 and $seconds, true)
                or strlen(function_call_id) > $characters
                or strlen(service_method_name) > $characters
                or strlen(container_id) > $characters
                or strlen(status) > $characters
            )
        from calls_stage
        group by file_no
        """,
        {"seconds": LONGEST_SECONDS, "characters": LONGEST_TEXT},
    ).fetchall()
    return {row[0]: StagedFile(row[1], row[2], row[3], row[4], bool(row[5])) for row in rows}


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
    _insert_containers(con)
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
            make_timestamp(epoch_us(calls_stage.enqueued_at)),
            make_timestamp(epoch_us(calls_stage.started_at)),
            containers.container_key,
            cast(calls_stage.startup_time_seconds * 1e6 as bigint),
            cast(calls_stage.execution_time_seconds * 1e6 as bigint),
            calls_stage.status
        from calls_stage
        join calls_files using (file_no)
        left join raw.containers using (container_id)
        """
    )


def drop_stage(con: duckdb.DuckDBPyConnection) -> None:
    """Give back the memory of the stage."""
    con.execute("drop table if exists calls_stage")
    con.execute("drop table if exists calls_files")


def _insert_containers(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        """
        insert into raw.containers
        with new_containers as (
            select distinct container_id
            from calls_stage
            semi join calls_files using (file_no)
            where container_id is not null
        ),
        unknown as (
            select container_id from new_containers
            anti join raw.containers using (container_id)
        ),
        dated as (
            select
                container_id,
                case when regexp_full_match(container_id, $pattern) then
                    list_sum(list_transform(
                        range(1, $time_characters + 1),
                        lambda i: (strpos($alphabet, container_id[3 + i]) - 1)
                            * cast(power(32, $time_characters - i) as bigint)
                    ))
                end as milliseconds
            from unknown
        )
        select
            (select coalesce(max(container_key), 0) from raw.containers)
                + row_number() over (order by container_id),
            container_id,
            case
                when milliseconds >= epoch_ms(timestamp '2020-01-01')
                    and milliseconds < epoch_ms(timestamp '2100-01-01')
                then make_timestamp(cast(milliseconds as bigint) * 1000)
            end
        from dated
        """,
        {"pattern": f"ta-[{ALPHABET}]{{26}}", "alphabet": ALPHABET, "time_characters": _TIME_CHARACTERS},
    )


def check_first_record(location: Path) -> None:
    """Look at the head of a file for what DuckDB's reader would pass over: no rows at all, or missing fields.

    Raises:
        RejectionError: not a list, or its first row lacks a field.
    """
    for number, row in _rows(location):
        _check_record(number, row)
        return


def refuse(location: Path, problem: str) -> NoReturn:
    """Refuse a file that the fast path could not load, naming the first bad row.

    Args:
        location: the file.
        problem: what DuckDB says about it, for the case that nothing else is found.

    Raises:
        RejectionError: always.
    """
    for number, row in _rows(location):
        _check_record(number, row)
    raise RejectionError(
        "the file cannot be read as a list of calls",
        detail=problem[:500],
        fix=_EXPORT_AGAIN,
    )


def _check_record(number: int, row: object) -> None:
    record = as_record(f"row {number}", row)
    _check_text(record, "function_call_id")
    record.time("enqueued_at")
    record.value("started_at")
    record.optional_time("started_at")
    for name in ("service_method_name", "container_id"):
        if record.value(name) is not None:
            _check_text(record, name)
    for name in ("startup_time_seconds", "execution_time_seconds"):
        _check_seconds(record, name)
    # The CLI prints the number of a status that it has no name for.
    if not isinstance(record.value("status"), int):
        _check_text(record, "status")


def _check_text(record: Record, name: str) -> None:
    # The same as the fast path asks for, and no more: a file's fate must not hang on which path reads it.
    value = record.value(name)
    if not isinstance(value, str):
        record.refuse(name, f"is {str(value)[:60] if value is not None else 'null'}, not a text")
    if len(value.encode(errors="surrogatepass")) > LONGEST_TEXT:
        record.refuse(name, f"has {len(value):,} characters; nothing in Modal is longer than {LONGEST_TEXT:,}")
    if any("\ud800" <= character <= "\udfff" for character in value):
        record.refuse(name, "contains half a character (a lone surrogate)")


def _check_seconds(record: Record, name: str) -> None:
    value = record.value(name)
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        record.refuse(name, f"is {str(value)[:60]!r}, not a number of seconds")
    if not 0 <= value <= LONGEST_SECONDS:
        record.refuse(name, f"is {value}, not between 0 and {LONGEST_SECONDS} seconds")


def _rows(location: Path) -> Iterator[tuple[int, object]]:
    """Yield the values of a JSON list one by one, from 1, holding no more than a chunk and a value in memory."""
    try:
        with _open_text(location) as text:
            yield from _values(_Window(text))
    except UnicodeDecodeError as error:
        raise RejectionError(
            f"byte 0x{error.object[error.start]:02x} is not UTF-8",
            fix="Export it again as UTF-8, straight from the modal command into the file.",
        ) from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise broken_gzip(error) from None


def _open_text(location: Path) -> IO[str]:
    if is_gzipped(location):
        return gzip.open(location, "rt", encoding="utf-8-sig")
    return location.open(encoding="utf-8-sig")


class _Window:
    """A moving window over a text that is too large to hold."""

    def __init__(self, text: IO[str]) -> None:
        self._text = text
        self.held = ""
        self.position = 0
        self.line = 1
        self.ended = False

    def more(self) -> bool:
        """Read on, forgetting what lies behind the position; False at the end of the text."""
        self.line += self.held.count("\n", 0, self.position)
        chunk = self._text.read(max(_CHUNK_CHARACTERS, len(self.held) - self.position))
        self.held, self.position, self.ended = self.held[self.position :] + chunk, 0, not chunk
        return not self.ended

    def next_character(self) -> str:
        """Skip white space and return the character there without taking it; empty at the end."""
        while True:
            while self.position < len(self.held) and self.held[self.position] in " \t\r\n":
                self.position += 1
            if self.position < len(self.held):
                return self.held[self.position]
            if not self.more():
                return ""

    def value(self) -> object:
        """Take one JSON value, reading on while it is incomplete.

        Raises:
            RejectionError: not JSON; names the line.
        """
        while True:
            try:
                value, self.position = _DECODER.raw_decode(self.held, self.position)
            except json.JSONDecodeError as error:
                incomplete = error.pos >= len(self.held) - _LONGEST_ESCAPE or "Unterminated" in error.msg
                if not (incomplete and self.more()):
                    raise self.bad(error) from None
            except (ValueError, RecursionError) as error:
                raise RejectionError(f"line {self.line}: not readable as JSON: {error}", fix=_EXPORT_AGAIN) from None
            else:
                return value

    def bad(self, error: json.JSONDecodeError) -> RejectionError:
        """Word the refusal of what stands in the window, with its line in the whole file."""
        error.lineno += self.line - 1
        at_the_end = error.pos >= len(self.held.rstrip()) or "Unterminated" in error.msg
        return bad_json(error, cut_off=self.ended and at_the_end, fix=_EXPORT_AGAIN)


def _values(window: _Window) -> Iterator[tuple[int, object]]:
    first = window.next_character()
    if not first:
        raise empty_file()
    if first != "[":
        raise not_a_list(window.value())
    number = 0
    while True:
        window.position += 1
        if window.next_character() == "]" and not number:
            break
        number += 1
        yield number, window.value()
        following = window.next_character()
        if following == "]":
            break
        if following != ",":
            raise window.bad(json.JSONDecodeError("Expecting ',' delimiter", window.held, window.position))
    window.position += 1
    if window.next_character():
        raise window.bad(json.JSONDecodeError("Extra data", window.held, window.position))
