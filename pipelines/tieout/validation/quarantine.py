"""What is remembered of validations: the rows that break an expectation now, in `quarantine.rows`.

An evaluation replaces what an earlier one kept of its table within the same days, so rows go when the table is built
clean. The rows of a landed file are evaluated once, so there only what blocks is replaced: warnings about the file
stay. The table is bounded, and no part of the transaction that builds another.
"""

import datetime as dt
import json
from collections.abc import Iterable
from dataclasses import dataclass

import duckdb

from tieout.core.findings import Severity
from tieout.core.sql import transaction
from tieout.validation.results import KEPT_ROWS, ExpectationOutcome, ValidationResult


@dataclass(frozen=True)
class Evaluated:
    """Which rows of a table were evaluated when, and by which run.

    Attributes:
        run_id: the run.
        at: when, with a timezone.
        since: the first UTC day; None for a table that is always built whole, and for raw tables.
        until: end of these days, exclusive.
        is_of_new_rows: only rows that were never evaluated before, or that blocked: those of newly landed files.
        is_beside_others: the rows of other days stand as they were when all were evaluated together.
    """

    run_id: str
    at: dt.datetime
    since: dt.date | None = None
    until: dt.date | None = None
    is_of_new_rows: bool = False
    is_beside_others: bool = False


def record_evaluations(
    con: duckdb.DuckDBPyConnection, evaluations: Iterable[tuple[ValidationResult, Evaluated]]
) -> None:
    """Remember the rows that broke their suites, in one transaction; call it when no other is open.

    After a rollback, too: the results carry the rows.
    """
    with transaction(con):
        kept = {table for (table,) in con.execute("select distinct table_name from quarantine.rows").fetchall()}
        for result, evaluated in evaluations:
            if result.suite.table in kept:
                _forget_replaced(con, result, evaluated)
            for outcome in result.failures:
                _keep(con, result.suite.table, outcome, evaluated)


def _forget_replaced(con: duckdb.DuckDBPyConnection, result: ValidationResult, evaluated: Evaluated) -> None:
    if evaluated.is_of_new_rows:
        replaced = "severity = $critical"
        parameters: dict[str, object] = {"critical": Severity.CRITICAL.value}
    elif evaluated.since is None:
        replaced, parameters = "true", {}
    else:
        all_days = "false" if evaluated.is_beside_others else "since is null"
        replaced = f"{all_days} or (since >= $since and until <= $until)"
        parameters = {"since": evaluated.since, "until": evaluated.until}
    con.execute(
        f"delete from quarantine.rows where table_name = $table and ({replaced})",  # noqa: S608 - one of those above
        {"table": result.suite.table, **parameters},
    )


def _keep(con: duckdb.DuckDBPyConnection, table: str, outcome: ExpectationOutcome, evaluated: Evaluated) -> None:
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


def _utc(moment: dt.datetime) -> dt.datetime:
    return moment.astimezone(dt.UTC).replace(tzinfo=None)
