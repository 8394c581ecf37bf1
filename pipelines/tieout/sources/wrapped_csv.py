"""Billing CSVs as the CLI breaks them: at 80 columns, in the middle of values, when its output goes to a file.

The CLI prints through rich, which breaks a line after a space where it can, else in the middle of a word, and drops a
space that falls on column 81. A break is undone only when exactly one original could have been printed that way: every
way of joining the lines is tried, kept if all its values are valid and rich would break it exactly so, and if two are
left the file is refused. (Joining without looking would lose money without a word: `0.1` and `3120000` are both
numbers.)
"""

import csv
import io
import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from tieout.sources.billing_line import read_line
from tieout.sources.fields import Record
from tieout.sources.landing import RejectionError

WIDTH = 80
USE_JSON = (
    "Export it again, best as JSON: modal billing report … --json > FILE.json, "
    "or with room for its lines: COLUMNS=100000 modal billing report … --csv > FILE.csv"
)
# Labels that a break may fall into. "A100" + "-40GB" could be "A100 -40GB" too; only one of them is a label of Modal's.
KNOWN_RESOURCES = frozenset(
    {"CPU", "Memory", "A10G", "A10", "T4", "L4", "L40S", "H100", "H200", "B200", "B300", "RTX PRO 6000"}
    | {"A100", "A100-40GB", "A100-80GB", "A100 40GB", "A100 80GB", "RTX-PRO-6000", "RTX6000", "T4 GPU"}
    | {"Nvidia T4", "Nvidia L4", "Nvidia A10G", "Nvidia A10", "Nvidia L40S", "Nvidia H100", "Nvidia H200"}
    | {"Nvidia A100-40GB", "Nvidia A100-80GB", "Nvidia A100 40GB", "Nvidia A100 80GB", "Nvidia B200", "Nvidia B300"}
)
_MOST_LINES = 200
_MOST_UNSURE_BREAKS = 4
_OBJECT_ID = re.compile(r"[A-Za-z]{2,}-[0-9A-Za-z]+", re.ASCII)
_CONSOLE = Console(width=WIDTH, file=io.StringIO(), color_system=None)

Row = tuple[str, ...]


def read_csv(text: str) -> Iterator[tuple[int, Row]]:
    """Yield the rows below the header as they stand, each with the line that it starts on.

    Raises:
        RejectionError: quotes that do not close.
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    try:
        for row in reader:
            if line > 1:
                yield line, tuple(row)
            line = reader.line_num + 1
    except csv.Error as error:
        raise not_csv(line, error) from None


def not_csv(line: int, error: csv.Error) -> RejectionError:
    """Word the refusal of a line that is not CSV."""
    return RejectionError(f"line {line}: not CSV: {error}", fix=USE_JSON)


def may_be_wrapped(text: str) -> bool:
    """Tell whether no line is longer than 80 columns, as in everything that rich printed to a file."""
    return all(cell_len(line) <= WIDTH for line in text.split("\n"))


def unwrap(text: str, names: Sequence[str]) -> list[tuple[int, Row]]:
    """Undo the breaks, where that is certain.

    Args:
        text: a CSV with its header, no line longer than 80 columns, ending in a line break.
        names: the fields of a row, in order.

    Returns:
        The rows below the header, each with the line that it starts on.

    Raises:
        RejectionError: no original, or more than one, could have been printed like this.
    """
    rejoined = _Rejoining(text.split("\n")[1:-1], names)
    direct = _valid_as_it_stands(text, names)
    if rejoined.ways == 0:
        # Not what rich makes of any report: its rows are taken as they stand, with whatever is wrong with them.
        return _rows_or_refusal(text, names)
    if rejoined.ways > 1 or direct not in (None, [row for _, row in rejoined.rows]):
        raise _broken(rejoined.unsure_line, "what stood at the break cannot be told for sure")
    return rejoined.rows


class _Rejoining:
    """Every way of putting the lines together, counted from the first line on."""

    def __init__(self, lines: Sequence[str], names: Sequence[str]) -> None:
        self.unsure_line = 2
        self.rows: list[tuple[int, Row]] = []
        ways = [1] + [0] * len(lines)
        last: list[tuple[int, Row]] = [(0, ())] * (len(lines) + 1)
        for start in range(len(lines)):
            for end, candidates in _records_from(lines, start, names) if ways[start] else ():
                if len(candidates) > 1 and ways[start] == 1:
                    self.unsure_line = start + 2
                ways[end] += ways[start] * len(candidates)
                last[end] = (start, candidates[0])
        self.ways = ways[-1]
        if self.ways == 1:
            self.rows = _walk_back(last)


def _walk_back(last: Sequence[tuple[int, Row]]) -> list[tuple[int, Row]]:
    rows: list[tuple[int, Row]] = []
    end = len(last) - 1
    while end:
        end, row = last[end]
        rows.append((end + 2, row))
    return rows[::-1]


def _records_from(lines: Sequence[str], start: int, names: Sequence[str]) -> Iterator[tuple[int, list[Row]]]:
    """Yield each end such that the lines from start to it could be one record, with the records that they could be."""
    unsure = 0
    for end in range(start + 1, min(start + _MOST_LINES, len(lines)) + 1):
        pieces = lines[start:end]
        if candidates := _records(pieces, names):
            yield end, candidates
        full = cell_len(pieces[-1]) >= WIDTH - 1
        unsure += full
        more_follows = full or pieces[-1].endswith(" ")
        if not more_follows or unsure > _MOST_UNSURE_BREAKS or len(_fields("".join(pieces))) > len(names):
            return


def _records(pieces: Sequence[str], names: Sequence[str]) -> list[Row]:
    # Spaces are dropped only where a line is full. Two stand for any larger number: they are as unsure as two.
    choices = [("", " ", "  ") if cell_len(piece) == WIDTH else ("",) for piece in pieces[:-1]]
    rows: list[Row] = []
    for joints in itertools.product(*choices):
        text = "".join(itertools.chain.from_iterable(zip(pieces, (*joints, ""), strict=True)))
        row = tuple(_fields(text))
        if _is_valid(row, names, rejoined=bool(joints)) and (not joints or _wraps_into(text, pieces)):
            rows.append(row)
    return _with_known_resource(rows, names)


def _fields(text: str) -> list[str]:
    try:
        return next(csv.reader([text], strict=True), [])
    except csv.Error:
        return []


def _wraps_into(text: str, pieces: Sequence[str]) -> bool:
    return [line.plain for line in Text(text).wrap(_CONSOLE, WIDTH)] == list(pieces)


def _with_known_resource(rows: list[Row], names: Sequence[str]) -> list[Row]:
    if len(rows) < 2 or "resource" not in names:
        return rows
    position = list(names).index("resource")
    return [row for row in rows if row[position] in KNOWN_RESOURCES] or rows


def _is_valid(row: Row, names: Sequence[str], *, rejoined: bool) -> bool:
    if len(row) != len(names):
        return False
    fields = dict(zip(names, row, strict=True))
    try:
        read_line(Record("", fields))
    except RejectionError:
        return False
    return not rejoined or _is_as_printed(fields)


def _is_as_printed(fields: Mapping[str, str]) -> bool:
    if any(value != value.strip() for value in fields.values()) or not _OBJECT_ID.fullmatch(fields["object_id"]):
        return False
    # The CLI prints tags with json.dumps: where it puts spaces is known.
    return "tags" not in fields or json.dumps(json.loads(fields["tags"])) == fields["tags"]


def _valid_as_it_stands(text: str, names: Sequence[str]) -> list[Row] | None:
    try:
        rows = [row for _, row in read_csv(text)]
    except RejectionError:
        return None
    return rows if all(_is_valid(row, names, rejoined=False) for row in rows) else None


def _rows_or_refusal(text: str, names: Sequence[str]) -> list[tuple[int, Row]]:
    rows = list(read_csv(text))
    for line, row in rows:
        if len(row) != len(names):
            raise _broken(line, f"{len(row)} values where the header has {len(names)}")
    return rows


def _broken(line: int, problem: str) -> RejectionError:
    return RejectionError(
        f"line {line}: {problem}",
        detail=f"The modal CLI breaks --csv lines at {WIDTH} columns, inside values, when it prints to a file. "
        "Lines are put together again only where one original fits, so that no amount is ever misread.",
        fix=USE_JSON,
    )
