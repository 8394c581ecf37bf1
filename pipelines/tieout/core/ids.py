"""Modal's container and call ids: a prefix and, since 2025, a ULID whose first ten characters are a time."""

import datetime as dt

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUE = {character: value for value, character in enumerate(ALPHABET)}
_TIME_CHARACTERS = 10
_LENGTH = 26
_EARLIEST = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
_LATEST = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)


def created_at(identifier: str) -> dt.datetime | None:
    """Return the creation time (naive UTC, milliseconds) inside an id such as `ta-01KB1MNAPSD9XH8T7E4VQZ2C5R`.

    None when the id is not a ULID or its time is not plausible (before 2020 or from 2100 on): older ids are random.
    """
    _, separator, ulid = identifier.partition("-")
    if not separator or len(ulid) != _LENGTH or any(character not in _VALUE for character in ulid):
        return None
    milliseconds = 0
    for character in ulid[:_TIME_CHARACTERS]:
        milliseconds = milliseconds * 32 + _VALUE[character]
    if not _EARLIEST.timestamp() * 1000 <= milliseconds < _LATEST.timestamp() * 1000:
        return None
    return dt.datetime(1970, 1, 1) + dt.timedelta(milliseconds=milliseconds)  # noqa: DTZ001 - naive UTC


def encode(prefix: str, milliseconds: int, randomness: int) -> str:
    """Build an id from a Unix time in milliseconds (48 bits) and 80 bits of randomness.

    Raises:
        ValueError: a part that does not fit its bits.
    """
    if not 0 <= milliseconds < 2**48 or not 0 <= randomness < 2**80:
        raise ValueError("a ULID holds 48 bits of time and 80 bits of randomness")
    value = milliseconds << 80 | randomness
    characters = [ALPHABET[value >> shift & 31] for shift in range(125, -5, -5)]
    return f"{prefix}-{''.join(characters)}"
