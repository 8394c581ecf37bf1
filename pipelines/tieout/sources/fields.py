"""Typed values from the fields of an export, exactly or not at all.

Every check raises `RejectionError` with the place (row or key), the field and the value, so that a person finds it.
"""

import datetime as dt
import functools
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import NoReturn

import pyarrow as pa

from tieout.core.money import MoneyError, parse_long_usd, parse_usd
from tieout.sources.dialects import Export, bare_json, boxed, is_boxed
from tieout.sources.landing import RejectionError

LONGEST_TEXT = 65_536
USD = pa.decimal128(38, 12)
UTC_MICROSECONDS = pa.timestamp("us")
_EXPORT_AGAIN = "Export it again with --json, straight from the modal command into the file."
_JOIN_LINES = "If it holds an object on each line (JSON Lines), make one list of them: jq -s . FILE > NEW.json"
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?((Z|[+-]\d{2}(:?\d{2})?))?)?", re.ASCII)
_LONG_NUMBER = re.compile(r"\d{4000,}", re.ASCII)
_SURROGATE = re.compile("[\ud800-\udfff]")
_EARLIEST, _LATEST = dt.datetime(2000, 1, 1), dt.datetime(2200, 1, 1)  # noqa: DTZ001 - naive UTC


@dataclass(frozen=True)
class ParsedFile:
    """The rows of one file, ready for its raw table, and what the file's content says about itself.

    `rows` has the raw table's columns but `file_id`. Times are naive UTC; `content_end` is exclusive.
    """

    rows: pa.Table
    month: dt.date | None = None
    report_kind: str | None = None
    resolution: str | None = None
    content_start: dt.datetime | None = None
    content_end: dt.datetime | None = None


@dataclass(frozen=True)
class Record:
    """One JSON object of an export with its place in the file and what to do about a wrong one, for messages."""

    place: str
    fields: Mapping[str, object]
    fix: str = _EXPORT_AGAIN

    def names(self) -> list[str]:
        """Return the names of the fields, where they are values themselves.

        Raises:
            RejectionError: one cannot be stored as a text.
        """
        return [self._storable("a name", name) for name in self.fields]

    def refuse(self, name: str, problem: str, *, fix: str | None = None) -> NoReturn:
        """Refuse the file because of one field."""
        raise RejectionError(f"{self.place}: {name} {problem}", fix=fix or self.fix)

    def value(self, name: str) -> object:
        """Return a field that must be there, null or not."""
        if name not in self.fields:
            self.refuse(name, "is missing")
        return self.fields[name]

    def text(self, name: str) -> str:
        """Return a text that must be there."""
        value = self.value(name)
        if not isinstance(value, str):
            self.refuse(name, f"is {_shown(value)}, not a text")
        return self._storable(name, value)

    def optional_text(self, name: str) -> str | None:
        """Return a text, or None when it is null or missing."""
        return None if self.fields.get(name) is None else self.text(name)

    def usd(self, name: str) -> Decimal:
        """Return an amount given as a text; a JSON number has been through a float and is refused."""
        return self._amount(name, parse_usd)

    def long_usd(self, name: str) -> Decimal:
        """Return an amount given as a text, with up to 38 decimals."""
        return self._amount(name, parse_long_usd)

    def _amount(self, name: str, parse: Callable[[str], Decimal]) -> Decimal:
        value = self.value(name)
        if not isinstance(value, str):
            self.refuse(name, f'is {_shown(value)}, not a text like "0.13120000": amounts must stay exact')
        try:
            return parse(value)
        except MoneyError as error:
            self.refuse(name, error.problem, fix=error.remedy)

    def integer(self, name: str) -> int:
        """Return a whole number between 0 and 2^31 - 1."""
        value = self.value(name)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**31:
            self.refuse(name, f"is {_shown(value)}, not a whole number from 0 to {2**31 - 1}")
        return value

    def optional_integer(self, name: str) -> int | None:
        """Return a whole number, or None when it is null or missing."""
        return None if self.fields.get(name) is None else self.integer(name)

    def flag(self, name: str) -> bool:
        """Return true or false."""
        value = self.value(name)
        if not isinstance(value, bool):
            self.refuse(name, f"is {_shown(value)}, not true or false")
        return value

    def time(self, name: str) -> dt.datetime:
        """Return a time in naive UTC, cut to microseconds; without an offset it is UTC."""
        text = self.text(name)
        moment = parse_time(text)
        if moment is None:
            self.refuse(name, f"is {_shown(text)}, not a time like 2026-11-02T00:00:00")
        return moment

    def optional_time(self, name: str) -> dt.datetime | None:
        """Return a time in naive UTC, or None when it is null or missing."""
        return None if self.fields.get(name) is None else self.time(name)

    def _storable(self, name: str, text: str) -> str:
        if len(text) > LONGEST_TEXT:
            self.refuse(name, f"has {len(text):,} characters; nothing in Modal is longer than {LONGEST_TEXT:,}")
        if "\0" in text:
            self.refuse(name, f"contains a NUL character: {_shown(text)}")
        if not text.isascii() and _SURROGATE.search(text):
            self.refuse(name, f"contains half a character (a lone surrogate): {_shown(text)}")
        return text


@functools.lru_cache(maxsize=4096)
def parse_time(text: str) -> dt.datetime | None:
    """Read an ISO time as naive UTC, cut to microseconds; None when it is none, or not between 2000 and 2200."""
    if not _TIME.fullmatch(text):
        return None
    try:
        moment = dt.datetime.fromisoformat(text)
        utc = moment.replace(tzinfo=moment.tzinfo or dt.UTC).astimezone(dt.UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None
    return utc if _EARLIEST <= utc < _LATEST else None


def has_offset(text: str) -> bool:
    """Tell whether an ISO time carries an offset or Z."""
    return bool(re.search(r"(Z|[+-]\d{2}(:?\d{2})?)$", text[10:]))


def load_json(text: str, *, fix: str = _EXPORT_AGAIN) -> object:
    """Parse a whole JSON text, in whichever dialect a client printed it; `fix` is what to do about one that is none.

    Raises:
        RejectionError: not JSON, cut off, with a key twice in an object, or with NaN or Infinity in it; names line and
            column.
    """
    text = bare_json(text)
    try:
        return json.loads(text, parse_constant=refuse_constant, object_pairs_hook=functools.partial(object_of, fix=fix))
    except json.JSONDecodeError as error:
        raise bad_json(error, cut_off=error.pos >= len(text.rstrip()) or "Unterminated" in error.msg, fix=fix) from None
    except (ValueError, RecursionError) as error:
        raise _unreadable(text, error, fix) from None


def _unreadable(text: str, error: Exception, fix: str) -> RejectionError:
    """Word what Python's reader refuses of right JSON: a number of thousands of digits, or nesting without an end."""
    found = None if isinstance(error, RecursionError) else _LONG_NUMBER.search(text)
    if found is None:
        return RejectionError(f"not readable as JSON: {error}", fix=fix)
    line = text.count("\n", 0, found.start()) + 1
    return RejectionError(f"line {line}: a number of {len(found[0]):,} digits, which no export has", fix=fix)


def object_of(pairs: list[tuple[str, object]], *, fix: str) -> dict[str, object]:
    """Make a JSON object of its keys and values; `fix` is what to do about a wrong one.

    Raises:
        RejectionError: a key stands twice.
    """
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise RejectionError(
            f"the key {_shown(twice)} stands twice in one object",
            detail=f"The object begins with {_shown(names[0])}: {_shown(pairs[0][1])}.",
            fix=fix,
        )
    return fields


def bad_json(error: json.JSONDecodeError, *, cut_off: bool, fix: str = _EXPORT_AGAIN) -> RejectionError:
    """Word the refusal of text that is not JSON."""
    if cut_off:
        return RejectionError(
            f"line {error.lineno}: the file is cut off",
            detail=error.msg,
            fix="Pull or copy the file again.",
        )
    if error.doc.startswith("\x1b", error.pos):
        return RejectionError(
            f"line {error.lineno}: escape codes for colours, as the modal client prints them under FORCE_COLOR",
            fix=f"Unset FORCE_COLOR first. {fix}",
        )
    if is_boxed(error.doc):
        return boxed(fix)
    if error.msg == "Extra data" and error.doc.startswith(("[", "{"), error.pos):
        return RejectionError(
            f"line {error.lineno}: another JSON value begins below the first one",
            fix=f"If exports were appended to each other, land each as a file of its own. {_JOIN_LINES}",
        )
    return RejectionError(
        f"line {error.lineno}, column {error.colno}: not JSON: {error.msg}",
        detail=f"The line says {_line_at(error)!r}.",
        fix=fix,
    )


def _line_at(error: json.JSONDecodeError) -> str:
    """Return the line of an error around its place, no longer than a terminal is wide."""
    start = max(error.doc.rfind("\n", 0, error.pos) + 1, error.pos - 30)
    return error.doc[start : start + 80].partition("\n")[0].strip()


def refuse_constant(name: str) -> NoReturn:
    """Refuse NaN, Infinity and -Infinity, which Python's JSON reader would let pass.

    Raises:
        RejectionError: always.
    """
    raise RejectionError(f"the file contains {name}, which is not a number", fix=_EXPORT_AGAIN)


def load_records(text: str, export: Export) -> list[Record]:
    """Parse a JSON list of objects, their fields named as here, whatever the client calls them; rows count from 1.

    Raises:
        RejectionError: not a list, a row that is not an object, or one with a field under two names.
    """
    rows, names = load_json(text, fix=export.fix), export.names
    if not isinstance(rows, list):
        raise not_a_list(rows, fix=export.fix)
    records = (as_record(f"row {number}", row, fix=export.fix) for number, row in enumerate(rows, start=1))
    return [_renamed(record, names) for record in records]


def _renamed(record: Record, names: Mapping[str, str]) -> Record:
    fields: dict[str, object] = {}
    for printed, value in record.fields.items():
        name = names.get(printed, printed)
        if name in fields:
            record.refuse(name, f"is given twice, once as {_shown(printed)}")
        fields[name] = value
    return Record(record.place, fields, record.fix)


def load_record(text: str, *, fix: str = _EXPORT_AGAIN) -> Record:
    """Parse a single JSON object; `fix` is what to do about a wrong one.

    Raises:
        RejectionError: something else.
    """
    return as_record("the file", load_json(text, fix=fix), fix=fix)


def as_record(place: str, row: object, *, fix: str = _EXPORT_AGAIN) -> Record:
    """Take a JSON value that must be an object.

    Raises:
        RejectionError: something else.
    """
    if not isinstance(row, dict):
        raise RejectionError(f"{place}: {_shown(row)} is not a JSON object", fix=fix)
    return Record(place, row, fix)


def not_a_list(value: object, *, fix: str = _EXPORT_AGAIN) -> RejectionError:
    """Word the refusal of JSON that should have been a list of rows."""
    by_line = f"{_JOIN_LINES}. Otherwise: " if isinstance(value, dict) else ""
    return RejectionError(f"the file holds {_shown(value)}, not a JSON list of rows", fix=by_line + fix)


def _shown(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, dict | list):
        return "a list" if isinstance(value, list) else "an object"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"


def row_numbers(count: int) -> pa.Array:
    """Return the numbers from 1 to count."""
    return pa.array(range(1, count + 1), pa.int64())
