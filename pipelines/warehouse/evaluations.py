"""What is remembered of validations: the rows that break an expectation now, and how each check did lately.

`quarantine.rows` holds what is wrong with the tables as they were last evaluated: an evaluation replaces what an
earlier one kept of its table within the same days, so rows go when the table is built clean. Raw tables are evaluated
once for every file, so there only what blocks is replaced: warnings about a landed file stay. `meta.check_history`
holds the last evaluations of every check. Both are bounded, and neither is part of the transaction that builds a table.
"""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from pipelines.core.findings import Severity
from pipelines.warehouse.validation import KEPT_ROWS, Outcome, ValidationResult

KEPT_EVALUATIONS = 30
"""Evaluations of a table that `meta.check_history` keeps."""

EVALUATIONS_DDL = """
create table if not exists quarantine.rows (
    table_name varchar not null,
    expectation varchar not null,
    severity varchar not null,
    row_json varchar not null,
    run_id varchar not null,
    seen_at timestamp not null
);
alter table quarantine.rows add column if not exists since date;
alter table quarantine.rows add column if not exists until date;
create table if not exists meta.check_history (
    table_name varchar not null,
    check_name varchar not null,
    run_id varchar not null,
    since date,
    until date,
    checked_at timestamp not null,
    checked_rows bigint not null,
    unexpected_rows bigint not null,
    success boolean not null
);
comment on table quarantine.rows is 'Rows that break an expectation, at most 200 for each expectation';
comment on column quarantine.rows.table_name is 'The table that the row was meant for';
comment on column quarantine.rows.expectation is 'The expectation that the row broke';
comment on column quarantine.rows.severity is 'critical (nothing of that build was kept) or warning';
comment on column quarantine.rows.row_json is 'The row as a JSON object; every value is text, exactly as computed';
comment on column quarantine.rows.run_id is 'The run that met the row';
comment on column quarantine.rows.seen_at is 'When the run met it, UTC';
comment on column quarantine.rows.since is 'First UTC day that was built; null for a table that is always built whole';
comment on column quarantine.rows.until is 'End of the days that were built, exclusive';
comment on table meta.check_history is 'The last 30 evaluations of every check';
"""


@dataclass(frozen=True)
class Evaluated:
    """Which rows of a table were evaluated when, and by which run.

    Attributes:
        run_id: the run.
        at: when, with a timezone.
        since: the first UTC day; None for a table that is always built whole, and for raw tables.
        until: end of these days, exclusive.
    """

    run_id: str
    at: dt.datetime
    since: dt.date | None = None
    until: dt.date | None = None


@dataclass(frozen=True)
class Evaluation:
    """How a check did once; `unexpected_rows` is 0 when it speaks about the table as a whole."""

    checked_at: dt.datetime
    checked_rows: int
    unexpected_rows: int
    success: bool


def record_evaluation(con: duckdb.DuckDBPyConnection, result: ValidationResult, evaluated: Evaluated) -> None:
    """Remember how rows stood up to their suite, in one transaction; call it when no other is open.

    After a rollback, too: the result carries the rows.
    """
    con.execute("begin")
    try:
        _forget_replaced(con, result, evaluated)
        for outcome in result.failures:
            _keep(con, result.suite.table, outcome, evaluated)
        _record_history(con, result, evaluated)
    except BaseException:
        con.execute("rollback")
        raise
    con.execute("commit")


def read_history(con: duckdb.DuckDBPyConnection, table: str) -> Mapping[str, tuple[Evaluation, ...]]:
    """Return the last evaluations of every check of a table, the oldest first."""
    history: dict[str, tuple[Evaluation, ...]] = {}
    for check, *evaluation in con.execute(
        "select check_name, checked_at, checked_rows, unexpected_rows, success from meta.check_history "
        "where table_name = ? order by checked_at",
        [table],
    ).fetchall():
        history[check] = (*history.get(check, ()), Evaluation(*evaluation))
    return history


def _forget_replaced(con: duckdb.DuckDBPyConnection, result: ValidationResult, evaluated: Evaluated) -> None:
    table = result.suite.table
    if table.startswith("raw."):
        replaced = "severity = $critical"
        parameters: dict[str, object] = {"critical": Severity.CRITICAL.value}
    elif evaluated.since is None:
        replaced, parameters = "true", {}
    else:
        replaced = "since is null or (since >= $since and until <= $until)"
        parameters = {"since": evaluated.since, "until": evaluated.until}
    con.execute(
        f"delete from quarantine.rows where table_name = $table and ({replaced})",  # noqa: S608 - one of those above
        {"table": table, **parameters},
    )


def _keep(con: duckdb.DuckDBPyConnection, table: str, outcome: Outcome, evaluated: Evaluated) -> None:
    """Keep the offending rows of an expectation: each once, and of more than KEPT_ROWS the newest."""
    con.execute(
        """
        insert into quarantine.rows (
            table_name, expectation, severity, row_json, run_id, seen_at, since, until
        )
        select $table, $expectation, $severity, row_json, $run_id, $seen_at, $since, $until
        from (select distinct unnest($rows::varchar[]) as row_json)
        where row_json not in (
            select q.row_json from quarantine.rows as q
            where q.table_name = $table and q.expectation = $expectation
        )
        """,
        {
            "table": table,
            "expectation": outcome.expectation.name,
            "severity": outcome.expectation.severity.value,
            "rows": [json.dumps(row, ensure_ascii=False) for row in outcome.offending_rows],
            "run_id": evaluated.run_id,
            "seen_at": _utc(evaluated.at),
            "since": evaluated.since,
            "until": evaluated.until,
        },
    )
    con.execute(
        """
        delete from quarantine.rows where rowid in (
            select q.rowid from quarantine.rows as q
            where q.table_name = $table and q.expectation = $expectation
            order by q.seen_at desc, q.row_json offset $kept
        )
        """,
        {"table": table, "expectation": outcome.expectation.name, "kept": KEPT_ROWS},
    )


def _record_history(con: duckdb.DuckDBPyConnection, result: ValidationResult, evaluated: Evaluated) -> None:
    con.execute(
        """
        insert into meta.check_history
        select $table, unnest($checks::varchar[]), $run_id, $since, $until, $at, $checked_rows,
            unnest($unexpected::bigint[]), unnest($successes::boolean[])
        """,
        {
            "table": result.suite.table,
            "checks": [outcome.expectation.check_name for outcome in result.outcomes],
            "run_id": evaluated.run_id,
            "since": evaluated.since,
            "until": evaluated.until,
            "at": _utc(evaluated.at),
            "checked_rows": result.checked_rows,
            "unexpected": [outcome.unexpected_rows for outcome in result.outcomes],
            "successes": [outcome.success for outcome in result.outcomes],
        },
    )
    con.execute(
        """
        delete from meta.check_history where table_name = $table and checked_at <= (
            select distinct h.checked_at from meta.check_history as h where h.table_name = $table
            order by h.checked_at desc limit 1 offset $kept
        )
        """,
        {"table": result.suite.table, "kept": KEPT_EVALUATIONS},
    )


def _utc(moment: dt.datetime) -> dt.datetime:
    return moment.astimezone(dt.UTC).replace(tzinfo=None)
