"""The bookkeeping of the warehouse: what is remembered besides the data, and the one list of its migrations.

Belongs here: every table of `meta` and `quarantine`, and how a warehouse of an earlier version gets what is new. Raw
tables belong to `sources`, the tables of the catalog to `catalog_tables`, all others to the files in `sql/`; those are
built from landed files, while the bookkeeping is state that has to survive.

A change of the bookkeeping is a new migration at the end of the list; those before it never change.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from tieout.core.errors import TieoutError
from tieout.core.sql import transaction

SCHEMAS = (
    "raw",
    "catalog",
    "staging",
    "usage",
    "spend",
    "reconciliation",
    "savings",
    "finance",
    "focus",
    "meta",
    "quarantine",
)


@dataclass(frozen=True)
class Migration:
    """One change of the bookkeeping.

    Attributes:
        version: of the bookkeeping after it; versions count up from 1.
        change: what it changes, as a sentence for `meta.migrations`.
        sql: its statements.
    """

    version: int
    change: str
    sql: str


# The first version of Tieout recorded no migrations, and made some of these tables when they were needed first.
_FIRST_VERSION = """
create table if not exists meta.models (
    model varchar primary key,
    code_version varchar not null
);
create table if not exists meta.week_inputs (
    week varchar primary key,
    input_hash varchar not null,
    built_at timestamp not null
);
create table if not exists meta.report_inputs (
    week varchar primary key,
    input_hash varchar not null,
    built_at timestamp not null
);
create table if not exists meta.closings (
    week varchar not null,
    revision integer not null,
    closed_at timestamp not null,
    document varchar not null,
    primary key (week, revision)
);
create table if not exists meta.followed_calls (last_file_id integer not null);
create table if not exists meta.checked_files (last_file_id integer not null);
create table if not exists quarantine.rows (
    table_name varchar not null,
    expectation varchar not null,
    severity varchar not null,
    row_json varchar not null,
    run_id varchar not null,
    seen_at timestamp not null,
    since date,
    until date
);
comment on table meta.models is 'The SQL version that every table was built with';
comment on table meta.week_inputs is 'What every ISO week was last built from; a week with other inputs is built anew';
comment on table meta.report_inputs is 'What every weekly report was last made from; other inputs make it anew';
comment on table meta.closings is 'Every issue of a week: its figures, as in reports/<week>/revision-<n>/figures.json';
comment on table meta.followed_calls is 'The last call log whose containers were followed into the weeks before it';
comment on table meta.checked_files is 'The last file whose rows passed every critical expectation of the raw tables';
comment on table quarantine.rows is 'Rows that break an expectation, at most 200 for each expectation';
comment on column quarantine.rows.table_name is 'The table that the row was meant for';
comment on column quarantine.rows.expectation is 'The expectation that the row broke';
comment on column quarantine.rows.severity is 'critical (nothing of that build was kept) or warning';
comment on column quarantine.rows.row_json is 'The row as a JSON object; every value is text, exactly as computed';
comment on column quarantine.rows.run_id is 'The run that met the row';
comment on column quarantine.rows.seen_at is 'When the run met it, UTC';
comment on column quarantine.rows.since is 'First UTC day that was built; null for a table that is always built whole';
comment on column quarantine.rows.until is 'End of the days that were built, exclusive';
"""

_PUBLISHED_MONTHS = """
create table meta.published_file (
    bytes bigint not null,
    mtime_ns bigint not null,
    code varchar not null
);
create table meta.published_months (
    table_name varchar not null,
    month date,
    digest varchar not null
);
comment on table meta.published_file is 'What the file for finance looked like when it was made, and by which SQL';
comment on table meta.published_months is 'What it was made from: a hash over the rows of every table and month';
"""

_MANIFESTS = """
create table meta.manifests (
    week varchar not null,
    revision integer not null,
    document varchar not null,
    primary key (week, revision)
);
comment on table meta.manifests is 'The files of every issue with their hashes, as in revision-<n>/manifest.json';
"""

# DuckDB divides 128-bit integers bit by bit, twenty times as slowly as it multiplies them. Three roundings of 2⁻⁵³ move
# a quotient below 10¹⁵ by less than ½, so the nearest integer is the quotient or one more, which a product tells.
_QUOTIENT = """
create macro meta.quotient(dividend, divisor) as
    case
        when dividend::double / divisor::double < 1e15
            then
                (dividend::double / divisor::double)::bigint::hugeint
                - (dividend < (dividend::double / divisor::double)::bigint::hugeint * divisor)::integer
        else dividend // divisor
    end;
comment on macro meta.quotient is 'dividend // divisor, exact, for a dividend of at least 0 and a positive divisor';
"""

# Of a credit, too: -1 picodollar is a cent less, and 9,999,999,999 picodollars.
_CENTS = """
create macro meta.whole_cents(picodollars) as
    (picodollars - (picodollars % 10000000000 + 10000000000) % 10000000000) // 10000000000;
comment on macro meta.whole_cents is 'The whole cents below an amount in picodollars (1e-12 $)';
create macro meta.below_a_cent(picodollars) as
    (picodollars % 10000000000 + 10000000000) % 10000000000;
comment on macro meta.below_a_cent is 'What picodollars have beyond whole cents, from 0 to 9,999,999,999';
create macro meta.rounded_cents(picodollars) as
    meta.whole_cents(picodollars) + (
        meta.below_a_cent(picodollars) > 5000000000
        or (meta.below_a_cent(picodollars) = 5000000000 and meta.whole_cents(picodollars) % 2 != 0)
    )::integer;
comment on macro meta.rounded_cents is 'Picodollars rounded to cents, half to even, as every printed total is';
"""

_WEEK_PARTS = """
create table meta.week_parts (
    week varchar not null,
    kind varchar not null,
    input_hash varchar not null
);
comment on table meta.week_parts is 'The same as meta.week_inputs, kind by kind: why a week is built anew';
"""

_CONTAINER_INPUTS = """
create table meta.container_inputs (
    input varchar primary key,
    digest varchar not null
);
comment on table meta.container_inputs is 'What usage.containers was last made from: a hash over every day and table';
create or replace view meta.kept_containers as
select
    null::varchar as environment,
    null::varchar as app,
    null::varchar as function,
    null::integer as container_key,
    null::bigint as startup_us
where false;
comment on view meta.kept_containers is 'Rows of usage.containers that a build keeps; empty between builds';
"""

_CHECKED_CONTAINERS = """
create table meta.checked_containers (
    last_container_key integer not null,
    containers bigint not null
);
comment on table meta.checked_containers is
    'The last container that passed every critical expectation of raw.containers, and how many there were';
"""

_PUBLISHED_DAYS = """
drop table meta.published_months;
create table meta.published_days (
    table_name varchar not null,
    day date,
    digest varchar not null
);
comment on table meta.published_days is
    'What the file for finance was made from: a hash over the rows of every table and day';
"""

# A key is made of names alone, so it stays whatever is added; 63 bits of a good hash are as good as unique, which
# expectations hold. Values of a type are in the order of their names.
_KEYS = """
create macro meta.name_key(names) as (md5_number_lower(names) >> 1)::bigint;
comment on macro meta.name_key is 'A number that stands for names in tables of many rows';
create macro meta.configuration_key(environment, app, name, valid_from) as
    meta.name_key(concat_ws(chr(31), environment, app, name, epoch_us(valid_from)));
comment on macro meta.configuration_key is 'What stands for a configuration of a function, from the time it holds';
create macro meta.claimant_key(name, phase) as meta.name_key(concat_ws(chr(31), name, phase));
comment on macro meta.claimant_key is 'What stands for a function in a rollout phase, or for a residual';
create type meta.component as enum (
    'direct', 'execution', 'failed', 'idle', 'residual', 'startup', 'unexplained', 'unlogged', 'warm'
);
create type meta.evidence as enum (
    'beyond', 'bill', 'learned', 'limit', 'requests', 'rest', 'seen', 'series', 'settings', 'stated', 'usual', 'wait',
    'window'
);
"""

_FUNCTION_KEY = """
create macro meta.function_key(environment, app, name) as
    meta.name_key(concat_ws(chr(31), environment, app, name));
comment on macro meta.function_key is 'What stands for a function of an app';
"""

NO_KEPT_CONTAINERS = """
create or replace view meta.kept_containers as
select
    null::integer as container_key,
    null::bigint as configuration_key,
    null::bigint as startup_us
where false;
comment on view meta.kept_containers is 'Rows of usage.containers that a build keeps; empty between builds';
"""

MIGRATIONS = (
    Migration(1, "The bookkeeping of the first version", _FIRST_VERSION),
    Migration(2, "What every month of the file for finance was made from", _PUBLISHED_MONTHS),
    Migration(3, "The files of every issue, by their hashes", _MANIFESTS),
    Migration(4, "Whole quotients of large integers", _QUOTIENT),
    Migration(5, "What every week was last built from, kind by kind", _WEEK_PARTS),
    Migration(6, "Cents of picodollars", _CENTS),
    Migration(7, "What the rows of containers were made from", _CONTAINER_INPUTS),
    Migration(8, "The containers that were checked", _CHECKED_CONTAINERS),
    Migration(9, "What every day of the file for finance was made from", _PUBLISHED_DAYS),
    Migration(10, "Keys of names, and components and evidence as types", _KEYS),
    Migration(11, "Keys of functions", _FUNCTION_KEY),
    Migration(12, "Containers that are kept, by keys", NO_KEPT_CONTAINERS),
)

_RECORD = """
create table if not exists meta.migrations (
    version integer primary key,
    change varchar not null
);
comment on table meta.migrations is 'The changes of the bookkeeping that this warehouse has been through';
"""


class NewerVersionError(TieoutError):
    """A later version of Tieout has changed the bookkeeping in a way that this one does not know."""

    usual_remedy = "Install the version of Tieout that wrote it, or name another folder with --home."


def migrate(con: duckdb.DuckDBPyConnection, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Bring schemas and bookkeeping up to this version, in one transaction; does nothing where they are.

    Args:
        con: a warehouse that is open for writing, with no transaction open.
        migrations: all that there are, in the order of their versions.

    Raises:
        NewerVersionError: a later version wrote the warehouse; nothing of it is changed.
    """
    refuse_newer(con, migrations)
    version = version_of(con)
    if version == migrations[-1].version:
        return
    with transaction(con):
        for schema in SCHEMAS:
            con.execute(f"create schema if not exists {schema}")
        con.execute(_RECORD)
        for migration in migrations[version:]:
            con.execute(migration.sql)
            con.execute("insert into meta.migrations values (?, ?)", [migration.version, migration.change])


def refuse_newer(con: duckdb.DuckDBPyConnection, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Go on only with a warehouse that this version or an earlier one wrote.

    Raises:
        NewerVersionError: it is of a later version.
    """
    known, found = migrations[-1].version, version_of(con)
    if found > known:
        raise NewerVersionError(
            f"a newer version of Tieout wrote this warehouse: its bookkeeping is version {found}, "
            f"this one knows {known}"
        )


def version_of(con: duckdb.DuckDBPyConnection) -> int:
    """Return the version of a warehouse's bookkeeping; 0 for an empty one, and for one of the first version."""
    try:
        [(version,)] = con.execute("select coalesce(max(version), 0) from meta.migrations").fetchall()
    except duckdb.CatalogException:
        return 0
    return int(version)
