"""Builds models for one period in one transaction: delete the range, insert, validate the uncommitted rows of each.

All become visible together, or none does: a refused table takes back those that were built before it, so
no floor ever shows days that the floors above it lack.
"""

import contextlib
import datetime as dt
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import duckdb
import polars as pl

from tieout.core.periods import IsoWeek, day_start
from tieout.core.sql import Kind, is_any_filled, literal, relations, transaction
from tieout.validation.quarantine import Evaluated, record_evaluations
from tieout.validation.results import ValidationResult
from tieout.validation.runner import Validator
from tieout.validation.suites import ALL_DAYS, load_suite
from tieout.warehouse import kept_containers
from tieout.warehouse.learned import learned_rows
from tieout.warehouse.models import Model
from tieout.warehouse.parsed import parsed

WEEK = dt.timedelta(days=7)
_GROWS_WITH_CALLS = frozenset({"raw", "staging", "usage"})


@dataclass(frozen=True)
class Period:
    """UTC days to build, end exclusive."""

    since: dt.date
    until: dt.date

    def chunks(self, weeks: int = 1) -> Iterator[tuple[dt.datetime, dt.datetime]]:
        """Cut the period into stretches of so many weeks, which one query can hold in memory, as naive UTC times."""
        since, until = day_start(self.since), day_start(self.until)
        while since < until:
            yield since, min(since + weeks * WEEK, until)
            since += weeks * WEEK

    def weeks(self) -> list[IsoWeek]:
        """The weeks of a period that starts and ends on a Monday."""
        return [IsoWeek.of(since.date()) for since, _ in self.chunks()]

    def widened(self, since: dt.date, until: dt.date) -> "Period":
        """The smallest period that holds this one and the given days."""
        return Period(min(self.since, since), max(self.until, until))


MeasuredRows: TypeAlias = Callable[[Model, Period], pl.DataFrame]


@dataclass(frozen=True)
class KeptTables:
    """What stands in a warehouse; to ask DuckDB takes as long as to write a small table.

    Attributes:
        kinds: what every table and view is, by its qualified name.
        code_versions: what every model was last built with, by its name.
    """

    kinds: Mapping[str, Kind]
    code_versions: Mapping[str, str]

    def is_current(self, model: Model) -> bool:
        """Tell whether a model stands there, made by the SQL that it has now."""
        return self.kinds.get(model.name) == model.kind and self.code_versions.get(model.name) == model.code_version


def kept_tables(con: duckdb.DuckDBPyConnection) -> KeptTables:
    """Read what stands in a warehouse; it holds for every model until that is written."""
    return KeptTables(relations(con), dict(con.execute("select model, code_version from meta.models").fetchall()))


@dataclass(frozen=True)
class BuildResult:
    """What building one model came to.

    Attributes:
        model: the table or view.
        period: the days that were built; None for a table that was built whole, and for views.
        rows: rows in that period.
        by_week: the rows of every week that has some, by its Monday, and of a table without weeks all of them; empty
            where no period was built.
        seconds: time spent, validation included.
        validation_seconds: what of it the validation took.
        validation: how the rows stood up to the table's suite.
    """

    model: Model
    period: Period | None
    rows: int
    by_week: Mapping[dt.date, int]
    seconds: float
    validation_seconds: float
    validation: ValidationResult

    def rows_of(self, week: IsoWeek) -> int:
        """The rows of a week that was asked for; a table that is always built whole has one number for all weeks."""
        return self.rows if self.period is None else self.by_week.get(week.start, 0)


@dataclass(frozen=True)
class Build:
    """What building models together came to.

    Attributes:
        tables: what each came to, in building order. Of what reads a refused table, nothing was built.
        is_committed: False when a critical expectation was broken: every table is as it was before.
    """

    tables: tuple[BuildResult, ...]
    is_committed: bool

    @property
    def validations(self) -> tuple[ValidationResult, ...]:
        """How the rows of each table stood up to its suite."""
        return tuple(table.validation for table in self.tables)


def _unwatched(_model: str) -> None:
    """Tell nobody which model is next."""


def build_models(
    con: duckdb.DuckDBPyConnection,
    models: Sequence[Model],
    period: Period,
    *,
    validator: Validator,
    run_id: str,
    measured: MeasuredRows | None = None,
    begin: Callable[[str], None] = _unwatched,
) -> Build:
    """Build models for a period in one transaction.

    A table whose SQL changed is built anew for every day that it held. When rows break a critical expectation, models
    that do not read them are still tried, so that one build names everything that is wrong; then all of it is rolled
    back, and the rows are kept in `quarantine.rows`.

    Args:
        con: the open warehouse, with no transaction open.
        models: the tables and views, each after those that it reads.
        period: the days to build.
        validator: holds the rows against the suite of each table.
        run_id: what quarantined rows are marked with.
        measured: gives a measured model the rows that it selects from; other models need none.
        begin: is told the name of every model before it is built.
    """
    with transaction(con) as changes:
        tables = tuple(_build_each(con, models, period, validator=validator, measured=measured, begin=begin))
        changes.is_kept = all(table.validation.success for table in tables)
    # What passed in a build that was rolled back is not there; what was kept of the table before still holds.
    judged = (table for table in tables if changes.is_kept or not table.validation.success)
    record_evaluations(con, [(table.validation, _evaluated(table, run_id)) for table in judged])
    return Build(tables, is_committed=changes.is_kept)


def _build_each(
    con: duckdb.DuckDBPyConnection,
    models: Sequence[Model],
    period: Period,
    *,
    validator: Validator,
    measured: MeasuredRows | None,
    begin: Callable[[str], None],
) -> Iterator[BuildResult]:
    refused: set[str] = set()
    before = kept_tables(con)
    for model in models:
        if model.depends_on & refused:
            refused.add(model.name)
            continue
        begin(model.name)
        built = _build(con, model, period, before, validator=validator, measured=measured)
        if not built.validation.success:
            refused.add(model.name)
        yield built
    _record_versions(con, models, before)


def _build(
    con: duckdb.DuckDBPyConnection,
    model: Model,
    period: Period,
    before: KeptTables,
    *,
    validator: Validator,
    measured: MeasuredRows | None,
) -> BuildResult:
    """Write one model and validate it, in the transaction that is open."""
    started = time.monotonic()
    built = write_model(con, model, period, measured, before=before)
    with _computed_once(con, model, _rows_of(model, built)) as rows:
        written = time.monotonic()
        days = ALL_DAYS if built is None else (built.since, built.until)
        validation = validator.validate(load_suite(model.name), rows=rows, days=days)
        validated = time.monotonic()
        by_week = _counted_by_week(con, model, rows, built, validation.checked_rows)
    return BuildResult(
        model=model,
        period=built,
        rows=validation.checked_rows,
        by_week=by_week,
        seconds=time.monotonic() - started,
        validation_seconds=validated - written,
        validation=validation,
    )


def _counted_by_week(
    con: duckdb.DuckDBPyConnection, model: Model, rows: str, built: Period | None, counted: int
) -> dict[dt.date, int]:
    if built is None:
        return {}
    if model.partition is None:
        [(counted,)] = con.execute(f"select count(*) from {model.name}").fetchall()  # noqa: S608 - our own names
        return dict.fromkeys((week.start for week in built.weeks()), counted)
    if len(built.weeks()) == 1:
        return {built.weeks()[0].start: counted}
    return dict(
        con.execute(
            f"select date_trunc('week', {model.partition})::date, count(*) from ({rows}) group by all"  # noqa: S608
        ).fetchall()
    )


@contextlib.contextmanager
def _computed_once(con: duckdb.DuckDBPyConnection, model: Model, rows: str) -> Iterator[str]:
    """Keep the rows of a view while they are validated; else every expectation would compute them anew.

    Views of the floors that grow with the number of calls are left as they are: they cost little more than a copy.
    """
    if not model.is_view or model.schema in _GROWS_WITH_CALLS:
        yield rows
        return
    con.execute(f"create or replace temp table rows_of_view as {rows}")
    yield "select * from temp.rows_of_view"
    con.execute("drop table temp.rows_of_view")


def _evaluated(table: BuildResult, run_id: str) -> Evaluated:
    now, built = dt.datetime.now(dt.UTC), table.period
    if built is None:
        return Evaluated(run_id, now)
    return Evaluated(run_id, now, built.since, built.until, is_beside_others=table.model.keeps_rows)


def write_models(con: duckdb.DuckDBPyConnection, models: Iterable[Model], period: Period) -> None:
    """Write the rows of several models for a period, without validating or describing them; a measured model has none.

    Args:
        con: the open warehouse.
        models: the tables and views, each after those that it reads.
        period: the days to write.
    """
    before, written = kept_tables(con), tuple(models)
    for model in written:
        write_model(con, model, period, before=before, is_described=False)
    _record_versions(con, written, before)


def _record_versions(con: duckdb.DuckDBPyConnection, models: Iterable[Model], before: KeptTables) -> None:
    """Remember the SQL of what was written anew, in one statement: each would take as long as to write a small table.

    Of a refused table it is rolled back with it.
    """
    changed = [model for model in models if not before.is_current(model)]
    if changed:
        con.execute(
            "insert or replace into meta.models select unnest($1::varchar[]), unnest($2::varchar[])",
            [[model.name for model in changed], [model.code_version for model in changed]],
        )


def write_model(
    con: duckdb.DuckDBPyConnection,
    model: Model,
    period: Period,
    measured: MeasuredRows | None = None,
    *,
    before: KeptTables | None = None,
    is_described: bool = True,
) -> Period | None:
    """Write a model's rows for a period into the transaction that is open, without validating them.

    Args:
        con: the open warehouse.
        model: the table or view, after those that it reads.
        period: the days to write.
        measured: gives a measured model the rows that it selects from.
        before: what stood there, where several are written and their SQL is remembered together; read here where it
            is left out.
        is_described: whether table and columns get their comments, which take a tenth of the time of a small table.

    Returns:
        The period that was written; None for a table that was built whole, and for a view without a partition.
    """
    is_alone, before = before is None, before or kept_tables(con)
    kept, is_current = before.kinds.get(model.name), before.is_current(model)
    if kept not in (None, model.kind):  # an earlier version kept a table where it is a view now, or a view
        con.execute(f"drop {kept} {model.name}")
        kept = None
    is_whole = model.partition is None
    if model.is_view:
        if not is_current:  # a view is its text: what stands there reads the tables as they are
            con.execute(f"create or replace view {model.name} as {model.sql}")
    elif model.keeps_rows:
        is_whole = not kept_containers.write(con, model.sql, period.since, period.until, is_kept=is_current)
    elif is_whole:
        with _measured_relation(con, model, period, measured):
            con.execute(parsed(con, f"create or replace table {model.name} as {model.sql}"))
    else:
        if kept and not is_current:
            period = _held_period(con, model, period)
            con.execute(f"drop table {model.name}")
        with _measured_relation(con, model, period, measured):
            _replace_range(con, model, period, is_kept=is_current)
    if is_described and (not is_current or (is_whole and not model.is_view)):
        _comment(con, model)
    if is_alone:
        _record_versions(con, [model], before)
    return None if is_whole else period


@contextlib.contextmanager
def learned_relation(
    con: duckdb.DuckDBPyConnection, model: Model, since: dt.datetime, until: dt.datetime
) -> Iterator[None]:
    """Let a learned model find what the bill of a stretch of time says, while its rows are written."""
    if not model.is_learned:
        yield
        return
    con.register(model.relation, learned_rows(con, since, until))
    yield
    con.unregister(model.relation)


@contextlib.contextmanager
def _measured_relation(
    con: duckdb.DuckDBPyConnection, model: Model, period: Period, measured: MeasuredRows | None
) -> Iterator[None]:
    """Let a measured model find its rows while it is written."""
    if not model.is_measured or measured is None:
        yield
        return
    con.register(model.relation, measured(model, period))
    yield
    # After an error there is nothing to undo: the relation goes with the transaction.
    con.unregister(model.relation)


def _replace_range(con: duckdb.DuckDBPyConnection, model: Model, period: Period, *, is_kept: bool) -> None:
    for since, until in period.chunks(model.weeks_at_once):
        parameters = {"since": since, "until": until}
        with learned_relation(con, model, since, until):
            _replace_stretch(con, model, parameters, is_kept=is_kept)
        is_kept = True


def _replace_stretch(
    con: duckdb.DuckDBPyConnection, model: Model, parameters: Mapping[str, dt.datetime], *, is_kept: bool
) -> None:
    used = {name: parameters[name] for name in model.parameters}
    if not is_kept:
        con.execute(parsed(con, f"create table {model.name} as {model.sql}"), used)
        return
    column = model.partition
    con.execute(f"delete from {model.name} where {column} >= $since and {column} < $until", parameters)  # noqa: S608
    if not model.empty_without or is_any_filled(con, model.empty_without):
        con.execute(parsed(con, f"insert into {model.name} by name {model.sql}"), used)


def _held_period(con: duckdb.DuckDBPyConnection, model: Model, period: Period) -> Period:
    """Return the period and the weeks that a table holds: whole ones, as factors are learned from weeks."""
    column = model.partition
    [(first, last)] = con.execute(f"select min({column})::date, max({column})::date from {model.name}").fetchall()  # noqa: S608
    return period if first is None else period.widened(IsoWeek.of(first).start, IsoWeek.of(last).end)


def _comment(con: duckdb.DuckDBPyConnection, model: Model) -> None:
    con.execute(f"comment on {model.kind} {model.name} is {literal(model.description)}")
    for column, text in model.columns.items():
        con.execute(f'comment on column {model.name}."{column}" is {literal(text)}')


def _rows_of(model: Model, period: Period | None) -> str:
    if period is not None and model.keeps_rows:
        return kept_containers.rows_of_days(period.since, period.until)
    if period is None or model.partition is None:
        return f"select * from {model.name}"  # noqa: S608 - names come from the project's own files
    return (
        f"select * from {model.name} where {model.partition} >= timestamp '{period.since}' "  # noqa: S608
        f"and {model.partition} < timestamp '{period.until}'"
    )
