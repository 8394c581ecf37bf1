"""Finance's file: the tables that others query, copied out of the warehouse and put in place whole.

The file holds the tables of the floor `finance` in its main schema, so that they need no qualifier, and those of
`focus` in a schema of that name. It is written beside the one that is there, in a
storage version that DuckDB reads from 1.2 on, and renamed over it: whoever has the old one open keeps reading it
unchanged, whoever opens the path finds the old or the new one and never anything between. The same warehouse gives the
same content: where only the last days have changed, these are replaced in a copy of the file that was there, and a
file of a new month, of other SQL or of an unknown origin is written from the first row on.
"""

import contextlib
import datetime as dt
import hashlib
import importlib.metadata
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import duckdb

from tieout.catalog.models import Catalog
from tieout.core.files import partial_of, written_whole
from tieout.core.periods import IsoWeek
from tieout.core.sql import RIGHT_SUMS, literal, transaction
from tieout.savings.baseline_lock import BaselineLock
from tieout.savings.week import METHOD_VERSION
from tieout.warehouse.connection import WarehouseError, damage_explained
from tieout.warehouse.models import Model, all_models
from tieout.warehouse.published_days import code_of, first_changed_day, read_contents, record
from tieout.warehouse.weeks import report_hashes

STORAGE_VERSION = "v1.2.0"
"""The format of the file: DuckDB 1.2 and everything later opens it."""

PUBLISHED_FLOORS = ("finance", "focus")
TAGS_COLUMN = "Tags"

_ALIAS = "published"
# As DuckDB calls the opened file by itself: `finance.spend_daily` then names the same table there as in the warehouse.
_FILE_NAME = "finance"
_PUBLISH_AGAIN = "Delete it; `tieout run` publishes it again."
_MAIN_FLOOR = "finance"
_READ_ONLY = 0o444
# A row's day is its own where it is of a day. Other tables are small and written anew.
_DAYS = frozenset({"day", "ChargePeriodStart"})


@dataclass(frozen=True)
class Description:
    """A table that is made at publishing: what it is, and what its columns are, in order."""

    table: str
    text: str
    columns: Mapping[str, str]


ABOUT = Description(
    "finance.about",
    "One row: what this file was made from, when, how far it can be relied on, and whether it ties to the bill.",
    {
        "built_at": "when a week was last built from landed files, UTC",
        "tieout_version": "the version of Tieout that made it; null when it was not installed",
        "method_version": "the version of the method, docs/method.md",
        "first_week": "the first ISO week in it",
        "last_week": "the last one",
        "inputs_sha256": "over inputs_sha256 of all weeks: the same inputs give the same hash",
        "catalog_sha256": "the catalog, as printed on the report",
        "baseline_sha256": "the frozen baseline, as printed on the report; null while none is frozen",
        "settled_until": "everything billed before this time is final, UTC; null where nothing is billed",
        "pools": "billed amounts that were attributed: environment × object × interval × resource",
        "pools_off": "those whose attributed cost is not what was billed; zero, or the file must not be used",
        "billed_usd": "sum of the bill as metered, exact",
        "attributed_usd": "what was attributed of it: the sum of spend_daily",
        "difference_usd": "attributed less billed: zero",
        "has_tags": "whether FOCUS rows carry the tags of the bill, as catalog/billing.yaml says",
    },
)

WEEKS = Description(
    "finance.weeks",
    "The tie-out of every week, and what the week was made from.",
    {
        "week_start": "Monday of the week, UTC",
        "week": "its ISO label, 2026-W46",
        "inputs_sha256": "over everything that the week's tables and report are made from",
        "built_at": "when the week was last built, UTC",
        "pools": "billed amounts that were attributed: environment × object × interval × resource",
        "pools_off": "those whose attributed cost is not what was billed; zero, or the week must not be used",
        "billed_usd": "sum of the bill as metered, exact",
        "attributed_usd": "what was attributed of it: the sum of spend_daily",
        "difference_usd": "attributed less billed: zero",
        "status": "settled, restated or provisional, see spend_daily; null where nothing is billed",
    },
)

DESCRIPTIONS = (ABOUT, WEEKS)

_WEEKS = """
create or replace table published.main.weeks as
with

tied as (
    select
        date_trunc('week', hour)::date as week_start,
        count(*) as pools,
        count(*) filter (where difference_usd != 0) as pools_off,
        sum(billed_usd)::decimal(38, 12) as billed_usd,
        sum(attributed_usd)::decimal(38, 12) as attributed_usd,
        sum(difference_usd)::decimal(38, 12) as difference_usd,
        min(status) as status
    from reconciliation.pools
    group by all
)

select
    w.week_start,
    w.week,
    w.inputs_sha256,
    b.built_at,
    coalesce(t.pools, 0) as pools,
    coalesce(t.pools_off, 0) as pools_off,
    coalesce(t.billed_usd, 0) as billed_usd,
    coalesce(t.attributed_usd, 0) as attributed_usd,
    coalesce(t.difference_usd, 0) as difference_usd,
    t.status
from (
    select
        unnest($starts::date[]) as week_start,
        unnest($labels::varchar[]) as week,
        unnest($hashes::varchar[]) as inputs_sha256
) as w
inner join meta.week_inputs as b on w.week = b.week
left join tied as t on w.week_start = t.week_start
order by w.week_start
"""

_ABOUT = """
create or replace table published.main.about as
with

intervals as (
    select
        min(hour) filter (where not is_settled) as first_unsettled,
        max(hour + case resolution when 'd' then interval 1 day else interval 1 hour end) as billed_until
    from staging.billing_intervals
    where reading = 'now'
)

select
    max(w.built_at) as built_at,
    $tieout_version::varchar as tieout_version,
    $method_version::varchar as method_version,
    min(w.week) as first_week,
    max(w.week) as last_week,
    $inputs_sha256::varchar as inputs_sha256,
    $catalog_sha256::varchar as catalog_sha256,
    $baseline_sha256::varchar as baseline_sha256,
    (select coalesce(first_unsettled, billed_until) from intervals) as settled_until,
    coalesce(sum(w.pools), 0)::bigint as pools,
    coalesce(sum(w.pools_off), 0)::bigint as pools_off,
    coalesce(sum(w.billed_usd), 0)::decimal(38, 12) as billed_usd,
    coalesce(sum(w.attributed_usd), 0)::decimal(38, 12) as attributed_usd,
    coalesce(sum(w.difference_usd), 0)::decimal(38, 12) as difference_usd,
    $has_tags::boolean as has_tags
from published.main.weeks as w
"""


_Fill = Callable[[dt.date | None], dict[str, int]]


@dataclass(frozen=True)
class PublishedFile:
    """What was published: the file, the rows of every table in it, its size, and the time it took."""

    path: Path
    rows: Mapping[str, int]
    size_bytes: int
    seconds: float


def publish(
    con: duckdb.DuckDBPyConnection, path: Path, catalog: Catalog, *, lock: BaselineLock | None = None
) -> PublishedFile:
    """Write finance's file from the warehouse as it is, and put it in the place of the one before.

    Whatever goes wrong, the file that was there stays.

    Args:
        con: the open warehouse, with every table of the published floors built, and no transaction begun.
        path: where the file belongs.
        catalog: the programme.
        lock: the frozen baseline, when there is one.
    """
    started = time.monotonic()
    by_the_day = [model for model in published_models() if model.partition in _DAYS]
    contents, code = read_contents(con, by_the_day), _code(catalog)
    since, fill = first_changed_day(con, path, contents, code), partial(_fill, con, catalog, lock)
    try:
        rows = _put_in_place(con, path, fill, partial(record, con, contents=contents, code=code), since)
    except duckdb.Error:
        if since is None:
            raise
        # A file that cannot be built upon is none to lose.
        rows = _put_in_place(con, path, fill, partial(record, con, contents=contents, code=code), None)
    return PublishedFile(path, rows, path.stat().st_size, time.monotonic() - started)


def _put_in_place(
    con: duckdb.DuckDBPyConnection, path: Path, fill: _Fill, remember: Callable[[Path], None], since: dt.date | None
) -> dict[str, int]:
    """Write the file whole, or build upon the one that is there from a day on, and return the rows of each table.

    What it is made of is remembered before it takes its place: after a kill in between, it is made again.
    """
    log_of_partial = _log_of(partial_of(path))
    log_of_partial.unlink(missing_ok=True)
    try:
        with written_whole(path) as beside:
            if since is not None:
                shutil.copyfile(path, beside)
            with _attached(con, beside), _kept_in_order(con):
                rows = fill(since)
            beside.chmod(beside.stat().st_mode & _READ_ONLY)
            # Left by somebody who opened the file for writing: it belongs to the old file and would spoil the new one.
            _log_of(path).unlink(missing_ok=True)
            remember(beside)
    finally:
        log_of_partial.unlink(missing_ok=True)
    return rows


def is_published(
    con: duckdb.DuckDBPyConnection, path: Path, catalog: Catalog, *, lock: BaselineLock | None = None
) -> bool:
    """Tell whether the file was made from the weeks and the baseline as they are now, by this version of Tieout."""
    if not path.exists():
        return False
    try:
        with read_published(path) as file:
            made = file.execute("select inputs_sha256, tieout_version, has_tags from about").fetchall()
    except (WarehouseError, duckdb.Error):
        return False
    return made == [(_digest(report_hashes(con, catalog, lock)), _version(), catalog.billing.publishes_tags)]


@contextlib.contextmanager
def read_published(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open finance's file for reading; its tables are found with and without `finance.` before their names.

    Raises:
        WarehouseError: there is no such file, or it is none of DuckDB's.
    """
    if not path.exists():
        raise WarehouseError(f"{path} does not exist yet", remedy="`tieout run` publishes it.")
    with duckdb.connect() as con:
        try:
            with damage_explained(path, _PUBLISH_AGAIN):
                con.execute(f"attach {literal(str(path))} as {_FILE_NAME} (read_only)")
        except duckdb.Error as error:
            raise WarehouseError(f"it cannot be opened: {error}", place=path) from error
        con.execute(f"use {_FILE_NAME}")
        con.execute(RIGHT_SUMS)
        con.execute("set timezone = 'UTC'")
        with damage_explained(path, _PUBLISH_AGAIN):
            yield con


def published_name(table: str) -> str:
    """The table's name in the file: those of `finance` lie in its main schema."""
    schema, _, name = table.partition(".")
    return f"main.{name}" if schema == _MAIN_FLOOR else table


def published_tables() -> frozenset[str]:
    """The names, without a schema, of the tables in the file's main schema."""
    names = [*(model.name for model in published_models()), *(description.table for description in DESCRIPTIONS)]
    return frozenset(name.partition(".")[2] for name in names if published_name(name).startswith("main."))


def published_models() -> tuple[Model, ...]:
    """Read the models whose tables the file holds, in an order in which they can be built."""
    return tuple(model for model in all_models() if model.schema in PUBLISHED_FLOORS)


def _fill(
    con: duckdb.DuckDBPyConnection, catalog: Catalog, lock: BaselineLock | None, since: dt.date | None
) -> dict[str, int]:
    """Copy everything in one transaction, so that all tables show the same warehouse; return the rows of each."""
    models = published_models()
    with transaction(con):
        if since is None:
            for schema in dict.fromkeys(model.schema for model in models if model.schema != _MAIN_FLOOR):
                con.execute(f"create schema {_ALIAS}.{schema}")
        rows = {model.name: _copy(con, model, since, with_tags=catalog.billing.publishes_tags) for model in models}
        rows |= _describe_itself(con, catalog, lock)
    con.execute(f"checkpoint {_ALIAS}")
    return dict(sorted(rows.items()))


def _copy(con: duckdb.DuckDBPyConnection, model: Model, since: dt.date | None, *, with_tags: bool) -> int:
    key = ", ".join(f'"{column}"' for column in model.key)
    left_out = TAGS_COLUMN in model.columns and not with_tags
    columns = f"* replace (null::varchar as {TAGS_COLUMN})" if left_out else "*"
    target = f"{_ALIAS}.{published_name(model.name)}"
    if since is None:
        con.execute(f"create table {target} as select {columns} from {model.name} order by {key}")  # noqa: S608
        _comment(con, model.name, model.description, model.columns)
    else:
        changed = f"where \"{model.partition}\" >= date '{since}'" if model.partition in _DAYS else ""
        con.execute(f"delete from {target} {changed}")  # noqa: S608
        con.execute(f"insert into {target} select {columns} from {model.name} {changed} order by {key}")  # noqa: S608
    return _count(con, model.name)


def _describe_itself(con: duckdb.DuckDBPyConnection, catalog: Catalog, lock: BaselineLock | None) -> dict[str, int]:
    hashes = report_hashes(con, catalog, lock)
    weeks = sorted(hashes)
    con.execute(
        _WEEKS,
        {
            "starts": [week.start for week in weeks],
            "labels": [week.label for week in weeks],
            "hashes": [hashes[week] for week in weeks],
        },
    )
    con.execute(
        _ABOUT,
        {
            "tieout_version": _version(),
            "method_version": METHOD_VERSION,
            "inputs_sha256": _digest(hashes),
            "has_tags": catalog.billing.publishes_tags,
            "catalog_sha256": catalog.sha256,
            "baseline_sha256": None if lock is None else lock.sha256,
        },
    )
    for description in DESCRIPTIONS:
        _comment(con, description.table, description.text, description.columns)
    return {description.table: _count(con, description.table) for description in DESCRIPTIONS}


def _comment(con: duckdb.DuckDBPyConnection, table: str, text: str, columns: Mapping[str, str]) -> None:
    target = f"{_ALIAS}.{published_name(table)}"
    con.execute(f"comment on table {target} is {literal(text)}")
    for column, meaning in columns.items():
        con.execute(f'comment on column {target}."{column}" is {literal(meaning)}')


def _count(con: duckdb.DuckDBPyConnection, table: str) -> int:
    target = f"{_ALIAS}.{published_name(table)}"
    [(rows,)] = con.execute(f"select count(*) from {target}").fetchall()  # noqa: S608 - one of our own names
    return int(rows)


@contextlib.contextmanager
def _attached(con: duckdb.DuckDBPyConnection, path: Path) -> Iterator[None]:
    con.execute(f"attach {literal(str(path))} as {_ALIAS} (storage_version '{STORAGE_VERSION}')")
    try:
        yield
    finally:
        con.execute(f"detach {_ALIAS}")


@contextlib.contextmanager
def _kept_in_order(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Write rows in the order of their keys, which the warehouse itself does without."""
    [(before,)] = con.execute("select current_setting('preserve_insertion_order')").fetchall()
    con.execute("set preserve_insertion_order = true")
    try:
        yield
    finally:
        con.execute(f"set preserve_insertion_order = {before}")


def _code(catalog: Catalog) -> str:
    return code_of(
        published_models(), STORAGE_VERSION, _version() or "", _WEEKS, _ABOUT, str(catalog.billing.publishes_tags)
    )


def _log_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.wal")


def _digest(hashes: Mapping[IsoWeek, str]) -> str:
    lines = (f"{week.label} {hashes[week]}" for week in sorted(hashes))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _version() -> str | None:
    try:
        return importlib.metadata.version("tieout")
    except importlib.metadata.PackageNotFoundError:
        return None
