"""What the bytes of a call log prove about its rows, counted while the file is hashed.

DuckDB's reader tells a null from a missing field as little as a number from a text that holds one. Together with what
it read, a few counts settle it for logs that look as the CLI prints them. Of any other log nothing is proven; then
`call_records` reads it record by record.

The proof, for a log of N rows whose ids, times and statuses look like texts of the CLI, and in which DuckDB found no
field of a call twice in a row:

- A field without a null is there in all rows. One with nulls is there in all rows if its key is printed N times: a key
  that stands elsewhere instead, in an object within a row, brings the quotes of one more key.
- So 16 quotes for the keys of each row and 2 for each text are the least that there can be. If there are no more, no
  duration is a text, and there is no other field, hence no other field that stands twice.
- A duration that is `true` or `false` is read as 1 or 0: only where such a number was read, the words are looked for.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import stringzilla

from tieout.sources.contents import chunks, is_gzipped

NULLABLE = (
    "service_method_name",
    "startup_time_seconds",
    "started_at",
    "container_id",
    "execution_time_seconds",
)
_USUALLY_NULL = NULLABLE[:2]
_QUOTES_OF_KEYS = 16
_QUOTE = ord('"')
_WHITE_SPACE = b" \t\r\n"
_BOOLEANS = (b"true", b"false")


@dataclass
class LogText:
    """Counts over the bytes of one log, fed chunk by chunk."""

    location: Path
    quotes: int = 0
    last_byte: bytes = b""
    _usual: "Occurrences" = field(default_factory=lambda: Occurrences([_key(name) for name in _USUALLY_NULL]))

    def observe(self, chunk: bytes) -> None:
        """Count in the next chunk of the content."""
        self.quotes += int(np.count_nonzero(np.frombuffer(chunk, np.uint8) == _QUOTE))
        self.last_byte = chunk.rstrip(_WHITE_SPACE)[-1:] or self.last_byte
        self._usual.observe(chunk)

    def is_proof(self, *, rows: int, texts: int, names_with_nulls: Collection[str], may_hold_booleans: bool) -> bool:
        """Tell whether every row is certain to have every field once, with the JSON type that it should have.

        Args:
            rows: how many DuckDB read, all of them with values that look like those of the CLI.
            texts: how many values were read that are texts.
            names_with_nulls: the fields that were read as null in some row.
            may_hold_booleans: whether a duration of exactly 0 or 1 was read.
        """
        if self.last_byte != b"]" or self.quotes != _QUOTES_OF_KEYS * rows + 2 * texts:
            return False
        counts = dict(zip(_USUALLY_NULL, self._usual.counts, strict=True))
        unusual = [name for name in names_with_nulls if name not in counts]
        words = _BOOLEANS if may_hold_booleans else ()
        if unusual or words:
            found = self._count([*map(_key, unusual), *words])
            counts |= dict(zip(unusual, found, strict=False))
            if any(found[len(unusual) :]):
                return False
        return all(counts[name] == rows for name in names_with_nulls)

    def _count(self, patterns: Sequence[bytes]) -> list[int]:
        occurrences = Occurrences(patterns)
        for chunk in chunks(self.location, is_gzip=is_gzipped(self.location)):
            occurrences.observe(chunk)
        return occurrences.counts


class Occurrences:
    """How often each of some patterns occurs in a content that comes in chunks."""

    def __init__(self, patterns: Sequence[bytes]) -> None:
        """Start at zero. No pattern may overlap itself."""
        self.counts = [0] * len(patterns)
        self._patterns = patterns
        self._end = b""

    def observe(self, chunk: bytes) -> None:
        """Count in the next chunk, and across the seam before it."""
        for number, pattern in enumerate(self._patterns):
            reach = len(pattern) - 1
            seam = self._end[-reach:] + chunk[:reach]
            self.counts[number] += stringzilla.count(chunk, pattern) + seam.count(pattern)
        self._end = (self._end + chunk)[-64:] if len(chunk) < 64 else chunk[-64:]


def _key(name: str) -> bytes:
    return f'"{name}":'.encode()
