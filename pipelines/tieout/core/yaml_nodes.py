"""YAML as dictionaries and lists that know on which line each of their entries stands.

Belongs here: the two readers. The quick one, by libyaml, knows only what people mostly write; whatever else stands in a
file, a mistake among it, is left to the careful one, by ruamel, which takes forty times as long. Where the quick one
reads a file at all, both read the same.
"""

import datetime as dt
import re
from collections.abc import Iterator
from typing import Any

import yaml
from yaml.events import (
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)

DEEPEST = 40


class YamlMapping(dict[Any, Any]):
    """A mapping, and by its keys the lines on which they stand, counted from 1."""

    def __init__(self) -> None:
        """Begin without entries."""
        super().__init__()
        self.lines: dict[Any, int] = {}


class YamlList(list[Any]):
    """A list, and the lines on which its entries begin, counted from 1."""

    def __init__(self) -> None:
        """Begin without entries."""
        super().__init__()
        self.lines: list[int] = []


class _UnusualError(Exception):
    """Something that the quick reader leaves to the careful one."""


def read_quickly(content: bytes) -> YamlMapping | None:
    """Read a file of plain mappings, lists, texts, numbers, days and truth values.

    Returns:
        its mapping; None where anything else stands in it, or no YAML at all.
    """
    if not hasattr(yaml, "CLoader") or _UNUSUAL_CHARACTER.search(content):
        return None
    try:
        events = yaml.parse(content, Loader=yaml.CLoader)
        _take(events, StreamStartEvent)
        _take(events, DocumentStartEvent)
        mapping = _value(next(events), events, 1)
        _take(events, DocumentEndEvent)
        _take(events, StreamEndEvent)
    except (yaml.YAMLError, _UnusualError):
        return None
    return mapping if isinstance(mapping, YamlMapping) else None


# Tabs; U+0085, U+2028, U+2029 (to some the end of a line) and U+FEFF; directives, and marks between documents; a
# comment where a folded text begins.
_UNUSUAL_CHARACTER = re.compile(
    rb"[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xa8\xa9]|\xef\xbb\xbf|[|>][-+0-9]*#|^(?:%|---|\.\.\.)", re.M
)
_NUMBER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,14})(?P<fraction>\.[0-9]{1,15})?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
# What begins like this is a text, but for some words, which are none in one version of YAML or another.
_TEXT = re.compile(r"[A-Za-z_/(\u00c0-\uffff]")
_WORDS = {"true": True, "false": False, "null": None, "": None}
_WORDS_OF_SOME_VERSION = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


def _take(events: Iterator[Event], kind: type[Event]) -> None:
    event = next(events)
    if not isinstance(event, kind) or getattr(event, "explicit", False):
        raise _UnusualError


def _value(event: Event, events: Iterator[Event], depth: int) -> Any:
    if depth > DEEPEST or getattr(event, "anchor", None) or getattr(event, "tag", None):
        raise _UnusualError
    if isinstance(event, ScalarEvent):
        return event.value if event.style else _plain_scalar(event.value)
    if isinstance(event, MappingStartEvent):
        return _mapping(events, depth)
    if isinstance(event, SequenceStartEvent):
        return _list(events, depth)
    raise _UnusualError


def _mapping(events: Iterator[Event], depth: int) -> YamlMapping:
    mapping = YamlMapping()
    while not isinstance(event := next(events), MappingEndEvent):
        key = _value(event, events, depth + 1)
        if not isinstance(key, str) or key in mapping or key == "<<":
            raise _UnusualError
        mapping.lines[key] = event.start_mark.line + 1
        mapping[key] = _value(next(events), events, depth + 1)
    return mapping


def _list(events: Iterator[Event], depth: int) -> YamlList:
    items = YamlList()
    while not isinstance(event := next(events), SequenceEndEvent):
        items.lines.append(event.start_mark.line + 1)
        items.append(_value(event, events, depth + 1))
    return items


def _plain_scalar(written: str) -> Any:
    if written in _WORDS:
        return _WORDS[written]
    if found := _NUMBER.fullmatch(written):
        return float(written) if found["fraction"] else int(written)
    try:
        if _DAY.fullmatch(written):
            return dt.date.fromisoformat(written)
        if _TIME.fullmatch(written):
            return dt.datetime.fromisoformat(written)
    except ValueError:
        raise _UnusualError from None
    if _TEXT.match(written) and written.lower() not in _WORDS_OF_SOME_VERSION:
        return written
    raise _UnusualError


def read_carefully(content: bytes) -> Any:
    """Read any YAML 1.2.

    Returns:
        what stands at its top: a mapping or list that knows its lines, a value, or None of an empty file. What an alias
        names is the same object wherever it is used.

    Raises:
        ruamel.yaml.error.YAMLError: it is not YAML.
        RecursionError: entries lie in each other too deep.
        ValueError, OverflowError: a value is no number or date.
    """
    from ruamel.yaml import YAML

    return _with_lines(YAML(typ="rt").load(content), {})


def _with_lines(node: Any, known: dict[int, Any]) -> Any:
    """Turn the classes of ruamel into ours, and its scalars into the built-in ones."""
    from ruamel.yaml.comments import CommentedMap, CommentedSeq

    if id(node) in known:
        return known[id(node)]
    if isinstance(node, CommentedMap):
        mapping = known[id(node)] = YamlMapping()
        for key, value in node.items():
            if key in node.lc.data:  # what is merged into it stands elsewhere
                mapping.lines[key] = node.lc.key(key)[0] + 1
            mapping[key] = _with_lines(value, known)
        return mapping
    if isinstance(node, CommentedSeq):
        items = known[id(node)] = YamlList()
        for position, value in enumerate(node):
            items.lines.append(node.lc.item(position)[0] + 1)
            items.append(_with_lines(value, known))
        return items
    for kind in (bool, int, float, str):
        if isinstance(node, kind):
            return kind(node)
    if isinstance(node, dt.datetime):
        return dt.datetime.fromisoformat(node.isoformat())
    return node
