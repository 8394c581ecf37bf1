import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tieout.core import indented_json
from tieout.core.indented_json import indented, indented_parts

LETTERS = st.text('ab"\\{}[],: \n東\x07', max_size=6)
TEXTS = LETTERS | st.sampled_from(["},\n  {", '"},{"', "lone \udcff surrogate"])
SINGLE = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
VALUES = st.recursive(
    SINGLE,
    lambda held: st.lists(held) | st.lists(held).map(tuple) | st.dictionaries(TEXTS, held),
    max_leaves=30,
)
ROWS: st.SearchStrategy[Any] = st.lists(st.dictionaries(TEXTS, SINGLE | st.just({}) | st.just([])))


def python_writes(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


@given(value=VALUES | ROWS | st.dictionaries(TEXTS, ROWS))
@example(value=[{"a": {}}, {"a": []}, {}])
@example(value=[{"a": "},\n    {"}, {"b": {}}, {"c": 1}])
@example(value=[[{"a": 1}, {"b": 2}], [], [[]]])
def test_it_is_what_python_writes(value: Any) -> None:
    assert indented(value) == python_writes(value)


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 5])
def test_rows_that_are_encoded_together_or_apart_come_to_the_same(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indented_json, "_AT_ONCE", 2)
    value = [{"at": number, "value": f"{number}"} for number in range(rows)]
    assert indented(value) == python_writes(value)
    assert indented(tuple(range(rows))) == python_writes(list(range(rows)))


def test_nobody_holds_all_of_many_rows() -> None:
    value = [{"function_call_id": f"fc-{number}", "inputs": 1} for number in range(10_000)]
    assert max(map(len, indented_parts(value))) < len(indented(value)) / 9
