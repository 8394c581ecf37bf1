"""Expectations of a suite as Great Expectations and SQLAlchemy want them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from tieout.core.sql import literal
from tieout.validation.results import ValidationError, times
from tieout.validation.suites import Expectation, Suite

if TYPE_CHECKING:
    from great_expectations.expectations.core.unexpected_rows_expectation import UnexpectedRowsExpectation
    from great_expectations.expectations.expectation import Expectation as GxExpectation

# What SQLAlchemy takes for a parameter in plain SQL: `:name`, but neither `::type` nor `10:40`.
_BIND_PARAMETER = re.compile(r"(?<![:\w\\]):(?=\w)")
# Where DuckDB says a query is wrong, `LINE 3: select …`.
_LINE = re.compile(r"\bLINE (\d+): ")
# How a value lies outside of a range.
_BOUNDS = {"min_value": "<", "max_value": ">"}
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


@dataclass(frozen=True)
class Rules:
    """What SQL can ask of a table at once, as one expectation: that no rule finds a row, and no column a wrong value.

    Most of a suite is asked in one query: singly, each would be parsed, planned and handed through Great Expectations
    and SQLAlchemy on its own, which takes longer than to answer it.

    Attributes:
        asked: the rules in SQL, and what is expected of every value of a column.
        query: the query of all of them.
        last_lines: of each, its last line in the query, counted from 1; DuckDB says by lines what it cannot do.
    """

    asked: tuple[Expectation, ...]
    query: str
    last_lines: tuple[int, ...]

    @classmethod
    def of(cls, expectations: Sequence[Expectation], rows: str, days: tuple[date, date]) -> "Rules | None":
        """Put together what can be; None where nothing can.

        Args:
            expectations: of a suite.
            rows: the relation of the rows to check.
            days: the UTC days that these rows were built for, end exclusive.
        """
        of_values = [(e, wrong) for e in expectations if (wrong := _wrong_where(e)) is not None]
        wrong = "\nor ".join(condition for _, condition in of_values)
        rules = [e for e in expectations if e.sql is not None]
        asked = [
            *([f"select 1 from {rows} where {wrong}"] if of_values else []),  # noqa: S608 - our own names
            *(select_from(rule.rule(rows, days), columns="1") for rule in rules),
        ]
        if not asked:
            return None
        query = "\nunion all ".join(f"({each} limit 1)" for each in asked)
        lines = [*(condition for _, condition in of_values), *asked[bool(of_values) :]]
        lengths = accumulate(each.count("\n") + 1 for each in lines)
        return cls((*(e for e, _ in of_values), *rules), query, tuple(lengths))

    @property
    def name(self) -> str:
        """What the expectation is called; none of a suite can be, as their names have no full stop."""
        return "Nothing is found."

    def build(self) -> "GxExpectation":
        """Make the expectation that Great Expectations runs; it wants its batch in it, where no line moves."""
        query = f"{_escaped(self.query)}\nunion all (select 1 from {{batch}} where false)"  # noqa: S608 - as above
        return _rule_class()(unexpected_rows_query=query, meta={"name": self.name}, description=self.name)

    def named_by(self, message: str) -> Expectation | None:
        """Return the expectation that an error of DuckDB is about; None where it names no line."""
        found = _LINE.search(message)
        line = int(found[1]) if found else self.last_lines[-1] + 1
        return next((each for each, last in zip(self.asked, self.last_lines, strict=True) if line <= last), None)


def _wrong_where(expectation: Expectation) -> str | None:
    """Return the condition of a row whose value of a column is not as expected; None where that is not all.

    A null is neither in a set nor outside of it, nor of a range, for Great Expectations as for SQL.
    """
    match expectation.type, expectation.kwargs:
        case "expect_column_values_to_not_be_null", {"column": str(column), **others} if not others:
            return f'"{column}" is null'
        case "expect_column_values_to_be_in_set", {"column": str(column), "value_set": [*values], **others} if (
            not others and values and all(isinstance(value, str) for value in values)
        ):
            return f'"{column}" not in ({", ".join(map(literal, values))})'
        case "expect_column_values_to_be_between", {"column": str(column), **bounds} if (
            bounds and bounds.keys() <= _BOUNDS.keys() and all(type(bound) is int for bound in bounds.values())
        ):
            return " or ".join(f'"{column}" {_BOUNDS[name]} {bound}' for name, bound in bounds.items())
    return None


def _query_of_rule(rule: str) -> str:
    """Translate a rule on _ROWS, which become a parenthesis: `{batch}` alone has an alias only in some queries."""
    query = _escaped(select_from(rule)).replace(_ROWS, "(select * from {batch})")
    if "{batch}" in query:
        return query
    # Great Expectations wants its batch in every query, also where a rule only looks for what is not there.
    return f"with unread as (select * from {{batch}}) {query}"  # noqa: S608 - as above, texts of this project


def _escaped(query: str) -> str:
    """Escape what Great Expectations and SQLAlchemy would read as theirs."""
    return _BIND_PARAMETER.sub(r"\\:", query.replace("{", "{{").replace("}", "}}"))


def select_from(sql: str, *, columns: str = "*") -> str:
    """Select columns from the rows of another select."""
    return f"select {columns} from {_subquery(sql)}"  # noqa: S608  both are texts of this project, not input


def _subquery(sql: str) -> str:
    """Put a select in parentheses; the line break ends a comment on its last line."""
    return f"({sql.strip().rstrip(';')}\n)"
