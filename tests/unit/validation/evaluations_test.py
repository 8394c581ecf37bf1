"""What is remembered of validations: the rows that break a rule now."""

import datetime as dt
import json
from collections.abc import Iterator

import duckdb
import pytest

from tieout.core.findings import Severity
from tieout.validation.quarantine import Evaluated, record_evaluations
from tieout.validation.results import KEPT_ROWS, ExpectationOutcome, ValidationResult
from tieout.validation.suites import Expectation, Suite
from tieout.warehouse.schema import migrate

NOW = dt.datetime(2026, 11, 16, 8, 30, tzinfo=dt.timezone(dt.timedelta(hours=1)))
W45, W46 = (dt.date(2026, 11, 2), dt.date(2026, 11, 9)), (dt.date(2026, 11, 9), dt.date(2026, 11, 16))
BOTH_WEEKS = (W45[0], W46[1])


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        migrate(connection)
        yield connection


def evaluation(
    *hours: int, table: str = "spend.hourly", severity: Severity = Severity.CRITICAL, rule: str = "Nothing is negative"
) -> ValidationResult:
    """The rows of these hours break a rule; without any, it holds."""
    expectation = Expectation(rule, severity, None, {}, "select * from {table}", 1)
    rows = tuple({"hour": str(hour), "amount_usd": "-0.10", "function": None} for hour in hours)
    outcome = ExpectationOutcome(
        expectation, not hours, checked_rows=168, unexpected_rows=len(rows), offending_rows=rows
    )
    return ValidationResult(Suite(table, "expectations/x.yaml", (expectation,)), 168, (outcome,))


def record(
    con: duckdb.DuckDBPyConnection,
    result: ValidationResult,
    days: tuple[dt.date, dt.date] | None = W46,
    *,
    minutes: int = 0,
    run_id: str = "run-1",
) -> None:
    at = NOW + dt.timedelta(minutes=minutes)
    record_evaluations(con, [(result, Evaluated(run_id, at, *(days or (None, None))))])


def kept_hours(con: duckdb.DuckDBPyConnection) -> list[int]:
    rows = con.execute("select row_json from quarantine.rows").fetchall()
    return sorted(int(json.loads(row)["hour"]) for (row,) in rows)


def test_offending_rows_are_kept_as_text_with_their_run_and_days(con: duckdb.DuckDBPyConnection) -> None:
    record(con, evaluation(1))
    [kept] = con.execute("select * from quarantine.rows").fetchall()
    assert kept[:3] == ("spend.hourly", "Nothing is negative", "critical")
    assert json.loads(kept[3]) == {"hour": "1", "amount_usd": "-0.10", "function": None}
    assert kept[4:] == ("run-1", dt.datetime(2026, 11, 16, 7, 30), *W46)  # noqa: DTZ001 - stored naive, as UTC


def test_rows_go_when_the_table_is_built_clean(con: duckdb.DuckDBPyConnection) -> None:
    record(con, evaluation(1, 2))
    record(con, evaluation())
    assert kept_hours(con) == []


def test_a_build_of_other_days_leaves_the_rows(con: duckdb.DuckDBPyConnection) -> None:
    record(con, evaluation(1), W45)
    record(con, evaluation(), W46)
    assert kept_hours(con) == [1]
    record(con, evaluation(), BOTH_WEEKS)
    assert kept_hours(con) == []


def test_a_build_of_some_days_leaves_the_rows_of_a_longer_one(con: duckdb.DuckDBPyConnection) -> None:
    record(con, evaluation(1), BOTH_WEEKS)
    record(con, evaluation(), W46)
    assert kept_hours(con) == [1]


def test_a_table_that_is_built_whole_replaces_all_its_rows(con: duckdb.DuckDBPyConnection) -> None:
    record(con, evaluation(1, 2), None)
    record(con, evaluation(2, 3), None)
    assert kept_hours(con) == [2, 3]


def test_the_rows_of_other_tables_stay(con: duckdb.DuckDBPyConnection) -> None:
    record(con, evaluation(1, table="spend.pools"))
    record(con, evaluation())
    assert kept_hours(con) == [1]


def test_a_row_that_is_met_again_is_kept_once(con: duckdb.DuckDBPyConnection) -> None:
    record(con, evaluation(1), W45)
    record(con, evaluation(1), W46)
    assert kept_hours(con) == [1]


def test_a_warning_about_a_landed_file_stays_and_what_blocked_goes_once_it_passes(
    con: duckdb.DuckDBPyConnection,
) -> None:
    landed = Evaluated("run-1", NOW, is_of_new_rows=True)
    for severity, hour in ((Severity.WARNING, 1), (Severity.CRITICAL, 2)):
        broken = evaluation(hour, table="raw.files", severity=severity, rule=severity.value)
        record_evaluations(con, [(broken, landed)])
    record_evaluations(con, [(evaluation(table="raw.files"), landed)])
    assert kept_hours(con) == [1]


def test_a_refused_file_that_was_repaired_is_not_shown_any_more(con: duckdb.DuckDBPyConnection) -> None:
    record(con, evaluation(1, table="raw.rejected_files", severity=Severity.WARNING), None)
    record(con, evaluation(table="raw.rejected_files", severity=Severity.WARNING), None)
    assert kept_hours(con) == []


def test_of_many_rows_the_newest_are_kept(con: duckdb.DuckDBPyConnection) -> None:
    record(con, evaluation(*range(KEPT_ROWS)), W45)
    record(con, evaluation(*range(1000, 1050)), W46, minutes=1)
    hours = kept_hours(con)
    assert len(hours) == KEPT_ROWS
    assert hours[-50:] == list(range(1000, 1050))


def test_what_was_evaluated_with_all_rows_stays_beside_the_rows_of_some_days(con: duckdb.DuckDBPyConnection) -> None:
    record(con, evaluation(1), None)
    for hours in ((2,), ()):
        record_evaluations(con, [(evaluation(*hours), Evaluated("run-2", NOW, *W46, is_beside_others=True))])
        assert kept_hours(con) == [1, *hours]
