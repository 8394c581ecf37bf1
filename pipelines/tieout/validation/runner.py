"""Runs a suite on rows that are not committed yet, with Great Expectations.

The import of Great Expectations takes seconds, so it happens inside functions. Nothing here commits, rolls back,
writes a file or opens a socket.
"""

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any

import duckdb

from tieout.validation.gx_context import (
    ROWS_TO_CHECK,
    VIEW_TO_CHECK,
    LentConnection,
    ephemeral_context,
    warehouse_source,
)
from tieout.validation.gx_expectations import Rules, build_expectation, select_from
from tieout.validation.results import KEPT_ROWS, ExpectationOutcome, Row, ValidationError, ValidationResult
from tieout.validation.suites import ALL_DAYS, Expectation, Suite

if TYPE_CHECKING:
    from great_expectations.core import ExpectationValidationResult
    from great_expectations.core.batch_definition import BatchDefinition
    from great_expectations.datasource.fluent.interfaces import Batch
    from great_expectations.expectations.expectation import Expectation as GxExpectation


class Validator:
    """Runs suites on one connection, inside whatever transaction it is in.

    Keep one for as long as the connection lives: setting up Great Expectations costs more than a small suite. A
    validation runs queries on the connection, so whatever was executed before and not fetched is lost.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        """Prepare for `con`, which stays the caller's to commit, roll back and close."""
        self._con = con
        self._lent = LentConnection(con)
        # One asset for all rows: Great Expectations writes out its configuration whenever one comes or goes.
        asset = warehouse_source(ephemeral_context(), self._lent).add_query_asset("rows", query=self._lent.batch_query)
        self._rows = asset.add_batch_definition_whole_table("rows")

    def validate(
        self, suite: Suite, *, rows: str, days: tuple[date, date] = ALL_DAYS, spares_what_holds: bool = True
    ) -> ValidationResult:
        """Run every expectation of a suite on rows, uncommitted ones included.

        Args:
            suite: what is expected.
            rows: the select of the rows to check.
            days: the UTC days that these rows were built for, end exclusive.
            spares_what_holds: do not run what is sure to hold where there is no row.

        Raises:
            ValidationError: expectations that could not be evaluated; the message names suite file and line.
        """
        checked_rows = self._show(suite, rows)
        is_all_asked = checked_rows > 0 or not spares_what_holds
        asked = [e for e in suite.expectations if is_all_asked or not e.holds_without_rows]
        run = _Run(self._con, suite, asked, self._rows, days, checked_rows)
        with shared_computed(self._con, suite, ROWS_TO_CHECK, days):
            result = ValidationResult(suite=suite, checked_rows=checked_rows, outcomes=run.outcomes())
        self._con.execute(f"drop view {ROWS_TO_CHECK}")
        return result

    def _show(self, suite: Suite, rows: str) -> int:
        """Let the rows to check be found where every suite looks for them, and count them."""
        try:
            self._con.execute(f"create or replace temp view {VIEW_TO_CHECK} as {rows}")
            counted = self._con.execute(f"select count(*) from {ROWS_TO_CHECK}").fetchone()  # noqa: S608 - our own name
        except duckdb.Error as error:
            raise ValidationError(f"{suite.file}: the rows to check cannot be read: {error}\n{rows}") from error
        return int(counted[0]) if counted else 0


@contextlib.contextmanager
def shared_computed(con: duckdb.DuckDBPyConnection, suite: Suite, rows: str, days: tuple[date, date]) -> Iterator[None]:
    """Compute what several rules read, once for all of them.

    Raises:
        ValidationError: a select that cannot be computed; the message names the suite and the select.
    """
    for name, select in suite.shared_selects(rows, days).items():
        try:
            con.execute(f"create or replace temp table {name} as {select}")
        except duckdb.Error as error:
            raise ValidationError(f"{suite.file}: shared: {name} cannot be computed: {error}") from error
    yield
    # After an error they go with the transaction, or are replaced by the next ones.
    for name in suite.shared:
        con.execute(f"drop table temp.{name}")


@dataclass(frozen=True)
class _Run:
    """One suite on one set of rows."""

    con: duckdb.DuckDBPyConnection
    suite: Suite
    asked: Sequence[Expectation]
    rows: "BatchDefinition[Any]"
    days: tuple[date, date]
    checked_rows: int

    @cached_property
    def batch(self) -> "Batch":
        return self.rows.get_batch()

    def outcomes(self) -> tuple[ExpectationOutcome, ...]:
        """Ask first only whether everything holds, most of it at once, then for rows of what does not."""
        together = self.together
        singly = [e for e in self.asked if together is None or e not in together.asked]
        results = self._results([*self._built(singly), *([together.build()] if together else [])])
        holds_together = together is None or bool(results[together.name].success)
        if together is not None and not holds_together:
            results |= self._results(self._built(e for e in together.asked if e.sql is None))
        return tuple(
            self._of_rule(expectation, is_kept=holds_together)
            if expectation.sql is not None
            else self._outcome(expectation, results.get(expectation.name))
            for expectation in self.suite.expectations
        )

    @cached_property
    def together(self) -> Rules | None:
        """What is asked in one query."""
        return Rules.of(self.asked, ROWS_TO_CHECK, self.days)

    def _built(self, expectations: Iterable[Expectation]) -> "list[GxExpectation]":
        return [build_expectation(self.suite, expectation, self.days) for expectation in expectations]

    def _results(self, expectations: "list[GxExpectation]") -> "dict[str, ExpectationValidationResult]":
        """Evaluate expectations, and return the results by name: Great Expectations has an order of its own."""
        if not expectations:
            return {}
        from great_expectations import ExpectationSuite

        report = self.batch.validate(
            ExpectationSuite(name=self.suite.table, expectations=expectations),
            result_format={"result_format": "BOOLEAN_ONLY"},
        )
        results = {_name_of(result): result for result in report.results}
        self._refuse_errors(results)
        return results

    def _outcome(self, expectation: Expectation, result: "ExpectationValidationResult | None") -> ExpectationOutcome:
        if result is None or result.success:
            return ExpectationOutcome(expectation=expectation, success=True, checked_rows=self.checked_rows)
        return self._broken_expectation(expectation)

    def _of_rule(self, expectation: Expectation, *, is_kept: bool) -> ExpectationOutcome:
        rule = expectation.rule(ROWS_TO_CHECK, self.days)
        counted = None
        if not is_kept and expectation in self.asked:
            counted = self.con.execute(select_from(rule, columns="count(*)")).fetchone()
        if counted is None or counted == (0,):
            return ExpectationOutcome(expectation=expectation, success=True, checked_rows=self.checked_rows)
        cursor = self.con.execute(select_from(rule) + f" limit {KEPT_ROWS}")
        columns = [column[0] for column in cursor.description or []]
        return ExpectationOutcome(
            expectation=expectation,
            success=False,
            checked_rows=self.checked_rows,
            unexpected_rows=int(counted[0]),
            offending_rows=_as_text(dict(zip(columns, row, strict=True)) for row in cursor.fetchall()),
        )

    def _broken_expectation(self, expectation: Expectation) -> ExpectationOutcome:
        result = self.batch.validate(
            build_expectation(self.suite, expectation, self.days),
            result_format={
                "result_format": "BASIC",
                "include_unexpected_rows": True,
                "partial_unexpected_count": KEPT_ROWS,
            },
        )
        self._refuse_errors({expectation.name: result})
        found = result.result
        return ExpectationOutcome(
            expectation=expectation,
            success=False,
            checked_rows=self.checked_rows,
            unexpected_rows=int(found.get("unexpected_count", 0)),
            observed=str(found["observed_value"]) if "observed_value" in found else None,
            offending_rows=_as_text(found.get("unexpected_rows", ())),
        )

    def _refuse_errors(self, results: Mapping[str, "ExpectationValidationResult"]) -> None:
        errors = {
            f"{self.suite.file}{self._place(name, message)} could not be evaluated: {message}": message
            for name, result in results.items()
            if (message := _error_of(result))
        }
        # The first error aborts the transaction, and everything after it fails for that reason alone.
        causes = [line for line, message in errors.items() if "transaction is aborted" not in message]
        if errors:
            raise ValidationError("\n".join([*(causes or errors), "Correct the suite, or the columns of its table."]))

    def _place(self, name: str, message: str) -> str:
        """Say which expectation of the suite cannot be evaluated; of an error without a line, only what it is of."""
        if self.together is None or name != self.together.name:
            found = next(expectation for expectation in self.suite.expectations if expectation.name == name)
        elif (named := self.together.named_by(message)) is None:
            return ": one of its rules"
        else:
            found = named
        return f":{found.line}: {found.name!r}"


def _name_of(result: "ExpectationValidationResult") -> str:
    config = result.expectation_config
    return str((config.meta or {}).get("name")) if config else ""


def _error_of(result: "ExpectationValidationResult") -> str | None:
    """Return why an expectation could not be evaluated, in one line; None if it could."""
    info: dict[str, Any] = result.exception_info or {}
    # One exception, or one for each measurement that the expectation is made of.
    exceptions = [info] if "raised_exception" in info else list(info.values())
    messages = [str(e["exception_message"]) for e in exceptions if e.get("raised_exception")]
    return " ".join(messages[0].split("[SQL:")[0].split()) if messages else None


def _as_text(rows: Iterable[Mapping[str, Any]]) -> tuple[Row, ...]:
    return tuple({str(name): _text(value) for name, value in row.items()} for row in rows)


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    return str(value)
