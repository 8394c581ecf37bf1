"""Ids as Modal makes them: ULIDs for containers and calls, 22 letters and digits for everything else."""

import hashlib

import numpy as np

from tieout.core.ids import ALPHABET
from tieout.simulator.demand import Integers

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_OBJECT_CHARACTERS = 22
_ULID_TIME_CHARACTERS = 10
_ULID_RANDOM_CHARACTERS = 16


def object_id(prefix: str, name: str) -> str:
    """Return a Modal object id (`ap-`, `fu-` … and 22 letters and digits) that always belongs to that name."""
    value = int.from_bytes(hashlib.sha256(f"{prefix}/{name}".encode()).digest(), "big")
    characters = []
    for _ in range(_OBJECT_CHARACTERS):
        value, remainder = divmod(value, len(_DIGITS))
        characters.append(_DIGITS[remainder])
    return f"{prefix}-{''.join(characters)}"


def ulids(prefix: str, instants_us: Integers, rng: np.random.Generator) -> list[str]:
    """Return one id per instant: the prefix and a ULID whose time is the instant's millisecond."""
    count = len(instants_us)
    shifts = np.arange(5 * (_ULID_TIME_CHARACTERS - 1), -1, -5)
    values = np.empty((count, _ULID_TIME_CHARACTERS + _ULID_RANDOM_CHARACTERS), dtype=np.int64)
    values[:, :_ULID_TIME_CHARACTERS] = (instants_us // 1000)[:, None] >> shifts & 31
    values[:, _ULID_TIME_CHARACTERS:] = rng.integers(0, 32, (count, _ULID_RANDOM_CHARACTERS))
    letters = np.frombuffer(ALPHABET.encode(), dtype=np.uint8)[values]
    texts = np.ascontiguousarray(letters).view(f"S{values.shape[1]}").ravel().astype(str).tolist()
    return [f"{prefix}-{text}" for text in texts]
