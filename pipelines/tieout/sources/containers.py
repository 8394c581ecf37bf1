"""The dictionary of containers: one number for each id, whichever file names it first."""

import duckdb

from tieout.core.ids import ALPHABET
from tieout.sources.tables import Column, Table

TABLE = Table(
    "containers",
    "Dictionary of container ids, so that calls carry a small number instead of a long text.",
    (
        Column("container_key", "INTEGER", "Number of the container in this warehouse, from 1"),
        Column("container_id", "VARCHAR", "Modal's id"),
        Column("created_at", "TIMESTAMP", "Creation time inside the id; null for ids that carry none"),
    ),
)

_TIME_CHARACTERS = 10

_NUMBER = """
create or replace temp table numbered_containers as
with named as (
    select distinct container_id
    from ({ids})
    where container_id is not null
)
select
    named.container_id,
    coalesce(
        known.container_key,
        (select coalesce(max(container_key), 0) from raw.containers)
        + row_number() over (partition by known.container_key is null order by named.container_id)
    )::integer as container_key,
    known.container_key is null as is_new
from named
left join raw.containers as known using (container_id)
"""

# The time in an id is a number in base 32, its highest place first.
_MILLISECONDS = " + ".join(
    f"(strpos($alphabet, container_id[{len('ta-') + place}]) - 1) * {32 ** (_TIME_CHARACTERS - place)}"
    for place in range(1, _TIME_CHARACTERS + 1)
)

_INSERT = f"""
insert into raw.containers
with dated as (
    select
        container_id,
        container_key,
        case when regexp_full_match(container_id, $pattern) then {_MILLISECONDS} end as milliseconds
    from numbered_containers
    where is_new
)
select
    container_key,
    container_id,
    case
        when milliseconds >= epoch_ms(timestamp '2020-01-01')
            and milliseconds < epoch_ms(timestamp '2100-01-01')
        then make_timestamp(cast(milliseconds as bigint) * 1000)
    end
from dated
"""  # noqa: S608 - the constants above


def number(con: duckdb.DuckDBPyConnection, ids: str) -> None:
    """Number containers in the temporary table `numbered_containers`, and add new ones to raw.containers.

    Args:
        con: a connection with a transaction open.
        ids: a select of the project's own that gives the column container_id.
    """
    con.execute(_NUMBER.format(ids=ids))
    con.execute(_INSERT, {"pattern": f"ta-[{ALPHABET}]{{26}}", "alphabet": ALPHABET})
