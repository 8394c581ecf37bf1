"""`modal billing report … --json` or `--csv`: what each object cost per hour or day, by resource if asked for.

Traps that this module knows: intervals without an offset are UTC, with `--tz` they carry one; costs are decimal texts,
also `1.25E-7` and `0E-8`; tags are JSON inside the JSON; a row of the SDK is total and breakdown in one; and the CLI
breaks `--csv` lines at 80 columns when its output goes to a file (`wrapped_csv.py`).
"""

import csv
import datetime as dt
import re
from collections.abc import Sequence

import pyarrow as pa

from tieout.core.money import is_booked_exactly
from tieout.sources.billing_line import PARTS, BillingLine, read_line, read_parts
from tieout.sources.dialects import BILLING_REPORT, CSV_COLUMNS, bare_csv, without_colour
from tieout.sources.fields import USD, UTC_MICROSECONDS, ParsedFile, Record, load_records, row_numbers
from tieout.sources.landing import LandingFile, RejectionError, Sidecar
from tieout.sources.tables import FILE_ID, ROW_NUMBER, Column, Table
from tieout.sources.wrapped_csv import USE_JSON, may_be_wrapped, not_csv, read_csv, unwrap

TABLE = Table(
    "billing_report",
    "One row per line of a billing report: object × interval, by resource where the report shows them.",
    (
        FILE_ID,
        ROW_NUMBER,
        Column("object_id", "VARCHAR", "What was billed: ap- app, vo- volume, sb- sandbox and others"),
        Column("description", "VARCHAR", "Name of the object"),
        Column("environment", "VARCHAR", "Modal environment of the object"),
        Column("interval_start", "TIMESTAMP", "Start of the billed hour or day, UTC"),
        Column("resource", "VARCHAR", "Resource label as Modal writes it; null in a plain report"),
        Column("cost_usd", "DECIMAL(38, 12)", "Cost before credits; null where it has more than 12 decimals"),
        Column("cost_exact", "VARCHAR", "Such a cost with every digit, up to 38 decimals; else null"),
        Column("tags", "VARCHAR", "Tags as JSON text; null when the report has none"),
    ),
)

REQUIRED = ("object_id", "description", "environment", "interval_start", "cost")
NEW_LINE = "\n"
_LONGEST_HEADER = 4096
_IN_NAME = re.compile(r"(?P<h>hourly|-r[ =_-]?h(?![a-z0-9]))|(?P<d>daily|-r[ =_-]?d(?![a-z0-9]))", re.ASCII)
_INTERVALS = {"h": dt.timedelta(hours=1), "d": dt.timedelta(days=1)}


def parse(text: str, file: LandingFile, sidecar: Sidecar | None) -> ParsedFile:
    """Read one report of either kind and format.

    Returns:
        Columns row_number, object_id, description, environment, interval_start (naive UTC), resource, cost_usd,
        cost_exact, tags. A row of the SDK comes as its total and, below it, its parts.

    Raises:
        RejectionError: a line that cannot be read exactly; names the row, the field and the value.
    """
    is_csv = file.name.lower().removesuffix(".gz").endswith(".csv")
    records = _csv_records(text) if is_csv else load_records(text, BILLING_REPORT)
    rows = [read_line(record) for record in records]
    _check_same_kind(rows)
    resolution = _resolution(rows, file, sidecar)
    starts = [row.interval_start for row in rows]
    return ParsedFile(
        _table([line for record, row in zip(records, rows, strict=True) for line in (row, *read_parts(record, row))]),
        report_kind=_report_kind(records, file, sidecar),
        resolution=resolution,
        content_start=min(starts, default=None),
        content_end=max(starts) + _INTERVALS[resolution] if starts else None,
    )


def _check_same_kind(lines: Sequence[BillingLine]) -> None:
    for number, line in enumerate(lines, start=1):
        if line.with_offset != lines[0].with_offset:
            raise RejectionError(
                f"row {number}: interval_start {'carries an' if line.with_offset else 'has no'} offset, "
                "unlike the rows before it",
                detail="Reports with and without --tz were put together; their hours cannot be told apart.",
                fix="Land the reports as separate files, or export them again without --tz.",
            )
        if (line.resource is None) != (lines[0].resource is None):
            raise RejectionError(
                f"row {number}: resource is {'missing' if line.resource is None else 'given'}, "
                "unlike the rows before it",
                detail="Reports with and without --show-resources were put together; their costs would add up twice.",
                fix="Land the two reports as separate files.",
            )


def _resolution(lines: Sequence[BillingLine], file: LandingFile, sidecar: Sidecar | None) -> str:
    declared, named = sidecar.resolution if sidecar is not None else None, _resolution_in_name(file)
    for number, line in enumerate(lines, start=1):
        if line.interval_start.hour == 0:
            continue
        if declared == "d":
            raise RejectionError(
                f"row {number}: interval_start {line.interval_start} is not a UTC day, but the sidecar says daily",
                fix='Pull it again, or correct the sidecar\'s resolution to "h".',
            )
        if (declared or named) != "h" and all(line.with_offset and line.is_local_midnight for line in lines):
            raise RejectionError(
                f"row {number}: every interval starts at midnight of another zone: a daily report with --tz is not "
                "made of UTC days",
                detail=f"This row's day starts at {line.interval_start} UTC.",
                fix=f"Export it without --tz. If its rows are hours, rename it to {_renamed(file, 'h')}.",
            )
        return "h"
    if declared is None and named is None and len({line.interval_start for line in lines}) == 1:
        raise _hour_or_day(lines[0].interval_start, file)
    return declared or named or "d"


def _resolution_in_name(file: LandingFile) -> str | None:
    """Return what the path says, the last word of it that says any: the file's own name before that of its folder."""
    said = [found.lastgroup for found in _IN_NAME.finditer(file.path_in_source.lower())]
    return said[-1] if said else None


def _renamed(file: LandingFile, resolution: str) -> str:
    name, dot, suffix = file.name.rpartition("/")[2].partition(".")
    return f"{name}-r-{resolution}{dot}{suffix}"


def _hour_or_day(start: dt.datetime, file: LandingFile) -> RejectionError:
    return RejectionError(
        f"every row starts at {start:%Y-%m-%d %H:%M}, and nothing says whether that is the day or its first hour",
        detail="An hourly report of an hour after midnight has the same rows as the report of that day.",
        fix=f"If it was exported by the day (-r d, or no -r), rename it to {_renamed(file, 'd')}; if by the hour "
        f"(-r h), to {_renamed(file, 'h')}.",
    )


def _report_kind(records: Sequence[Record], file: LandingFile, sidecar: Sidecar | None) -> str:
    if any(PARTS in record.fields for record in records):
        return "both"
    if records:
        return "resources" if "resource" in records[0].fields else "plain"
    # A list without rows has no columns either: only its name or the command tells what it is a snapshot of.
    said = file.path_in_source.lower() + " " + (sidecar.command if sidecar is not None else "")
    return "resources" if "resources" in said else "plain"


def _csv_records(text: str) -> list[Record]:
    text = without_colour(text).replace("\r\n", "\n")
    if "\r" in text and "\n" not in text:
        raise RejectionError(
            "line 1: the lines end in a carriage return alone, as old Macintosh programs write them",
            fix=f"Save it with line ends of Unix or Windows. {USE_JSON}",
        )
    above, text = bare_csv(text, next(iter(CSV_COLUMNS)))
    try:
        names = _column_names(text.partition("\n")[0])
        rows = _csv_rows(text, names)
    except RejectionError as problem:
        if not above:
            raise
        raise RejectionError(
            problem.problem,
            detail=f"Lines are counted from the header, which is line {above + 1}. {problem.detail}".strip(),
            fix=problem.fix,
        ) from None
    return [_csv_record(above + line, row, names) for line, row in rows]


def _csv_rows(text: str, names: Sequence[str]) -> list[tuple[int, tuple[str, ...]]]:
    if not text.endswith("\n"):
        raise RejectionError(
            f"line {text.count(NEW_LINE) + 1}: the file ends in the middle of a line: it is cut off",
            fix="Export or copy it again; if its last cost is complete, add a line break at the end.",
        )
    return unwrap(text, names) if may_be_wrapped(text) else list(read_csv(text))


def _column_names(header: str) -> list[str]:
    if len(header) > _LONGEST_HEADER:
        raise RejectionError(
            f"line 1: a header of {len(header):,} characters; no report has more than {_LONGEST_HEADER:,}", fix=USE_JSON
        )
    try:
        columns = next(csv.reader([header]), [])
    except csv.Error as error:
        raise not_csv(1, error) from None
    names = [CSV_COLUMNS.get(column.strip(), column) for column in columns]
    missing = [column for column, name in CSV_COLUMNS.items() if name in REQUIRED and name not in names]
    separators = {"semicolons": ";", "tabs": "\t"}
    between = [
        name for name, sign in separators.items() if set(missing) <= {cell.strip() for cell in header.split(sign)}
    ]
    if missing and between:
        raise RejectionError(
            f"line 1: {between[0]} between the values, as a spreadsheet saves a table",
            detail="A spreadsheet also rounds costs and writes times in its own way, so the bill is no longer exact.",
            fix=USE_JSON,
        )
    if missing:
        raise RejectionError(
            f"line 1: not the header of a billing report: {', '.join(missing)} missing",
            detail=f"The first line is {header[:200]!r}.",
            fix=USE_JSON,
        )
    if len(set(names)) != len(names):
        raise RejectionError(
            "line 1: a column appears twice", detail=f"The first line is {header[:200]!r}.", fix=USE_JSON
        )
    return names


def _csv_record(line: int, row: Sequence[str], names: Sequence[str]) -> Record:
    if len(row) != len(names):
        raise RejectionError(f"line {line}: {len(row)} values where the header has {len(names)}", fix=USE_JSON)
    return Record(f"line {line}", dict(zip(names, row, strict=True)))


def _table(lines: Sequence[BillingLine]) -> pa.Table:
    booked = [(line, is_booked_exactly(line.cost_usd)) for line in lines]
    return pa.table(
        {
            "row_number": row_numbers(len(lines)),
            "object_id": pa.array([line.object_id for line in lines], pa.string()),
            "description": pa.array([line.description for line in lines], pa.string()),
            "environment": pa.array([line.environment for line in lines], pa.string()),
            "interval_start": pa.array([line.interval_start for line in lines], UTC_MICROSECONDS),
            "resource": pa.array([line.resource for line in lines], pa.string()),
            "cost_usd": pa.array([line.cost_usd if exact else None for line, exact in booked], USD),
            "cost_exact": pa.array([None if exact else f"{line.cost_usd:f}" for line, exact in booked], pa.string()),
            "tags": pa.array([line.tags for line in lines], pa.string()),
        }
    )
