"""Validation: uncommitted rows are judged, and nothing is committed or undone."""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import duckdb
import pytest

from tieout.core.findings import Severity
from tieout.validation.gx_expectations import Rules
from tieout.validation.results import KEPT_ROWS, SAMPLE_ROWS, ExpectationOutcome, ValidationError, ValidationResult
from tieout.validation.runner import Validator
from tieout.validation.suites import ALL_DAYS, Expectation, Suite

ROWS = "select * from spend.hourly"


def rule(name: str, sql: str, severity: Severity = Severity.CRITICAL, line: int = 1) -> Expectation:
    return Expectation(name=name, severity=severity, type=None, kwargs={}, sql=sql, line=line)


def expectation(kind: str, *, name: str = "A column is as it should be", line: int = 1, **kwargs: Any) -> Expectation:
    return Expectation(name=name, severity=Severity.CRITICAL, type=kind, kwargs=kwargs, sql=None, line=line)


def suite_of(*expectations: Expectation) -> Suite:
    return Suite(table="spend.hourly", file="expectations/spend/hourly.yaml", expectations=expectations)


COMPLETE = expectation("expect_column_values_to_not_be_null", name="Every row has a function", column="function")
POSITIVE = rule("Nothing is negative", "select * from {table} where amount_usd < 0")


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect()
    connection.execute("create schema spend")
    connection.execute("create table spend.hourly (function varchar, hour timestamp, amount_usd decimal(38, 12))")
    add(connection, [("generate", "2026-11-02 00:00:00", "0.10"), ("evaluate", "2026-11-02 01:00:00", "0.20")])
    yield connection
    connection.close()


def add(con: duckdb.DuckDBPyConnection, rows: Sequence[tuple[str | None, str | None, str | None]]) -> None:
    con.executemany("insert into spend.hourly values (?, ?, ?)", rows)


def count(con: duckdb.DuckDBPyConnection, table: str = "spend.hourly") -> int:
    row = con.execute(f"select count(*) from {table}").fetchone()
    assert row is not None
    return int(row[0])


def only(result: ValidationResult) -> ExpectationOutcome:
    [outcome] = result.outcomes
    return outcome


def test_good_rows_pass(con: duckdb.DuckDBPyConnection) -> None:
    result = Validator(con).validate(suite_of(COMPLETE, POSITIVE), rows=ROWS)

    assert result.success
    assert result.checked_rows == 2
    assert [outcome.expectation for outcome in result.outcomes] == [COMPLETE, POSITIVE]
    assert (
        only(Validator(con).validate(suite_of(POSITIVE), rows=ROWS)).summary
        == "Nothing is negative: holds (2 rows checked)"
    )


def test_rows_that_are_not_committed_are_judged_and_can_still_be_rolled_back(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("begin")
    add(con, [(None, "2026-11-02 02:00:00", "-0.000000000001")])

    result = Validator(con).validate(suite_of(COMPLETE, POSITIVE), rows=ROWS)

    assert [outcome.unexpected_rows for outcome in result.outcomes] == [1, 1]
    assert count(con) == 3
    con.execute("rollback")
    assert count(con) == 2


def test_rows_that_are_not_committed_can_still_be_committed(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("begin")
    add(con, [("report", "2026-11-02 02:00:00", "0.30")])
    assert Validator(con).validate(suite_of(COMPLETE, POSITIVE), rows=ROWS).success
    con.execute("commit")
    assert count(con) == 3


def test_another_reader_does_not_see_what_is_being_validated(con: duckdb.DuckDBPyConnection) -> None:
    other = con.cursor()
    con.execute("begin")
    add(con, [("report", "2026-11-02 02:00:00", "0.30")])
    Validator(con).validate(suite_of(COMPLETE), rows=ROWS)
    assert count(other) == 2


def test_only_the_given_rows_are_judged(con: duckdb.DuckDBPyConnection) -> None:
    add(con, [(None, "2026-10-01 00:00:00", "-1")])
    built = ROWS + " where hour >= timestamp '2026-11-02 00:00:00' and hour < timestamp '2026-11-03'  -- one day;"
    result = Validator(con).validate(suite_of(COMPLETE, POSITIVE), rows=built)
    assert result.success
    assert result.checked_rows == 2


def test_columns_that_nobody_asks_about_are_not_read(con: duckdb.DuckDBPyConnection) -> None:
    rows = "select *, error('read: ' || function) as poison from spend.hourly"
    assert Validator(con).validate(suite_of(COMPLETE), rows=rows).success


def test_a_rule_that_looks_for_what_is_missing_knows_the_days_that_were_built(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        "create table spend.hours as select unnest(range(timestamp '2026-11-02', '2026-11-03', '1 hour')) as hour"
    )
    complete = rule(
        "No hour is missing",
        "select * from spend.hours anti join {table} using (hour) where hour >= {since} and hour < {until}",
    )
    monday = (dt.date(2026, 11, 2), dt.date(2026, 11, 3))
    lost = only(Validator(con).validate(suite_of(complete), rows=ROWS + " where false", days=monday))
    assert (lost.success, lost.unexpected_rows) == (False, 24)
    sunday = (dt.date(2026, 11, 1), dt.date(2026, 11, 2))
    assert Validator(con).validate(suite_of(complete), rows=ROWS, days=sunday).success
    assert only(Validator(con).validate(suite_of(complete), rows=ROWS)).unexpected_rows == 22


def test_a_rule_need_not_read_the_rows(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("create table spend.hours as select timestamp '2026-11-02 10:00:00' as hour")
    none = rule("Nothing was billed", "select * from spend.hours where hour >= {since} and hour < {until}")
    assert only(Validator(con).validate(suite_of(none), rows=ROWS)).unexpected_rows == 1
    october = (dt.date(2026, 10, 1), dt.date(2026, 11, 1))
    assert Validator(con).validate(suite_of(none), rows=ROWS, days=october).success


COSTS = {"costs": "select function, sum(amount_usd) as amount_usd from {table} group by all"}
CHEAP = rule("Nothing is cheap", "select * from temp.costs where amount_usd < 0.15")
DEAR = rule("Nothing is dear", "select * from temp.costs where amount_usd > 0.15", line=2)


def test_what_rules_share_is_computed_from_the_given_rows_and_leaves_nothing(con: duckdb.DuckDBPyConnection) -> None:
    suite = replace(suite_of(CHEAP, DEAR), shared=COSTS)
    validator = Validator(con)

    both = validator.validate(suite, rows=ROWS)
    second = validator.validate(suite, rows=f"{ROWS} where function = 'evaluate'")

    assert [outcome.offending_rows for outcome in both.outcomes] == [
        ({"function": "generate", "amount_usd": "0.100000000000"},),
        ({"function": "evaluate", "amount_usd": "0.200000000000"},),
    ]
    assert [outcome.success for outcome in second.outcomes] == [True, False]
    assert count(con, "duckdb_tables() where temporary") == 0
    assert count(con, "duckdb_views() where temporary and not internal") == 0


def test_what_rules_share_and_cannot_be_computed_is_our_defect(con: duckdb.DuckDBPyConnection) -> None:
    suite = replace(suite_of(CHEAP, DEAR), shared={"costs": "select nothing from {table}"})
    with pytest.raises(ValidationError, match=r"hourly\.yaml: shared: costs cannot be computed: .*nothing"):
        Validator(con).validate(suite, rows=ROWS)


def test_no_rows_break_no_rule(con: duckdb.DuckDBPyConnection) -> None:
    result = Validator(con).validate(suite_of(COMPLETE, POSITIVE), rows=ROWS + " where false")
    assert result.success
    assert result.checked_rows == 0


@pytest.mark.parametrize(
    "expected", [COMPLETE, rule("Every row has a function", "select * from {table} where function is null")]
)
def test_a_failure_counts_and_shows_the_offending_rows(con: duckdb.DuckDBPyConnection, expected: Expectation) -> None:
    add(con, [(None, f"2026-11-02 0{hour}:00:00.5", "0.000000000001") for hour in range(2, 6)])

    outcome = only(Validator(con).validate(suite_of(expected), rows=ROWS))

    assert (outcome.success, outcome.checked_rows, outcome.unexpected_rows) == (False, 6, 4)
    assert len(outcome.sample) == 4
    assert outcome.sample[0] == {"function": None, "hour": "2026-11-02 02:00:00.500000", "amount_usd": "0.000000000001"}
    assert outcome.summary == "Every row has a function: broken 4 times (6 rows checked)"


@pytest.mark.parametrize(
    "expected", [COMPLETE, rule("Every row has a function", "select * from {table} where function is null")]
)
def test_of_many_offending_rows_all_are_counted_and_some_are_kept(
    con: duckdb.DuckDBPyConnection, expected: Expectation
) -> None:
    con.execute("insert into spend.hourly select null, timestamp '2026-11-03', i from range(1000) as t (i)")
    outcome = only(Validator(con).validate(suite_of(expected), rows=ROWS))
    assert outcome.unexpected_rows == 1000
    assert (len(outcome.offending_rows), len(outcome.sample)) == (KEPT_ROWS, SAMPLE_ROWS)


@pytest.mark.parametrize(
    ("expected", "wrong"),
    [
        (expectation("expect_column_values_to_not_be_null", column="name"), 1),
        (expectation("expect_column_values_to_be_in_set", column="name", value_set=["it's", "b"]), 1),
        (expectation("expect_column_values_to_be_between", column="number", min_value=2), 2),
        (expectation("expect_column_values_to_be_between", column="number", max_value=2), 1),
        (expectation("expect_column_values_to_be_between", column="number", min_value=2, max_value=2), 3),
    ],
    ids=lambda value: str(dict(value.kwargs)) if isinstance(value, Expectation) else str(value),
)
def test_what_is_asked_at_once_is_what_great_expectations_asks_alone(
    con: duckdb.DuckDBPyConnection, expected: Expectation, wrong: int
) -> None:
    con.execute(
        "create table t as select unnest([1, -1, 2, 3, null]) as number, unnest(['it''s', 'b', 'c', 'b', null]) as name"
    )
    together = Rules.of([expected], "t", ALL_DAYS)
    assert together is not None and together.asked == (expected,)
    assert con.execute(together.query).fetchall() == [(1,)]

    suite = suite_of(expected)
    assert only(Validator(con).validate(suite, rows="from t")).unexpected_rows == wrong
    condition = together.query.partition(" where ")[2].removesuffix(" limit 1)")
    right = f"select * from t where ({condition}) is not true"
    assert Validator(con).validate(suite, rows=right).success
    assert con.execute(f"select count(*) from ({right})").fetchall() == [(5 - wrong,)]


@pytest.mark.parametrize(
    "tolerant",
    [
        expectation("expect_column_values_to_not_be_null", column="function", mostly=0.4),
        expectation("expect_column_values_to_be_in_set", column="function", value_set=["generate"], mostly=0.4),
        expectation("expect_column_values_to_be_between", column="amount_usd", min_value=1, mostly=0.0),
    ],
    ids=lambda each: each.type,
)
def test_what_tolerates_some_rows_is_left_to_great_expectations(
    con: duckdb.DuckDBPyConnection, tolerant: Expectation
) -> None:
    assert Rules.of([tolerant], ROWS, ALL_DAYS) is None
    assert Validator(con).validate(suite_of(tolerant), rows=ROWS).success


def test_money_in_a_sample_keeps_its_digits(con: duckdb.DuckDBPyConnection) -> None:
    add(con, [("generate", None, "-12345678901234567890.123456789012")])
    outcome = only(Validator(con).validate(suite_of(POSITIVE), rows=ROWS))
    assert outcome.sample[0]["amount_usd"] == "-12345678901234567890.123456789012"


def test_an_expectation_about_the_whole_table_says_what_it_found(con: duckdb.DuckDBPyConnection) -> None:
    expected = expectation("expect_table_row_count_to_be_between", name="There are rows enough", min_value=3)
    outcome = only(Validator(con).validate(suite_of(expected), rows=ROWS))
    assert (outcome.success, outcome.observed, outcome.sample) == (False, "2", ())
    assert outcome.summary == "There are rows enough: broken, found 2"


def test_a_broken_warning_does_not_forbid_a_commit(con: duckdb.DuckDBPyConnection) -> None:
    add(con, [("generate", None, "-1")])
    tolerant = rule("Nothing is negative", "select * from {table} where amount_usd < 0", Severity.WARNING)

    warned = Validator(con).validate(suite_of(tolerant, COMPLETE), rows=ROWS)
    assert warned.success
    assert [outcome.expectation.name for outcome in warned.failures] == ["Nothing is negative"]

    stopped = Validator(con).validate(suite_of(POSITIVE, COMPLETE), rows=ROWS)
    assert not stopped.success
    assert stopped.blocking == stopped.failures


@pytest.mark.parametrize(
    "sql",
    [
        "select t.* from {table} as t where t.amount_usd < 0",
        "select b.* from {table} as a inner join {table} as b using (function) where a.amount_usd < 0  -- a pair",
        "with rows_below as (select * from {table} where amount_usd < 0) select * from rows_below;",
        "select * from {table} where amount_usd < 0 and function like '%' and '10:40 :x {y}' like '% :x {y}'",
        "select * from {table} where amount_usd < 0 and {'a':1}.a = 1 and not regexp_matches(function, '^[a-z]{40}')",
        "select function, sum(amount_usd)::decimal(38, 12) as usd from {table} group by all having sum(amount_usd) < 0",
    ],
)
def test_a_rule_is_plain_duckdb_sql(con: duckdb.DuckDBPyConnection, sql: str) -> None:
    sound = Validator(con).validate(suite_of(rule("Nothing is negative", sql)), rows=ROWS)
    assert sound.success
    add(con, [("report", None, "-1")])
    broken = only(Validator(con).validate(suite_of(rule("Nothing is negative", sql)), rows=ROWS))
    assert broken.unexpected_rows == 1
    assert broken.sample[0]["function"] == "report"


def test_a_rule_may_read_other_tables_as_they_are_in_the_transaction(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("begin")
    con.execute("create table spend.pools as select sum(amount_usd) as billed_usd from spend.hourly")
    conserved = rule(
        "Spend equals the bill",
        "select p.billed_usd from spend.pools as p where p.billed_usd != (select sum(amount_usd) from {table})",
    )
    assert Validator(con).validate(suite_of(conserved), rows=ROWS).success
    add(con, [("report", None, "0.000000000001")])
    assert not Validator(con).validate(suite_of(conserved), rows=ROWS).success


@pytest.mark.parametrize(
    ("broken", "cause"),
    [
        (rule("A rule with a typo", "select * from {table} where amount < 0", line=7), "amount"),
        (expectation("expect_column_values_to_not_be_null", line=7, column="amount"), "amount"),
        (
            expectation("expect_column_values_to_be_just_right", line=7, column="hour"),
            "expect_column_values_to_be_just_right",
        ),
        (expectation("expect_column_values_to_be_in_set", line=7, column="function"), "value_set"),
    ],
)
def test_an_expectation_that_cannot_be_evaluated_is_our_defect_and_names_its_line(
    con: duckdb.DuckDBPyConnection, broken: Expectation, cause: str
) -> None:
    con.execute("begin")
    with pytest.raises(ValidationError, match=r"expectations/spend/hourly\.yaml:7: ") as raised:
        Validator(con).validate(suite_of(COMPLETE, broken, POSITIVE), rows=ROWS)
    assert cause in str(raised.value)
    assert "Every row has a function" not in str(raised.value), "only the cause is named"
    con.execute("rollback")
    assert Validator(con).validate(suite_of(COMPLETE, POSITIVE), rows=ROWS).success


@pytest.mark.parametrize(
    ("sql", "place"),
    [
        ("select *\nfrom {table}\nwhere amount < 0", r":12: 'The third'"),
        ("select * from {table}\nwhere function::integer = 1  -- not a number", r":12: 'The third'"),
        ("select * from {table} where error('no line ' || function) is null", r": one of its rules"),
    ],
)
def test_of_many_rules_the_one_that_cannot_be_evaluated_is_named_where_duckdb_says_its_line(
    con: duckdb.DuckDBPyConnection, sql: str, place: str
) -> None:
    rules = (
        rule("The first", "select *\nfrom {table}\nwhere amount_usd < 0  -- none", line=4),
        rule("The second", "select * from {table} where function is null", line=9),
        rule("The third", sql, line=12),
        rule("The fourth", "select * from {table}\nwhere hour is null", line=16),
    )
    with pytest.raises(ValidationError, match=rf"expectations/spend/hourly\.yaml{place} could not be evaluated"):
        Validator(con).validate(suite_of(COMPLETE, *rules), rows=ROWS)


def test_of_many_rules_those_that_are_broken_are_told_apart(con: duckdb.DuckDBPyConnection) -> None:
    add(con, [("report", None, "-1"), ("report", None, "-2")])
    rules = (
        POSITIVE,
        rule("Every row has a function", "select * from {table} where function is null"),
        rule("Every row has an hour", "select * from {table} where hour is null", Severity.WARNING),
        rule("Nothing is cheap", "select * from {table} where amount_usd < -1"),
    )
    found = Validator(con).validate(suite_of(*rules), rows=ROWS)
    assert [(each.success, each.unexpected_rows) for each in found.outcomes] == [
        (False, 2),
        (True, 0),
        (False, 2),
        (False, 1),
    ]
    assert [each.expectation.name for each in found.blocking] == ["Nothing is negative", "Nothing is cheap"]


def test_rows_that_cannot_be_read_are_our_defect(con: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(ValidationError, match=r"expectations/spend/hourly\.yaml: the rows to check cannot be read"):
        Validator(con).validate(suite_of(COMPLETE), rows="select * from spend.daily")


def test_rows_with_something_like_a_parameter_are_read_as_they_are(con: duckdb.DuckDBPyConnection) -> None:
    add(con, [(":generate", "2026-11-02 02:00:00", "0.30")])
    assert Validator(con).validate(suite_of(COMPLETE), rows=ROWS + " where function = ':generate'").checked_rows == 1


def test_one_validator_serves_many_tables_and_periods(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("create table spend.pools as select 'generate' as function, 1::decimal(38, 12) as amount_usd")
    validator = Validator(con)
    pools = Suite(table="spend.pools", file="expectations/spend/pools.yaml", expectations=(COMPLETE, POSITIVE))

    assert validator.validate(suite_of(COMPLETE), rows=ROWS).checked_rows == 2
    assert validator.validate(pools, rows="select * from spend.pools").checked_rows == 1
    con.execute("alter table spend.hourly rename column function to name")
    with pytest.raises(ValidationError):
        validator.validate(suite_of(COMPLETE), rows=ROWS)
    renamed = expectation("expect_column_values_to_not_be_null", column="name")
    assert validator.validate(suite_of(renamed), rows=ROWS + " where name = 'generate'").checked_rows == 1


def test_the_connection_stays_open_when_its_validator_goes(con: duckdb.DuckDBPyConnection) -> None:
    Validator(con).validate(suite_of(COMPLETE), rows=ROWS)
    assert count(con) == 2
