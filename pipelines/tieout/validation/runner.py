"""Validation: runs a suite on rows that are not committed yet, with Great Expectations.

The only importer of `great_expectations`. Its import takes seconds, so it happens inside functions. Nothing here
commits, rolls back or opens a socket, and only `write_data_docs` writes files.
"""

import contextlib
import importlib
import importlib.util
import logging
import os
import re
import sys
import weakref
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from tieout.core.findings import Severity
from tieout.core.resources import resource_path
from tieout.validation.suites import ALL_DAYS, Expectation, Suite

if TYPE_CHECKING:
    from great_expectations.core import ExpectationValidationResult
    from great_expectations.data_context.data_context.ephemeral_data_context import EphemeralDataContext
    from great_expectations.datasource.fluent.interfaces import Batch
    from great_expectations.datasource.fluent.sql_datasource import SQLDatasource
    from great_expectations.expectations.core.unexpected_rows_expectation import UnexpectedRowsExpectation
    from great_expectations.expectations.expectation import Expectation as GxExpectation

SAMPLE_ROWS = 10
"""Offending rows that are shown with a broken expectation."""

KEPT_ROWS = 200
"""Offending rows that are read, and kept, of each broken expectation."""

# What SQLAlchemy takes for a parameter in plain SQL: `:name`, but neither `::type` nor `10:40`.
_BIND_PARAMETER = re.compile(r"(?<![:\w\\]):(?=\w)")

# Stands for the rows to check until everything else in a rule is escaped.
_ROWS = "\0"

# Where a suite finds the rows to check.
_VIEW = "rows_to_check"
_TO_CHECK = f"temp.{_VIEW}"

Row = Mapping[str, str | None]


class ValidationError(Exception):
    """An expectation could not be evaluated: a defect of the suite or of the table's SQL, never bad data."""


@dataclass(frozen=True)
class Outcome:
    """How the rows stood up to one expectation.

    Attributes:
        expectation: what was expected.
        success: whether it holds.
        checked_rows: rows that were looked at.
        unexpected_rows: rows that break it; 0 when it speaks about the table as a whole.
        observed: what was found instead, when it speaks about the table as a whole; else None.
        offending_rows: at most KEPT_ROWS of the rows that break it, values as text (None for null).
    """

    expectation: Expectation
    success: bool
    checked_rows: int
    unexpected_rows: int = 0
    observed: str | None = None
    offending_rows: tuple[Row, ...] = ()

    @property
    def sample(self) -> tuple[Row, ...]:
        """The first offending rows, few enough to print."""
        return self.offending_rows[:SAMPLE_ROWS]

    @property
    def summary(self) -> str:
        """One line for a log or a check."""
        if self.success:
            return f"{self.expectation.name}: holds ({self.checked_rows:,} rows checked)"
        if self.observed is not None:
            return f"{self.expectation.name}: broken, found {self.observed}"
        return f"{self.expectation.name}: broken {_times(self.unexpected_rows)} ({self.checked_rows:,} rows checked)"


@dataclass(frozen=True)
class ValidationResult:
    """The outcomes of one suite, in the order of its file; it stays readable after a rollback."""

    suite: Suite
    checked_rows: int
    outcomes: tuple[Outcome, ...]

    @property
    def failures(self) -> tuple[Outcome, ...]:
        """Every broken expectation."""
        return tuple(outcome for outcome in self.outcomes if not outcome.success)

    @property
    def blocking(self) -> tuple[Outcome, ...]:
        """The broken expectations that forbid a commit."""
        return tuple(o for o in self.failures if o.expectation.severity is Severity.CRITICAL)

    @property
    def success(self) -> bool:
        """Whether the rows may be committed; broken warnings do not forbid it."""
        return not self.blocking


class Validator:
    """Runs suites on one connection, inside whatever transaction it is in.

    Keep one for as long as the connection lives: setting up Great Expectations costs more than a small suite. A
    validation runs queries on the connection, so whatever was executed before and not fetched is lost.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        """Prepare for `con`, which stays the caller's to commit, roll back and close."""
        self._con = con
        self._lent = _LentConnection(con)
        # One asset for all rows: Great Expectations writes out its configuration whenever one comes or goes.
        asset = _source_of(_context(), self._lent).add_query_asset("rows", query=self._lent.batch_query)
        self._rows = asset.add_batch_definition_whole_table("rows")

    def validate(self, suite: Suite, *, rows: str, days: tuple[date, date] = ALL_DAYS) -> ValidationResult:
        """Run every expectation of a suite on rows, uncommitted ones included.

        Args:
            suite: what is expected.
            rows: the select of the rows to check.
            days: the UTC days that these rows were built for, end exclusive.

        Raises:
            ValidationError: expectations that could not be evaluated; the message names suite file and line.
        """
        checked_rows = self._show(suite, rows)
        run = _Run(self._con, suite, self._rows.get_batch(), days, checked_rows)
        with _shared_computed(self._con, suite, _TO_CHECK, days):
            result = ValidationResult(suite=suite, checked_rows=checked_rows, outcomes=run.outcomes())
        self._con.execute(f"drop view {_TO_CHECK}")
        return result

    def _show(self, suite: Suite, rows: str) -> int:
        """Let the rows to check be found where every suite looks for them, and count them."""
        try:
            self._con.execute(f"create or replace temp view {_VIEW} as {_select_from(rows)}")
            counted = self._con.execute(f"select count(*) from {_TO_CHECK}").fetchone()  # noqa: S608 - our own name
        except duckdb.Error as error:
            raise ValidationError(f"{suite.file}: the rows to check cannot be read: {error}\n{rows}") from error
        return int(counted[0]) if counted else 0


@contextlib.contextmanager
def _shared_computed(
    con: duckdb.DuckDBPyConnection, suite: Suite, rows: str, days: tuple[date, date]
) -> Iterator[None]:
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
    batch: "Batch"
    days: tuple[date, date]
    checked_rows: int

    def outcomes(self) -> tuple[Outcome, ...]:
        """Ask first only whether each expectation holds, then fetch rows for those that do not."""
        from great_expectations import ExpectationSuite

        built = {e.name: _build(self.suite, e, self.days) for e in self.suite.expectations}
        report = self.batch.validate(
            ExpectationSuite(name=self.suite.table, expectations=list(built.values())),
            result_format={"result_format": "BOOLEAN_ONLY"},
        )
        # Great Expectations answers in an order of its own.
        results = {_name_of(result): result for result in report.results}
        self._refuse_errors(results)
        return tuple(
            self._outcome(expectation, results[expectation.name], built[expectation.name])
            for expectation in self.suite.expectations
        )

    def _outcome(
        self, expectation: Expectation, result: "ExpectationValidationResult", built: "GxExpectation"
    ) -> Outcome:
        if result.success:
            return Outcome(expectation=expectation, success=True, checked_rows=self.checked_rows)
        if expectation.sql is not None:
            return self._broken_rule(expectation)
        return self._broken_expectation(expectation, built)

    def _broken_rule(self, expectation: Expectation) -> Outcome:
        rule = expectation.rule(_TO_CHECK, self.days)
        counted = self.con.execute(_select_from(rule, columns="count(*)")).fetchone()
        cursor = self.con.execute(_select_from(rule) + f" limit {KEPT_ROWS}")
        columns = [column[0] for column in cursor.description or []]
        return Outcome(
            expectation=expectation,
            success=False,
            checked_rows=self.checked_rows,
            unexpected_rows=int(counted[0]) if counted else 0,
            offending_rows=_as_text(dict(zip(columns, row, strict=True)) for row in cursor.fetchall()),
        )

    def _broken_expectation(self, expectation: Expectation, built: "GxExpectation") -> Outcome:
        result = self.batch.validate(
            built,
            result_format={
                "result_format": "BASIC",
                "include_unexpected_rows": True,
                "partial_unexpected_count": KEPT_ROWS,
            },
        )
        self._refuse_errors({expectation.name: result})
        found = result.result
        return Outcome(
            expectation=expectation,
            success=False,
            checked_rows=self.checked_rows,
            unexpected_rows=int(found.get("unexpected_count", 0)),
            observed=str(found["observed_value"]) if "observed_value" in found else None,
            offending_rows=_as_text(found.get("unexpected_rows", ())),
        )

    def _refuse_errors(self, results: Mapping[str, "ExpectationValidationResult"]) -> None:
        errors = {
            f"{self.suite.file}:{expectation.line}: {expectation.name!r} could not be evaluated: {message}": message
            for expectation in self.suite.expectations
            if expectation.name in results and (message := _error_of(results[expectation.name]))
        }
        # The first error aborts the transaction, and everything after it fails for that reason alone.
        causes = [line for line, message in errors.items() if "transaction is aborted" not in message]
        if errors:
            raise ValidationError("\n".join([*(causes or errors), "Correct the suite, or the columns of its table."]))


def write_data_docs(
    con: duckdb.DuckDBPyConnection, suites: Iterable[Suite], directory: Path, *, days: tuple[date, date]
) -> Path:
    """Evaluate suites on their tables as they are, and write Great Expectations' site about them.

    The pages are those of Great Expectations in templates of our own: its own fetch styles, scripts and pictures from
    half a dozen places, and show nothing without them.

    Args:
        con: a connection to a built warehouse; only read from.
        suites: what is expected of which tables.
        directory: where the site goes; what was in it before is replaced.
        days: the UTC days that the tables were built for, end exclusive.

    Returns:
        The first page.

    Raises:
        ValidationError: an expectation cannot be built; the message names suite file and line.
    """
    context = _context()
    import great_expectations as gx
    from great_expectations.render.renderer.site_builder import SiteBuilder
    from jinja2 import ChoiceLoader, FileSystemLoader

    source = _source_of(context, _LentConnection(con))
    for suite in suites:
        asset = source.add_query_asset(suite.table, query=f"select * from {suite.table}")  # noqa: S608 - our own names
        rows = asset.add_batch_definition_whole_table("rows")
        expectations = [_build(suite, expectation, days) for expectation in suite.expectations]
        kept = context.suites.add(gx.ExpectationSuite(name=suite.table, expectations=expectations))
        definition = context.validation_definitions.add(
            gx.ValidationDefinition(name=suite.table, data=rows, suite=kept)
        )
        with _shared_computed(con, suite, suite.table, days):
            definition.run()
    store = {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(directory.absolute())}
    site = SiteBuilder(context, store, site_name="every table that is built")
    templates = FileSystemLoader(resource_path("reports") / "data_docs")
    for pages in (*site.site_section_builders.values(), site.site_index_builder):
        environment = pages.view_class.env
        environment.loader = ChoiceLoader([templates, environment.loader])
    site.clean_site()
    site.build()
    return directory / "index.html"


def _context() -> "EphemeralDataContext":
    _silence_great_expectations()
    _load_at_first_use("scipy", "stats")
    import great_expectations as gx
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        progress_bars=ProgressBarsConfig(globally=False),
        analytics_enabled=False,
    )
    return gx.get_context(mode="ephemeral", project_config=config)


def _source_of(context: "EphemeralDataContext", lent: "_LentConnection") -> "SQLDatasource":
    from great_expectations.datasource.fluent.sql_datasource import SQLDatasource
    from sqlalchemy.pool import StaticPool

    return context.data_sources.add_sql(
        datasource=SQLDatasource(
            name="warehouse",
            connection_string="duckdb://",
            create_temp_table=False,
            kwargs={"creator": lambda: lent, "poolclass": StaticPool},
        )
    )


class _LentConnection:
    """What SQLAlchemy sees of a DuckDB connection that belongs to someone else.

    SQLAlchemy rolls back whenever it hands a connection back to its pool, and closes it in the end; here that would
    undo the very rows that are being checked. So transactions and closing stay with the owner, and Great
    Expectations, which keeps its contexts for good, does not keep the connection.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self._con = weakref.ref(con)
        self.notices: list[str] = []
        self.batch_query = f"select * from {_TO_CHECK}"  # noqa: S608 - our own name

    def cursor(self) -> "_LentCursor":
        con = self._con()
        if con is None:
            raise ReferenceError("the connection to validate on is gone; keep it as long as its Validator")
        return _LentCursor(con, self)

    def commit(self) -> None:
        """Leave the owner's transaction alone."""

    begin = rollback = close = commit


class _LentCursor:
    """A DB-API cursor on the owner's connection; DuckDB has no cursors apart from connections."""

    def __init__(self, con: duckdb.DuckDBPyConnection, connection: _LentConnection) -> None:
        self._con = con
        self.connection = connection

    def execute(self, statement: str, parameters: tuple[Any, ...] = (), _context: Any = None) -> None:
        # Great Expectations reads all rows to learn the names of their columns.
        if statement.strip() == self.connection.batch_query:
            statement += " limit 0"
        self._con.execute(statement, parameters)

    def close(self) -> None:
        """Leave the owner's connection open."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._con, name)


@cache
def _silence_great_expectations() -> None:
    """Send no usage statistics, log nothing (what it would log comes back as a ValidationError), exit quietly."""
    os.environ["GX_ANALYTICS_ENABLED"] = "False"
    logging.getLogger("great_expectations").setLevel(logging.CRITICAL)
    import duckdb_engine  # noqa: F401  registers what is taken back below
    from sqlalchemy import TryCast
    from sqlalchemy.ext.compiler import deregister

    # duckdb-engine hangs a compiler for TRY_CAST on SQLAlchemy, which Great Expectations keeps alive to the end of
    # the process; DuckDB then reports its whole module as leaked on stderr. Nothing here uses TRY_CAST through it.
    deregister(TryCast)


def _load_at_first_use(package: str, child: str) -> None:
    """Give a package a module that loads when somebody uses it; nothing happens where it is loaded already.

    Great Expectations imports scipy's statistics, a quarter of the time of its own import, for expectations that none
    of our suites has.
    """
    parent, name = importlib.import_module(package), f"{package}.{child}"
    # Looking for what is loaded, or is to be loaded, would load it.
    spec = None if name in sys.modules else importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        return
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    setattr(parent, child, module)


@cache
def _rule_class() -> "type[UnexpectedRowsExpectation]":
    from great_expectations.expectations.core.unexpected_rows_expectation import UnexpectedRowsExpectation

    class RuleInSql(UnexpectedRowsExpectation):
        """A rule that only counts the rows that break it; the original fetches them too, in a second scan."""

        metric_dependencies = ("unexpected_rows_query.row_count",)

        def _validate(self, metrics: dict[str, Any], *_: Any, **__: Any) -> dict[str, Any]:
            rows = metrics["unexpected_rows_query.row_count"]
            return {"success": rows == 0, "result": {"observed_value": f"broken {_times(rows)}" if rows else "holds"}}

    return RuleInSql


def _build(suite: Suite, expectation: Expectation, days: tuple[date, date]) -> "GxExpectation":
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
    escaped = _select_from(rule).replace("{", "{{").replace("}", "}}")
    query = _BIND_PARAMETER.sub(r"\\:", escaped).replace(_ROWS, "(select * from {batch})")
    if "{batch}" in query:
        return query
    # Great Expectations wants its batch in every query, also where a rule only looks for what is not there.
    return f"with unread as (select * from {{batch}}) {query}"  # noqa: S608 - as above, texts of this project


def _select_from(sql: str, *, columns: str = "*") -> str:
    return f"select {columns} from {_subquery(sql)}"  # noqa: S608  both are texts of this project, not input


def _subquery(sql: str) -> str:
    """Put a select in parentheses; the line break ends a comment on its last line."""
    return f"({sql.strip().rstrip(';')}\n)"


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number:,} times"


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
