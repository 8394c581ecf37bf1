"""JSON with an indent of two, character by character what `json.dumps(value, indent=2, ensure_ascii=False)` returns.

Python indents piece by piece in Python, which takes four times as long as to encode without an indent in C. Here what
holds no other container is encoded in C, with line break and indent as a part of the separator: no text that is
encoded has a line break in it, so what stands between two objects of a list is found by it.
"""

import json
from collections.abc import Iterator
from functools import cache
from json.encoder import encode_basestring
from typing import Any

_AT_ONCE = 1000
_CONTAINERS = frozenset({dict, list, tuple})
_TOP = "\n"


def indented(value: Any) -> str:
    """Return a value of texts, numbers, truth values, nulls, lists, tuples, and dictionaries by text as JSON."""
    return "".join(indented_parts(value))


def indented_parts(value: Any) -> Iterator[str]:
    """Return the same in parts of a thousand members, so that nobody holds all of a long list."""
    if not isinstance(value, list | tuple) or len(value) <= _AT_ONCE:
        yield _text(value, _TOP)
        return
    for first in range(0, len(value), _AT_ONCE):
        members = _text(value[first : first + _AT_ONCE], _TOP)
        yield f"{',' if first else '['}{members[1 : -len(_TOP) - 1]}"
    yield f"{_TOP}]"


def _text(value: Any, outer: str) -> str:
    """Encode a value; `outer` is line break and indent of the container that it stands in."""
    if type(value) is str:
        return encode_basestring(value)
    if type(value) not in _CONTAINERS or not value:
        return _encoder("").encode(value)
    inner = f"{outer}  "
    if _is_flat(value):
        flat = _encoder(inner).encode(value)
        return f"{flat[0]}{inner}{flat[1:-1]}{outer}{flat[-1]}"
    between = f",{inner}"
    if type(value) is dict:
        members = between.join([f"{encode_basestring(name)}: {_text(held, inner)}" for name, held in value.items()])
        return f"{{{inner}{members}{outer}}}"
    if all(type(member) is dict and member and _is_flat(member) for member in value):
        innermost = f"{inner}  "
        rows = _encoder(innermost).encode(value)[2:-2]
        rows = rows.replace(f"}},{innermost}{{", f"{inner}}},{inner}{{{innermost}")
        return f"[{inner}{{{innermost}{rows}{inner}}}{outer}]"
    return f"[{inner}{between.join([_text(member, inner) for member in value])}{outer}]"


def _is_flat(value: Any) -> bool:
    return _CONTAINERS.isdisjoint(map(type, value.values() if type(value) is dict else value))


@cache
def _encoder(between: str) -> json.JSONEncoder:
    return json.JSONEncoder(ensure_ascii=False, separators=(f",{between}", ": "))
