"""The ledger of what was landed: contents, their deliveries, refusals, and the paths that need no second look.

The outcome does not depend on the order in which files arrive. A content is recorded once. Every pull of it (sidecar)
is a delivery of its own, so that an old state that comes back is again the newest. A copy by hand counts only while no
pull of the content is known, and of several such copies the earliest counts.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import duckdb

from pipelines.sources.landing import Fingerprint, LandingFile, RejectionError
from pipelines.sources.raw_schema import append_tuples


@dataclass(frozen=True)
class Content:
    """A distinct content, as raw.files keeps it; times are naive UTC."""

    source: str
    sha256: str
    path: str
    bytes: int
    environment: str | None
    app: str | None
    function: str | None
    month: dt.date | None
    report_kind: str | None
    resolution: str | None
    content_start: dt.datetime | None
    content_end: dt.datetime | None
    row_count: int


@dataclass(frozen=True)
class Delivery:
    """One arrival of a content; times are naive UTC, the range is null where it covers nothing."""

    file_id: int
    path: str
    fetched_at: dt.datetime
    range_start: dt.datetime | None
    range_end: dt.datetime | None
    has_sidecar: bool
    client_version: str | None


def known_contents(con: duckdb.DuckDBPyConnection, identities: Sequence[str]) -> dict[str, int]:
    """Return the file_id of every identity that is already in raw.files."""
    rows = con.execute(
        "select sha256, file_id from raw.files where sha256 in (select unnest($1))", [list(identities)]
    ).fetchall()
    return dict(rows)


def next_file_id(con: duckdb.DuckDBPyConnection) -> int:
    """Return the number after the highest one given so far."""
    # fetchall, not fetchone: DuckDB 2.0 refuses other work while a result is not read to its end.
    rows = con.execute("select coalesce(max(file_id), 0) + 1 from raw.files").fetchall()
    return int(rows[0][0])


def record_contents(con: duckdb.DuckDBPyConnection, contents: Sequence[tuple[int, Content]], now: dt.datetime) -> None:
    """Add new contents, each with the file_id given to it; `now` is naive UTC."""
    append_tuples(
        con,
        "files",
        [
            (
                *(file_id, content.source, content.sha256, content.path, content.bytes),
                *(content.environment, content.app, content.function),
                *(content.month, content.report_kind, content.resolution),
                *(content.content_start, content.content_end, content.row_count, now),
            )
            for file_id, content in contents
        ],
    )


def record_deliveries(con: duckdb.DuckDBPyConnection, arrived: Sequence[Delivery]) -> list[Delivery]:
    """Bring raw.deliveries up to date with what arrived.

    Returns:
        The deliveries that were not known or that changed a known one.
    """
    kept: dict[int, list[Delivery]] = _known_deliveries(con, {delivery.file_id for delivery in arrived})
    news: list[Delivery] = []
    replaced: set[int] = set()
    for delivery in sorted(arrived, key=_precedence):
        known = kept.setdefault(delivery.file_id, [])
        if not _is_news(delivery, known):
            continue
        if any(not other.has_sidecar for other in known):
            replaced.add(delivery.file_id)
            known[:] = [other for other in known if other.has_sidecar]
            news = [other for other in news if other.file_id != delivery.file_id or other.has_sidecar]
        known.append(delivery)
        news.append(delivery)
    if replaced:
        con.execute(
            "delete from raw.deliveries where not has_sidecar and file_id in (select unnest($1))", [sorted(replaced)]
        )
    _insert_deliveries(con, news)
    return news


def _precedence(delivery: Delivery) -> tuple[bool, dt.datetime, str]:
    return not delivery.has_sidecar, delivery.fetched_at, delivery.path


def _is_news(delivery: Delivery, known: Sequence[Delivery]) -> bool:
    if delivery.has_sidecar:
        said = (delivery.fetched_at, delivery.range_start, delivery.range_end)
        pulls = [other for other in known if other.has_sidecar]
        return all(said != (other.fetched_at, other.range_start, other.range_end) for other in pulls)
    return all(_precedence(delivery) < _precedence(other) for other in known)


def _known_deliveries(con: duckdb.DuckDBPyConnection, file_ids: Iterable[int]) -> dict[int, list[Delivery]]:
    rows = con.execute(
        """
        select file_id, path, fetched_at, range_start, range_end, has_sidecar, client_version
        from raw.deliveries where file_id in (select unnest($1))
        """,
        [sorted(file_ids)],
    ).fetchall()
    known: dict[int, list[Delivery]] = {}
    for row in rows:
        known.setdefault(row[0], []).append(Delivery(*row))
    return known


def _insert_deliveries(con: duckdb.DuckDBPyConnection, deliveries: Sequence[Delivery]) -> None:
    append_tuples(
        con,
        "deliveries",
        [
            (
                *(delivery.file_id, delivery.path, delivery.fetched_at),
                *(delivery.range_start, delivery.range_end),
                *(delivery.has_sidecar, delivery.client_version),
            )
            for delivery in deliveries
        ],
    )


def scanned(con: duckdb.DuckDBPyConnection) -> dict[str, Fingerprint]:
    """Return the paths that are loaded, each with the fingerprint that it had."""
    rows = con.execute(
        "select path, bytes, mtime_ns, sidecar_bytes, sidecar_mtime_ns from raw.scanned_paths"
    ).fetchall()
    return {row[0]: Fingerprint(*row[1:]) for row in rows}


def record_scanned(con: duckdb.DuckDBPyConnection, files: Sequence[LandingFile]) -> None:
    """Remember files as loaded, which also clears an earlier refusal of the same path."""
    forget(con, [file.name for file in files])
    append_tuples(
        con,
        "scanned_paths",
        [
            (
                *(file.name, file.fingerprint.bytes, file.fingerprint.mtime_ns),
                *(file.fingerprint.sidecar_bytes, file.fingerprint.sidecar_mtime_ns),
            )
            for file in files
        ],
    )


def record_rejections(
    con: duckdb.DuckDBPyConnection,
    rejections: Sequence[tuple[LandingFile, RejectionError, str | None]],
    now: dt.datetime,
) -> None:
    """Write down refused files, each with the hash of the file as landed; `now` is naive UTC."""
    forget(con, [file.name for file, _, _ in rejections])
    append_tuples(
        con,
        "rejected_files",
        [
            (file.name, file.source, sha256, problem.reason, problem.detail, problem.fix, now)
            for file, problem, sha256 in rejections
        ],
    )


def forget(con: duckdb.DuckDBPyConnection, paths: Sequence[str]) -> None:
    """Drop what is remembered about paths: that they were scanned, or refused. Loaded rows stay."""
    if paths:
        con.execute("delete from raw.scanned_paths where path in (select unnest($1))", [list(paths)])
        con.execute("delete from raw.rejected_files where path in (select unnest($1))", [list(paths)])


def forget_vanished(con: duckdb.DuckDBPyConnection, present: Iterable[str]) -> None:
    """Drop what is remembered about paths that are no longer in landing/."""
    rows = con.execute("select path from raw.scanned_paths union select path from raw.rejected_files").fetchall()
    forget(con, sorted({path for (path,) in rows} - set(present)))
