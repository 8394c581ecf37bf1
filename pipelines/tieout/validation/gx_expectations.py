"""Expectations of a suite as Great Expectations and SQLAlchemy want them."""

import re
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any

from tieout.validation.results import ValidationError, times
from tieout.validation.suites import Expectation, Suite

if TYPE_CHECKING:
    from great_expectations.expectations.core.unexpected_rows_expectation import UnexpectedRowsExpectation
    from great_expectations.expectations.expectation import Expectation as GxExpectation

# What SQLAlchemy takes for a parameter in plain SQL: `:name`, but neither `::type` nor `10:40`.
_BIND_PARAMETER = re.compile(r"(?<![:\w\\]):(?=\w)")
# Stands for the rows to check until everything else in a rule is escaped.
_ROWS = "\0"


@cache
def _rule_class() -> "type[UnexpectedRowsExpectation]":
    from great_expectations.expectations.core.unexpected_rows_expectation import UnexpectedRowsExpectation

    class RuleInSql(UnexpectedRowsExpectation):
        """A rule that only counts the rows that break it; the original fetches them too, in a second scan."""

        metric_dependencies = ("unexpected_rows_query.row_count",)

        def _validate(self, metrics: dict[str, Any], *_: Any, **__: Any) -> dict[str, Any]:
            rows = metrics["unexpected_rows_query.row_count"]
            return {"success": rows == 0, "result": {"observed_value": f"broken {times(rows)}" if rows else "holds"}}

    return RuleInSql


def build_expectation(suite: Suite, expectation: Expectation, days: tuple[date, date]) -> "GxExpectation":
    """Make the expectation that Great Expectations runs.

    Raises:
        ValidationError: it knows no such expectation, or not with these arguments.
    """
    from great_expectations.exceptions.exceptions import ExpectationNotFoundError
    from great_expectations.expectations.registry import get_expectation_impl

    said: dict[str, Any] = {
        "meta": {"name": expectation.name},
        "description": expectation.name,
        "severity": expectation.severity.value,
    }
    try:
        if expectation.sql is not None:
            return _rule_class()(unexpected_rows_query=_query_of_rule(expectation.rule(_ROWS, days)), **said)
        return get_expectation_impl(expectation.type or "")(**expectation.kwargs, **said)
    except (ExpectationNotFoundError, ValueError, TypeError) as error:
        where = f"{suite.file}:{expectation.line}"
        raise ValidationError(f"{where}: {expectation.name!r} cannot be built: {error}") from error


def _query_of_rule(rule: str) -> str:
    """Translate a rule on _ROWS, and escape what Great Expectations and SQLAlchemy would read as theirs.

    The rows become a parenthesis in any case: `{batch}` alone has an alias in some queries and none in others.
    """
    escaped = select_from(rule).replace("{", "{{").replace("}", "}}")
    query = _BIND_PARAMETER.sub(r"\\:", escaped).replace(_ROWS, "(select * from {batch})")
    if "{batch}" in query:
        return query
    # Great Expectations wants its batch in every query, also where a rule only looks for what is not there.
    return f"with unread as (select * from {{batch}}) {query}"  # noqa: S608 - as above, texts of this project


def select_from(sql: str, *, columns: str = "*") -> str:
    """Select columns from the rows of another select."""
    return f"select {columns} from {_subquery(sql)}"  # noqa: S608  both are texts of this project, not input


def _subquery(sql: str) -> str:
    """Put a select in parentheses; the line break ends a comment on its last line."""
    return f"({sql.strip().rstrip(';')}\n)"
