import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tieout.core.resources import resource_path
from tieout.core.yaml_nodes import YamlList, YamlMapping, read_carefully, read_quickly


def with_lines(node: Any) -> Any:
    """The content with its types, and with the lines of all entries."""
    if isinstance(node, YamlMapping):
        return {key: (node.lines[key], with_lines(value)) for key, value in node.items()}
    if isinstance(node, YamlList):
        return list(zip(node.lines, map(with_lines, node), strict=True))
    return type(node), node


def own_files() -> list[Path]:
    return [path for folder in ("expectations", "catalog") for path in sorted(resource_path(folder).rglob("*.yaml"))]


@pytest.mark.parametrize("path", own_files(), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_our_own_files_are_read_quickly_and_as_the_careful_reader_reads_them(path: Path) -> None:
    content = path.read_bytes()
    quickly = read_quickly(content)
    assert quickly is not None
    assert with_lines(quickly) == with_lines(read_carefully(content))


WRITTEN = (
    *("a", "b: ", "c:", "- ", "-", "? ", ": ", ", ", "[", "]", "{", "}", "'", '"', "''", "\\", "\\n", "|", ">", "|-\n"),
    *("&x ", "*x", "!!str ", "<<: *x", "%YAML 1.1\n", "---\n", "...\n", "#", " # c", "\n", "\n  ", "\n    ", "\n- "),
    *("\t", "\r\n", " ", "é", "\u2028", "\x85", "\ufeff", "0", "1", "007", "0o17", "0x1F", "1_000", "+1", "-1", "1.50"),
    *(".5", "1.", "1e5", ".inf", "12:30", "2026-11-02", "2026-13-02", "2026-11-02T14:20:00Z", "2026-11-02 14:20:00"),
    *("2026-11-02T14:20:00+01:00", "2026-11-02T14:20:00.5Z", "yes", "No", "on", "y", "true", "True", "TRUE", "null"),
    *("~", "Null", "nan", "inf", "text of words", "http://x/y", "a:b", "key: value\n", "- item\n", "key:\n  - one\n"),
)


@given(st.lists(st.sampled_from(WRITTEN), min_size=1, max_size=12).map("".join))
@settings(max_examples=300, deadline=None)
@example("a:\n  -\n    b: 1\n  - - 2\n    - 3\n")
@example("a: >\n  folded\n  text\n\n  more\nb: |+\n  kept\n\nc: 1\n")
@example("a: one\n  line more\nb: 'two\n\n  lines'\n")
@example("{a: [1, {b: 2}], 'c': \"d\"}")
@example('a: {b:1, "c":2}\n')
@example("a: 2026-11-02T14:20:00Z\n")
def test_whatever_is_read_quickly_is_read_carefully_the_same(written: str) -> None:
    quickly = read_quickly(written.encode())
    if quickly is not None:
        assert with_lines(quickly) == with_lines(read_carefully(written.encode()))


def test_people_s_values_are_read_quickly() -> None:
    assert read_quickly(
        b"a: 1\nb: 1.5\nc: 2026-11-02\nd: true\ne:\nf: 'no'\ng: [x, -2]\nh: {i: 2026-11-02T14:20:00Z}\n"
    ) == {
        "a": 1,
        "b": 1.5,
        "c": dt.date(2026, 11, 2),
        "d": True,
        "e": None,
        "f": "no",
        "g": ["x", -2],
        "h": {"i": dt.datetime(2026, 11, 2, 14, 20, tzinfo=dt.UTC)},
    }


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"- a\n",
        b"a: 1\na: 2\n",
        b"a: &x 1\nb: *x\n",
        b"a: yes\n",
        b"a: 010\n",
        b"a: \tb\n",
        b"a: !!str 1\n",
        b"---\na: 1\n",
    ],
)
def test_the_rest_is_left_to_the_careful_reader(content: bytes) -> None:
    assert read_quickly(content) is None
