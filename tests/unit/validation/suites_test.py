"""Suite files: what a person may write, and what a mistake is answered with."""

import re
from pathlib import Path
from textwrap import dedent

import pytest

from tieout.core.findings import Severity
from tieout.validation.suites import SuiteError, all_suites, check_name, load_suite

RIGHT = """\
    table: spend.hourly
    expectations:
      - name: Every amount belongs to a function
        severity: critical
        type: expect_column_values_to_not_be_null
        kwargs: {column: function}
      - name: Nothing is negative
        severity: warning
        sql: select * from {table} where amount_usd < 0
    """


def written(folder: Path, text: str, name: str = "spend/hourly.yaml") -> Path:
    """Write one suite file below `folder`/expectations and return that folder."""
    path = folder / "expectations" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(text), encoding="utf-8")
    return folder / "expectations"


def complaint_about(folder: Path, text: str) -> str:
    with pytest.raises(SuiteError) as raised:
        load_suite("spend.hourly", directory=written(folder, text))
    return str(raised.value)


def test_a_suite_keeps_what_its_file_says(tmp_path: Path) -> None:
    suite = load_suite("spend.hourly", directory=written(tmp_path, RIGHT))

    assert suite.table == "spend.hourly"
    assert suite.file == "expectations/spend/hourly.yaml"
    complete, positive = suite.expectations
    assert (complete.name, complete.severity, complete.line) == (
        "Every amount belongs to a function",
        Severity.CRITICAL,
        3,
    )
    assert (complete.type, dict(complete.kwargs)) == ("expect_column_values_to_not_be_null", {"column": "function"})
    assert (positive.sql, positive.severity) == ("select * from {table} where amount_usd < 0", Severity.WARNING)


def test_a_sentence_becomes_the_name_of_a_check() -> None:
    assert check_name("Every pool equals the bill") == "every_pool_equals_the_bill"
    assert check_name("  Σ spend = Σ bill, at 0 – “exactly” ") == "spend_bill_at_0_exactly"
    assert check_name("Año 2026") == "ano_2026"


def test_a_table_without_a_suite_is_told_which_file_to_write(tmp_path: Path) -> None:
    folder = written(tmp_path, RIGHT)
    with pytest.raises(SuiteError, match=r"expectations/spend/pools\.yaml: spend\.pools has no suite"):
        load_suite("spend.pools", directory=folder)


NOT_NULL = "type: expect_column_values_to_not_be_null"


@pytest.mark.parametrize(
    ("right", "wrong", "answer"),
    [
        (
            "severity: critical",
            "severity: fatal",
            ":4: expectation 1: severity: must be 'critical' or 'warning'",
        ),
        (
            "severity: critical",
            "severty: critical",
            ":4: expectation 1: severty: there is no such field; did you mean severity?",
        ),
        ("    severity: critical\n", "", ":3: expectation 1: severity: this field is missing"),
        ("kwargs: {column: function}", "kwargs: [function]", ":6: expectation 1: kwargs: "),
        ("{column: function}", "{column: function, mostly: 0.9}", ":6: expectation 1: kwargs: `mostly` lets bad rows"),
        (NOT_NULL, "type: expect_column_values_to_match_regex", ":5: expectation 1: type: does not run on DuckDB"),
        (NOT_NULL, "type: expect_column_values_to_be_of_type", ":5: expectation 1: type: does not run on DuckDB"),
        (NOT_NULL, "type: column_is_fine", ":5: expectation 1: type: is not an expectation"),
        ("{table}", "spend.hourly", ":9: expectation 2: sql: must read from {table}, the rows to check, or name"),
        ("table: spend.hourly", "table: hourly", ":1: table: "),
        ("table: spend.hourly", "table: spend.pools", ":1: table: 'spend.pools' belongs to another file"),
        ("is negative", "is negative.", ":7: expectation 2: name: write a sentence without a full stop"),
        ("Nothing is negative", "12", ":7: expectation 2: name: must be a text; put it in quotes (found 12)"),
        ("Nothing is negative", "every AMOUNT belongs to a function!", ":7: expectation 2: name: "),
    ],
)
def test_a_mistake_is_answered_with_file_line_and_field(tmp_path: Path, right: str, wrong: str, answer: str) -> None:
    text = dedent(RIGHT).replace(right, wrong, 1)
    assert f"expectations/spend/hourly.yaml{answer}" in complaint_about(tmp_path, text)


def test_two_sentences_that_give_the_same_check_are_both_named(tmp_path: Path) -> None:
    text = dedent(RIGHT).replace("Nothing is negative", "every AMOUNT belongs to a function!")
    complaint = complaint_about(tmp_path, text)
    assert "gives the same check as 'Every amount belongs to a function' on line 3" in complaint


def test_a_suite_expects_something(tmp_path: Path) -> None:
    complaint = complaint_about(tmp_path, "table: spend.hourly\nexpectations: []\n")
    assert complaint.startswith("expectations/spend/hourly.yaml:2: expectations: ")


def test_text_that_is_no_yaml_is_answered_with_its_line(tmp_path: Path) -> None:
    complaint = complaint_about(tmp_path, "table: spend.hourly\nexpectations: [\n")
    assert re.match(r"expectations/spend/hourly\.yaml:\d: not YAML", complaint)


def test_a_field_that_stands_twice_is_refused(tmp_path: Path) -> None:
    complaint = complaint_about(tmp_path, "table: spend.hourly\ntable: spend.hourly\n")
    assert re.match(r"expectations/spend/hourly\.yaml:2: not YAML: .*table", complaint, re.DOTALL)


def test_a_list_is_no_suite(tmp_path: Path) -> None:
    assert complaint_about(tmp_path, "- a\n").startswith(
        "expectations/spend/hourly.yaml:1: expected `key: value` lines"
    )


def test_every_mistake_of_a_file_is_named_at_once(tmp_path: Path) -> None:
    text = dedent(RIGHT).replace("critical", "fatal").replace("{table}", "spend.hourly")
    assert len(complaint_about(tmp_path, text).splitlines()) == 2


def test_an_expectation_is_of_one_kind(tmp_path: Path) -> None:
    both = dedent(RIGHT) + "    type: expect_column_to_exist\n"
    assert "either `type` (with `kwargs`) or `sql`" in complaint_about(tmp_path, both)
    arguments = dedent(RIGHT) + "    kwargs: {column: a}\n"
    assert "a rule in `sql` takes none" in complaint_about(tmp_path, arguments)


SHARED = """\
    table: spend.hourly
    shared:
      by_function: select function, sum(amount_usd) as amount_usd from {table} group by all
    expectations:
      - name: Nothing costs less than nothing
        severity: critical
        sql: select * from {by_function} where amount_usd < 0
      - name: Nothing costs a fortune
        severity: warning
        sql: select * from {by_function} where amount_usd > 1000000
    """


def test_what_several_rules_read_stands_once(tmp_path: Path) -> None:
    suite = load_suite("spend.hourly", directory=written(tmp_path, SHARED))

    assert suite.shared_selects("(from rows)") == {
        "by_function": "select function, sum(amount_usd) as amount_usd from (from rows) group by all"
    }
    assert [expectation.sql for expectation in suite.expectations] == [
        "select * from temp.by_function where amount_usd < 0",
        "select * from temp.by_function where amount_usd > 1000000",
    ]


@pytest.mark.parametrize(
    ("right", "wrong", "answer"),
    [
        (
            "from {by_function} where amount_usd > 1",
            "from {by_app} where amount_usd > 1",
            ":1: a rule reads {by_app}",
        ),
        (
            "from {by_function} where amount_usd > 1",
            "from {table} where amount_usd > 1",
            ":1: fewer than two rules",
        ),
        ("from {table}", "from spend.hourly", ":2: shared: by_function must read from {table}"),
        ("by_function:", "ByFunction:", ":3: shared.ByFunction.[key]: String should match"),
    ],
)
def test_what_is_shared_is_read(tmp_path: Path, right: str, wrong: str, answer: str) -> None:
    assert f"expectations/spend/hourly.yaml{answer}" in complaint_about(
        tmp_path, dedent(SHARED).replace(right, wrong, 1)
    )


def test_all_suites_are_found_by_table(tmp_path: Path) -> None:
    written(tmp_path, RIGHT)
    folder = written(tmp_path, RIGHT.replace("spend.hourly", "raw.files"), "raw/files.yaml")
    assert list(all_suites(directory=folder)) == ["raw.files", "spend.hourly"]


def test_every_check_of_the_project_has_a_name_that_dagster_accepts() -> None:
    for suite in all_suites().values():
        names = [expectation.check_name for expectation in suite.expectations]
        assert len(set(names)) == len(names)
        assert all(re.fullmatch(r"[A-Za-z0-9_]+", name) for name in names)
