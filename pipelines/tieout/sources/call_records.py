"""A call log read record by record, in bounded memory: slow, and the judge of what the fast reader is unsure of.

It names the row, the field and the value that are wrong. `function_calls` reads whole logs in DuckDB and asks here only
about those that look unusual.
"""

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from tieout.sources.contents import UTF16_MARKS, broken_gzip, empty_file, is_gzipped, utf16
from tieout.sources.fields import LONGEST_TEXT, Record, as_record, bad_json, not_a_list, object_of, refuse_constant
from tieout.sources.landing import RejectionError

LONGEST_SECONDS = 10**9
_LARGEST_STATUS = 2**31 - 1
_CHUNK_CHARACTERS = 1 << 20
_LONGEST_ESCAPE = 12
_LONGEST_ROW = 16 << 20
EXPORT_AGAIN = "Export it again: modal function calls APP/FUNC … --json > FILE.json"
_DECODER = json.JSONDecoder(
    parse_constant=refuse_constant, object_pairs_hook=lambda pairs: object_of(pairs, fix=EXPORT_AGAIN)
)


def check_first_record(location: Path, *, is_gzip: bool) -> None:
    """Look at the head of a log, gzipped or not, for what DuckDB's reader would pass over: no list at all.

    Raises:
        RejectionError: not a list, or its first row is wrong.
    """
    for number, row in _rows(location, is_gzip=is_gzip):
        _check_record(number, row)
        return


def check_records(location: Path) -> None:
    """Read a log to its end.

    Raises:
        RejectionError: not a list of calls; names the first row that is wrong.
    """
    for number, row in _rows(location, is_gzip=is_gzipped(location)):
        _check_record(number, row)


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
    status = record.value("status")
    # The CLI prints the number of a status that it has no name for.
    if isinstance(status, bool) or not isinstance(status, int):
        _check_text(record, "status")
    elif not 0 <= status <= _LARGEST_STATUS:
        record.refuse("status", f"is a number of {len(str(status))} digits, not a status")


def _check_text(record: Record, name: str) -> None:
    # The same as the fast path asks for, and no more: a file's fate must not hang on which path reads it.
    value = record.value(name)
    if not isinstance(value, str):
        record.refuse(name, f"is {str(value)[:60] if value is not None else 'null'}, not a text")
    if len(value.encode(errors="surrogatepass")) > LONGEST_TEXT:
        record.refuse(name, f"has {len(value):,} characters; nothing in Modal is longer than {LONGEST_TEXT:,}")
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        record.refuse(name, "contains half a character (a lone surrogate)")


def _check_seconds(record: Record, name: str) -> None:
    value = record.value(name)
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        record.refuse(name, f"is {str(value)[:60]!r}, not a number of seconds")
    if not 0 <= value <= LONGEST_SECONDS:
        record.refuse(name, f"is {str(value)[:60]}, not between 0 and {LONGEST_SECONDS} seconds")


def _rows(location: Path, *, is_gzip: bool) -> Iterator[tuple[int, object]]:
    """Yield the values of a JSON list one by one, from 1, holding no more than a chunk and a value in memory."""
    try:
        with _open_text(location, is_gzip=is_gzip) as text:
            yield from _values(_Window(text))
    except UnicodeDecodeError as error:
        if error.object.startswith(UTF16_MARKS):
            raise utf16() from None
        raise RejectionError(
            f"byte 0x{error.object[error.start]:02x} is not UTF-8",
            fix="Export it again as UTF-8, straight from the modal command into the file.",
        ) from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise broken_gzip(error) from None


def _open_text(location: Path, *, is_gzip: bool) -> IO[str]:
    if is_gzip:
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
                if incomplete and len(self.held) - self.position > _LONGEST_ROW:
                    problem = f"line {self.line}: a row of more than {_LONGEST_ROW:,} characters, or without an end"
                    raise RejectionError(problem, fix=EXPORT_AGAIN) from None
                if not (incomplete and self.more()):
                    raise self.bad(error) from None
            except (ValueError, RecursionError) as error:
                raise RejectionError(f"line {self.line}: not readable as JSON: {error}", fix=EXPORT_AGAIN) from None
            else:
                return value

    def bad(self, error: json.JSONDecodeError) -> RejectionError:
        """Word the refusal of what stands in the window, with its line in the whole file."""
        error.lineno += self.line - 1
        at_the_end = error.pos >= len(self.held.rstrip()) or "Unterminated" in error.msg
        return bad_json(error, cut_off=self.ended and at_the_end, fix=EXPORT_AGAIN)


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
