import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tieout.report.formats.text import WIDTH, columns, fit, printable, wrap


def test_a_name_keeps_its_beginning_and_its_end() -> None:
    assert fit("get_evolution_progress_modal", 20) == "get_evolut…ess_modal"
    assert fit("short", 20) == "short"


@given(st.text(max_size=200), st.integers(min_value=2, max_value=60))
def test_a_fitted_name_is_never_too_wide(name: str, width: int) -> None:
    assert cell_len(fit(printable(name), width)) <= width


@given(st.text(max_size=300), st.integers(min_value=0, max_value=8))
def test_a_wrapped_text_is_never_too_wide_and_loses_nothing(text: str, indent: int) -> None:
    clean = printable(text)
    wrapped = wrap(clean, indent)
    assert all(cell_len(line) <= WIDTH for line in wrapped.split("\n"))
    assert "".join(wrapped.split()) == "".join(clean.split())


def test_a_wrapped_text_keeps_its_leading_spaces_and_indents_the_rest() -> None:
    first, second = wrap("  - " + "word " * 18, indent=4).split("\n")
    assert first.startswith("  - word")
    assert second == "    word word word"


@pytest.mark.parametrize("char", ["\n", "\r", "\t", "\x00", "\x1b", "\x9b", "\u202e", "\u2028", "\udc80"])
def test_a_character_that_moves_the_cursor_becomes_visible(char: str) -> None:
    assert printable(f"a{char}b") == "a\N{REPLACEMENT CHARACTER}b"


def test_letters_of_every_script_stay() -> None:
    assert printable("naïve 名前 привет …−×") == "naïve 名前 привет …−×"


def test_a_table_is_aligned_under_its_header() -> None:
    assert columns("Name¦>Cost\nfirst¦$1.00\n  second¦$10.00\n  a remark\n-\nTotal¦$11.00\n").split("\n") == [
        "Name        Cost",
        "----------------",
        "first      $1.00",
        "  second  $10.00",
        "  a remark",
        "----------------",
        "Total     $11.00",
    ]


def test_a_table_too_wide_for_the_page_is_written_cell_under_cell() -> None:
    amount = "$123,456,789,012.34"
    table = columns(f"Name¦>One¦>Two¦>Three¦>Four\nfirst¦{amount}¦{amount}¦{amount}¦{amount}\n-\nTotal¦¦¦¦{amount}")
    assert table.split("\n") == [
        "first",
        f"    One: {amount}",
        f"    Two: {amount}",
        f"    Three: {amount}",
        f"    Four: {amount}",
        "-" * WIDTH,
        "Total",
        f"    Four: {amount}",
    ]
