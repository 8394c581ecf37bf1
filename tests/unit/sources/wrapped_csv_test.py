"""The modal CLI prints through rich, and so do these tests: what rich breaks is put together again, or refused."""

import csv
import datetime as dt
import io
import json
from collections.abc import Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.console import Console

from tieout.core.money import parse_usd
from tieout.sources.landing import RejectionError
from tieout.sources.wrapped_csv import KNOWN_RESOURCES, WIDTH, may_be_wrapped, unwrap

HEADERS = {
    "object_id": "Object ID",
    "description": "Description",
    "environment": "Environment",
    "interval_start": "Interval Start",
    "resource": "Resource",
    "cost": "Cost",
    "tags": "Tags",
}
PLAIN = ("object_id", "description", "environment", "interval_start", "cost")
RESOURCES = ("object_id", "description", "environment", "interval_start", "resource", "cost")
TAGGED = (*RESOURCES, "tags")
OBJECT_ID = "ap-6Vw0cXq2mTzr1Yb9LkHn3S"
NEW_YEAR = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
Row = tuple[str, ...]

# Everything that rich prints as it stands: no markup, no emoji codes, no tabs. Commas and quotes are CSV's business.
_LETTERS = "abz019-_. ,\"'{}éß日Ω"
names = st.text(_LETTERS, min_size=1, max_size=70).map(str.strip).filter(bool)
labels = st.sampled_from(sorted(KNOWN_RESOURCES)) | names
costs = st.decimals(min_value=-1000, max_value=1000, places=8).map(str) | st.sampled_from(["1.25E-7", "0E-8", "-0E-8"])
starts = st.integers(0, 364 * 24).map(lambda hours: f"{NEW_YEAR + dt.timedelta(hours=hours):%Y-%m-%dT%H}:00:00")
offset_starts = starts.map(lambda start: f"{start}-05:00")
tag_texts = st.dictionaries(names, names, max_size=3).map(json.dumps)
object_ids = st.from_regex(r"(ap|vo|sb|fu)-[0-9A-Za-z]{20,24}", fullmatch=True)


def rows_of(columns: Sequence[str]) -> st.SearchStrategy[list[Row]]:
    kinds = {
        "object_id": object_ids,
        "description": names,
        "environment": st.sampled_from(["main", "dev", "a-very-long-environment-name", "with space"]),
        "interval_start": starts | offset_starts,
        "resource": labels,
        "cost": costs,
        "tags": tag_texts,
    }
    return st.lists(st.tuples(*(kinds[column] for column in columns)), max_size=6)


def printed(columns: Sequence[str], rows: Sequence[Row], *, width: int) -> str:
    """Print a report as `modal billing report --csv > FILE` does."""
    text, file = io.StringIO(), io.StringIO()
    writer = csv.writer(text)
    writer.writerow([HEADERS[column] for column in columns])
    writer.writerows(rows)
    Console(file=file, width=width, highlight=False, color_system=None).print(text.getvalue(), end="")
    return file.getvalue()


def read_back(columns: Sequence[str], text: str) -> list[Row] | None:
    assert may_be_wrapped(text)
    try:
        return [row for _, row in unwrap(text, columns)]
    except RejectionError as rejection:
        assert "--json" in rejection.fix
        return None


@settings(deadline=None, max_examples=60)
@given(rows_of(PLAIN))
def test_a_wrapped_plain_report_gives_its_rows_or_none(rows: list[Row]) -> None:
    assert read_back(PLAIN, printed(PLAIN, rows, width=WIDTH)) in (rows, None)


@settings(deadline=None, max_examples=60)
@given(rows_of(RESOURCES))
def test_a_wrapped_report_with_resources_gives_its_rows_or_none(rows: list[Row]) -> None:
    assert read_back(RESOURCES, printed(RESOURCES, rows, width=WIDTH)) in (rows, None)


@settings(deadline=None, max_examples=60)
@given(rows_of(TAGGED))
@example([(OBJECT_ID, "a" * 17, "main", "2026-11-02T00:00:00", "CPU", "0.5", '{"team": "evolution"}')])
def test_a_wrapped_report_with_tags_gives_its_rows_or_none(rows: list[Row]) -> None:
    assert read_back(TAGGED, printed(TAGGED, rows, width=WIDTH)) in (rows, None)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(
            object_ids,
            st.from_regex(r"[a-z][a-z0-9_.-]{1,30}", fullmatch=True),
            st.sampled_from(["main", "dev"]),
            starts | offset_starts,
            st.sampled_from(sorted(KNOWN_RESOURCES)),
            costs,
        ),
        max_size=8,
    )
)
def test_names_and_labels_that_modal_uses_are_always_read_back(rows: list[Row]) -> None:
    assert read_back(RESOURCES, printed(RESOURCES, rows, width=WIDTH)) == rows


@settings(deadline=None, max_examples=60)
@given(rows_of(TAGGED))
def test_a_wide_terminal_needs_no_joining(rows: list[Row]) -> None:
    text = printed(TAGGED, rows, width=100_000)
    if may_be_wrapped(text):
        assert read_back(TAGGED, text) in (rows, None)


@pytest.mark.parametrize("digits", range(1, 9))
def test_a_cost_cut_anywhere_is_put_together(digits: int) -> None:
    cost = "0.13120000"
    # Pads the name so that the line's 80th column falls behind so many characters of the cost.
    name = "a" * (WIDTH - len(f"{OBJECT_ID},,main,2026-11-02T00:00:00,") - digits)
    rows = [(OBJECT_ID, name, "main", "2026-11-02T00:00:00", cost)]
    text = printed(PLAIN, rows, width=WIDTH)
    assert f"{cost[:digits]}\n{cost[digits:]}\n" in text
    assert read_back(PLAIN, text) == rows
    assert parse_usd(cost[:digits].rstrip(".") or "0") is not None, "each half alone is a number as well"


@pytest.mark.parametrize("label", ["Nvidia A10G", "A100-40GB", "Memory", "RTX PRO 6000"])
@pytest.mark.parametrize("column", range(66, 82))
def test_a_known_label_is_put_together_wherever_it_is_cut(label: str, column: int) -> None:
    name = "a" * (column - len(f"{OBJECT_ID},,main,2026-11-02T00:00:00,"))
    rows = [(OBJECT_ID, name, "main", "2026-11-02T00:00:00", label, "0.25")]
    assert read_back(RESOURCES, printed(RESOURCES, rows, width=WIDTH)) == rows


@pytest.mark.parametrize("label", ["Nvidia X900", "Quantum"])
def test_an_unknown_label_that_is_cut_is_refused(label: str) -> None:
    before = f"{OBJECT_ID},,main,2026-11-02T00:00:00,"
    cut_at = label.find(" ") if " " in label else 3
    name = "a" * (WIDTH - len(before) - cut_at)
    rows = [(OBJECT_ID, name, "main", "2026-11-02T00:00:00", label, "0.25")]
    assert read_back(RESOURCES, printed(RESOURCES, rows, width=WIDTH)) is None


def test_a_name_that_is_cut_is_refused_because_a_space_may_have_stood_there() -> None:
    rows = [(OBJECT_ID, "a" * 60, "main", "2026-11-02T00:00:00", "0.25")]
    text = printed(PLAIN, rows, width=WIDTH)
    with pytest.raises(RejectionError, match="line 2: what stood at the break cannot be told for sure"):
        unwrap(text, PLAIN)


@pytest.mark.parametrize("spaces", [1, 2, 3])
def test_it_is_unsure_how_many_spaces_rich_dropped(spaces: int) -> None:
    name = "a " + "b" * 60 + " " + "d" * 19 + " " * spaces + "c"
    text = printed(PLAIN, [(OBJECT_ID, name, "main", "2026-11-02T00:00:00", "0.25")], width=WIDTH)
    assert "d\nc,main" in text
    assert read_back(PLAIN, text) is None


def test_a_break_behind_a_space_that_is_still_there_is_sure() -> None:
    rows = [(OBJECT_ID, "modal run train.py", "main", "2026-11-02T00:00:00", "Nvidia A10G", "0.25")]
    text = printed(RESOURCES, rows, width=WIDTH)
    assert text.count("\n") == 3
    assert read_back(RESOURCES, text) == rows


def test_a_report_wrapped_at_another_width_is_refused() -> None:
    rows = [(OBJECT_ID, "coral-x-production", "main", "2026-11-02T00:00:00", "0.13120000")]
    with pytest.raises(RejectionError, match="line 2: 4 values where the header has 5") as refusal:
        unwrap(printed(PLAIN, rows, width=60), PLAIN)
    assert "COLUMNS=100000 modal billing report … --csv" in refusal.value.fix


def test_a_lost_continuation_line_is_noticed() -> None:
    rows = [(OBJECT_ID, "coral-x-production", "main", "2026-11-02T00:00:00", "Nvidia A10G", "0.13120000")] * 2
    lines = printed(RESOURCES, rows, width=WIDTH).splitlines(keepends=True)
    assert len(lines) == 5
    with pytest.raises(RejectionError):
        unwrap("".join([*lines[:2], *lines[3:]]), RESOURCES)


def test_a_name_with_a_line_break_in_it_is_kept_when_nothing_was_wrapped() -> None:
    rows = [("ap-1", "two\nlines", "main", "2026-11-02T00:00:00", "0.25")]
    text = printed(PLAIN, rows, width=100_000)
    assert read_back(PLAIN, text) == rows
