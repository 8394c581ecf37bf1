"""What is known of all logs together: which of them count, which later ones speak for their calls, and until when.

The driver asks the ledger and the tables of `sql/staging/` themselves, in a DuckDB in memory that holds a row for each
log and no call.
"""

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

from tieout.catalog.models import Catalog
from tieout.core.sql import RIGHT_SUMS, transaction
from tieout.sources import create_raw_schema, ledger
from tieout.sources.landing import RejectionError
from tieout.warehouse.catalog_tables import write_catalog
from tieout.warehouse.models import models_behind
from tieout.warehouse.schema import migrate


@dataclass(frozen=True)
class KnownLog:
    """A log that was read; times are naive UTC.

    Attributes:
        name: its name below the folder of the logs.
        content: what is recorded of its content.
        delivery: what is recorded of its arrival.
        counts: some call of it counts, and no other file brings the same ones.
        is_replaced: a later snapshot speaks for calls of it.
        known: what a task has to know to tell which calls count, as JSON.
    """

    name: str
    content: ledger.Content
    delivery: ledger.Delivery
    counts: bool
    is_replaced: bool
    known: str


@dataclass(frozen=True)
class Knowledge:
    """All logs: those that were read, and why others are refused, by their names."""

    logs: tuple[KnownLog, ...]
    refused: Mapping[str, RejectionError]


def know(logs: Iterable[tuple[str, str]], catalog: Catalog) -> Knowledge:
    """Put together what was read of each log.

    Args:
        logs: names, each with the column `log` of its digest.
        catalog: says which environment a path without one means.
    """
    refused: dict[str, RejectionError] = {}
    read: dict[str, tuple[ledger.Content, ledger.Delivery]] = {}
    for name, said in sorted(logs):
        log = json.loads(said)
        if "refused" in log:
            problem, fix, detail = log["refused"]
            refused[name] = RejectionError(problem, fix=fix, detail=detail)
        else:
            read[name] = (ledger.Content(**_dated(log["content"])), ledger.Delivery(**_dated(log["delivery"])))
    return Knowledge(tuple(_known(read, catalog)), refused)


_TIMES = ("content_start", "content_end", "fetched_at", "range_start", "range_end")


def _dated(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: dt.datetime.fromisoformat(value) if name in _TIMES and isinstance(value, str) else value
        for name, value in values.items()
    }


def _known(read: Mapping[str, tuple[ledger.Content, ledger.Delivery]], catalog: Catalog) -> Iterable[KnownLog]:
    file_ids: dict[str, int] = {}
    for content, _ in read.values():
        file_ids.setdefault(content.sha256, len(file_ids) + 1)
    with duckdb.connect() as con:
        con.execute(RIGHT_SUMS)
        _record(con, read, file_ids, catalog)
        facts = {
            file_id: row
            for file_id, *row in con.execute(
                "select l.file_id, l.environment, l.fetched_at, l.is_replaced, l.is_replaced_whole, "
                "coalesce(list([s.range_start, s.range_end]) filter (where s.file_id is not null), []) "
                "from staging.call_logs as l left join staging.superseded_calls as s on l.file_id = s.file_id "
                "group by all"
            ).fetchall()
        }
    told: set[int] = set()
    for name, (content, delivery) in read.items():
        file_id = file_ids[content.sha256]
        environment, fetched_at, is_replaced, is_whole, replaced = facts[file_id]
        known = {
            "environment": environment,
            "fetched_at": fetched_at.isoformat(),
            "replaced": sorted([moment.isoformat() for moment in stretch] for stretch in replaced),
        }
        counts = not is_whole and file_id not in told
        told.add(file_id)
        yield KnownLog(name, content, delivery, counts, is_replaced, json.dumps(known))


def _record(
    con: duckdb.DuckDBPyConnection,
    read: Mapping[str, tuple[ledger.Content, ledger.Delivery]],
    file_ids: Mapping[str, int],
    catalog: Catalog,
) -> None:
    """Do with the logs what a load does, and work out the tables about them."""
    con.execute("set TimeZone = 'UTC'")
    migrate(con)
    create_raw_schema(con)
    here = catalog.settings.model_copy(update={"usage_engine": "duckdb"})
    write_catalog(con, catalog.model_copy(update={"settings": here}))
    contents = {content.sha256: content for content, _ in reversed(list(read.values()))}
    with transaction(con):
        now = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - naive UTC; nobody asks when
        ledger.record_contents(con, [(file_ids[sha256], content) for sha256, content in contents.items()], now)
        ledger.record_deliveries(
            con,
            [
                ledger.Delivery(**{**vars(delivery), "file_id": file_ids[content.sha256]})
                for content, delivery in read.values()
            ],
        )
        for model in models_behind("staging.call_logs"):
            kind = "view" if model.is_view else "table"
            con.execute(f"create {kind} {model.name} as {model.sql}")
