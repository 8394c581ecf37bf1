"""YAML that knows its lines: a mistake is reported with the file, the line, and the entry counted as people count.

`functions.yaml:12: function 4, configuration 2: gpu: no such resource`.
"""

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, TypeAlias, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from tieout.core.bounded import in_mib
from tieout.core.errors import TieoutError
from tieout.core.suggestions import did_you_mean
from tieout.core.yaml_nodes import DEEPEST, YamlList, YamlMapping, read_carefully, read_quickly

Location: TypeAlias = Sequence[str | int]
"""The way to a value from the top: keys, and positions in lists from 0."""

_SAID_BY_US = "value_error"
_UNKNOWN_FIELD = "extra_forbidden"
# What was written is not repeated where our own words hold it, where nothing is there, or where it may be a secret.
_WITHOUT_VALUE = frozenset({_SAID_BY_US, "missing", _UNKNOWN_FIELD})
# The words of pydantic's that say what a program should be given, not what a person should write.
_WORDS = {
    "missing": "this field is missing",
    "int_parsing": "must be a whole number, without a unit",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "string_type": "must be a text; put it in quotes",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "date_from_datetime_parsing": "must be a day like 2026-11-02",
    "date_parsing": "must be a day like 2026-11-02",
    "date_type": "must be a day like 2026-11-02",
    "dict_type": "must have fields of its own",
    "model_type": "must have fields of its own",
}

LARGEST_YAML = 2 << 20
_MOST_VALUES = 100_000
_FIRST_YEAR, _LAST_YEAR = 2000, 2199
_LARGEST_NUMBER = 10**15
_KEY_TWICE = re.compile(r'found duplicate key "(?P<key>[^"]*)"')
# No name holds forty digits in a row, no number such an exponent.
_TOO_LONG = re.compile(rb"[0-9_]{40,}|0[xX][0-9A-Fa-f_]{20,}|0[oO][0-7_]{25,}|\b[0-9.]+[eE][+-]?[0-9]{4,}\b")

_M = TypeVar("_M", bound=BaseModel)


@dataclass(frozen=True)
class YamlDocument:
    """A YAML file with a mapping at its top.

    Attributes:
        name: what messages call the file.
        content: its mapping.
        error: what is raised about it.
    """

    name: str
    content: YamlMapping
    error: type[TieoutError]

    def read_as(self, kind: type[_M]) -> _M:
        """Return the content as a model.

        Raises:
            TieoutError: fields are missing, wrong or unknown; all of them are named.
        """
        try:
            return kind.model_validate(_plain(self.content))
        except ValidationError as error:
            fields = _fields_of(kind)
            mistakes = _without_echoes([dict(details) for details in error.errors()])
            first, *others = [(details["loc"], _said(details, fields)) for details in mistakes]
            more = [f"\n{self.place_of(location)}: {_at(location, said)}" for location, said in others]
            raise self.error(_at(*first) + "".join(more), place=self.place_of(first[0])) from None

    def refuse(self, location: Location, problem: str, *, remedy: str | None = None) -> NoReturn:
        """Raise an error about one value."""
        raise self.error(_at(location, problem), place=self.place_of(location), remedy=remedy)

    def line_of(self, location: Location) -> int:
        """Return the line, counted from 1, of the deepest part of a location that is in the file."""
        line = 1
        node: Any = self.content
        for part in location:
            if isinstance(node, YamlMapping) and part in node:
                line = node.lines.get(part, line)
            elif isinstance(node, YamlList) and isinstance(part, int) and part < len(node):
                line = node.lines[part]
            else:
                break
            node = node[part]
        return line

    def place_of(self, location: Location) -> str:
        """Return file and line of a location."""
        return f"{self.name}:{self.line_of(location)}"


def parse_yaml(content: bytes, *, name: str, error: type[TieoutError]) -> YamlDocument:
    """Parse a file; an empty one is an empty mapping.

    Args:
        content: the file's bytes.
        name: what messages call it.
        error: what to raise.

    Raises:
        TieoutError: of the given class: it is not YAML, has no mapping at its top, or holds more than people write: a
            number too long, entries too deep in each other, aliases that stand for too much, a year that is none of
            ours.
    """
    _require_size(content, name, error)
    _require_utf8(content, name, error)
    top = read_quickly(content)
    if top is None:
        top = _read_carefully(content, name, error)
    if not isinstance(top, YamlMapping):
        raise error("expected `key: value` lines at the top", place=f"{name}:1")
    parsed = YamlDocument(name, top, error)
    _require_small(parsed)
    return parsed


def _read_carefully(content: bytes, name: str, error: type[TieoutError]) -> Any:
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        top = read_carefully(content)
    except RecursionError:
        raise _too_deep(error, f"{name}:{_line_of_depth(content)}") from None
    except (ValueError, OverflowError) as problem:
        raise error(f"a value that is no number or date: {problem}", place=name) from None
    except MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        line = mark.line + 1 if mark else 1
        raise error(f"not YAML: {_not_yaml(str(problem.problem or problem.context))}", place=f"{name}:{line}") from None
    except YAMLError as problem:
        raise error(f"not YAML: {problem}", place=name) from None
    return YamlMapping() if top is None else top


def _not_yaml(said: str) -> str:
    if "'\\t'" in said:
        return "a tab stands where only blanks may"
    if said == "expected <block end>, but found '<block sequence start>'":
        return "an entry of a list stands where none can; is there a [] above it, or is it indented too far?"
    if found := _KEY_TWICE.match(said):
        return f"{found['key']} is there twice; keep one"
    if said == "mapping values are not allowed here":
        return "a colon stands where none can; does a text with a colon lack quotes, or is a line indented too far?"
    if said.startswith("expected '<document start>'"):
        return "this line belongs to nothing above it; is it indented wrongly, or a line above it gone?"
    if said.startswith("expected ',' or"):
        return f"{said}; is a bracket or a comma missing here, or in the line before?"
    return said


def entry(location: Location) -> str:
    """Word a location for people: entries of lists by number from 1, then the field in them.

    `("functions", 3, "configurations", 1, "gpu")` is `function 4, configuration 2: gpu`.
    """
    entries, field = [], list[str]()
    for part in location:
        if isinstance(part, int):
            *above, listed = field or ["entry"]
            entries.append(".".join([*above, f"{listed.removesuffix('s')} {part + 1}"]))
            field = []
        else:
            field.append(part)
    return ": ".join(filter(None, [", ".join(entries), ".".join(field)]))


def _at(location: Location, said: str) -> str:
    return f"{entry(location)}: {said}" if location else said


def _without_echoes(mistakes: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out that a list is too short where it is because an entry of it is wrong."""
    return [
        mistake
        for mistake in mistakes
        if mistake["type"] != "too_short"
        or all(other["loc"][: len(mistake["loc"])] != mistake["loc"] for other in mistakes if other is not mistake)
    ]


def _fields_of(kind: Any) -> frozenset[str]:
    """The names of all fields of a model and of the models within it."""
    if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return frozenset().union(*map(_fields_of, get_args(kind)))
    return frozenset(kind.model_fields).union(*(_fields_of(field.annotation) for field in kind.model_fields.values()))


def _said(details: dict[str, Any], fields: frozenset[str]) -> str:
    said = str(details["msg"]).removeprefix("Value error, ").replace("Input should be", "must be")
    said = _WORDS.get(details["type"], said)
    if details["type"] == _UNKNOWN_FIELD:
        said = f"there is no such field{did_you_mean(str(details['loc'][-1]), fields)}"
    if details["type"] in _WITHOUT_VALUE or isinstance(details["input"], dict | list):
        return said
    return f"{said} (found {details['input']!r})"


def _plain(node: Any) -> Any:
    """Return built-in dictionaries and lists, without lines."""
    if isinstance(node, dict):
        return {str(key): _plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_plain(value) for value in node]
    return node


def _require_size(content: bytes, name: str, error: type[TieoutError]) -> None:
    if len(content) > LARGEST_YAML:
        raise error(f"the file is larger than {in_mib(LARGEST_YAML)}", place=name, remedy="Keep data out of it.")
    if found := _TOO_LONG.search(content):
        line = content.count(b"\n", 0, found.start()) + 1
        raise error(f"a number of {len(found[0]):,} characters", place=f"{name}:{line}", remedy="Write a shorter one.")


def _require_utf8(content: bytes, name: str, error: type[TieoutError]) -> None:
    try:
        content.decode()
    except UnicodeDecodeError as problem:
        line = content.count(b"\n", 0, problem.start) + 1
        raise error("not UTF-8 text", place=f"{name}:{line}", remedy="Save the file with the encoding UTF-8.") from None


def _too_deep(error: type[TieoutError], place: str) -> TieoutError:
    problem = f"entries lie in each other more than {DEEPEST} deep"
    return error(problem, place=place, remedy="Close the brackets before this line.")


def _line_of_depth(content: bytes) -> int:
    """The line on which brackets, or hyphens of lists within lists, are too deep."""
    depth = 0
    for number, line in enumerate(content.splitlines(), start=1):
        for character in line:
            depth += (character in b"[{") - (character in b"]}")
            if depth > DEEPEST:
                return number
        if line.count(b"- ") > DEEPEST or len(line) - len(line.lstrip(b" ")) > 2 * DEEPEST:
            return number
    return 1


def _require_small(document: YamlDocument) -> None:
    """Refuse aliases that stand for too much, and numbers and dates out of reach; each with its line.

    An alias is counted as often as it is used, because that is how it is read.
    """
    counted = 0
    waiting: list[tuple[tuple[str | int, ...], Any]] = [((), document.content)]
    while waiting:
        location, node = waiting.pop()
        counted += 1
        if len(location) > DEEPEST:
            raise _too_deep(document.error, document.place_of(location))
        if counted > _MOST_VALUES:
            document.refuse(
                location[:1],
                f"more than {_MOST_VALUES:,} values, aliases (*name) counted wherever they are used",
                remedy="Write what is meant, without aliases of aliases.",
            )
        problem = _out_of_reach(node)
        if problem:
            document.refuse(location, problem)
        waiting += [((*location, part), value) for part, value in _parts(node)]


def _parts(node: Any) -> Iterator[tuple[str | int, Any]]:
    if isinstance(node, dict):
        yield from node.items()
    elif isinstance(node, list):
        yield from enumerate(node)


def _out_of_reach(value: Any) -> str | None:
    if isinstance(value, dt.date) and not _FIRST_YEAR <= value.year <= _LAST_YEAR:
        return f"the year {value.year} is not between {_FIRST_YEAR} and {_LAST_YEAR}"
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and not -_LARGEST_NUMBER <= value <= _LARGEST_NUMBER:  # not a number is refused by this, too
        return f"{value!s:.40} is not a number within {_LARGEST_NUMBER:,}"
    return None
