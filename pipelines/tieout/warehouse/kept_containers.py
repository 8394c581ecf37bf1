"""Which rows of `usage.containers` a build keeps from the one before.

The table holds every container that was ever seen, and a day adds few. A row is made of what the logs say of the
container day by day, and of a few small tables. Hashes of both are kept in `meta.container_inputs`. Only containers of
days that have changed since are written anew, with those that failed to come up, whose usual start-up all others tell.
Where a small table has changed, or a day that the build is not about, or no day is left, all rows are written.
"""

import datetime as dt

import duckdb

from tieout.warehouse.parsed import parsed
from tieout.warehouse.schema import NO_KEPT_CONTAINERS

_DAY_AFTER = "day after"
_NEXT_MONDAY = """
select strftime(date_trunc('week', max(day)) + interval 7 day, '%Y-%m-%d')
from usage.container_days
having count(*) > 0
"""
_NOTE_INPUTS = f"""
create or replace temp table container_inputs as
select strftime(day, '%Y-%m-%d') as input, concat_ws(' ', count(*), sum(hash(d))) as digest
from usage.container_days as d
group by day
union all
select '{_DAY_AFTER}', a.day
from ({_NEXT_MONDAY}) as a (day)
union all
select 'staging.configurations', concat_ws(' ', count(*), sum(hash(k)))
from staging.configurations as k
union all
select 'staging.deployments', concat_ws(' ', count(*), sum(hash(d)))
from staging.deployments as d
union all
select 'staging.apps', concat_ws(' ', count(*), sum(hash(a)))
from (select * exclude (state) from staging.apps) as a
union all
select 'usage.observed_lives', concat_ws(' ', count(*), sum(hash(o)))
from usage.observed_lives as o
"""  # noqa: S608 - the constants above

_CHANGED = f"""
select coalesce(now.input, was.input)
from temp.container_inputs as now
full outer join meta.container_inputs as was on now.input = was.input
where now.digest is distinct from was.digest and coalesce(now.input, was.input) != '{_DAY_AFTER}'
"""  # noqa: S608 - the constant above

_RECORD_INPUTS = """
delete from meta.container_inputs;
insert into meta.container_inputs select * from temp.container_inputs;
drop table temp.container_inputs;
"""

# Of the day after the last week that is built the hours themselves are read, and may be of calls that others replace.
# Which day that is can change as well.
_DAYS_AFTER = f"""
select a.day::timestamp, was.digest::timestamp
from ({_NEXT_MONDAY}) as a (day)
inner join meta.container_inputs as was on was.input = '{_DAY_AFTER}'
"""  # noqa: S608 - the constants above
_CHANGED_CONTAINERS = """
create or replace temp table changed_containers as
with changed_days as (
    select unnest($days::timestamp[]) as day
)
select container_key from usage.container_days where day in (select day from changed_days)
union
select container_key from raw.container_hours where hour >= $after and hour < $after::timestamp + interval 1 day
union
select container_key from usage.containers where first_started_at is null
union
select c.container_key from usage.containers as c
inner join changed_days as d on c.first_day <= d.day and c.last_day >= d.day
union
select container_key from usage.containers where last_day >= least($after::timestamp, $after_before::timestamp)
"""

_TAKE_OUT = """
delete from usage.containers where container_key in (select container_key from temp.changed_containers);
drop table temp.changed_containers;
"""

_KEPT = """
create or replace view meta.kept_containers as
select container_key, configuration_key, startup_us from usage.containers
"""


def write(con: duckdb.DuckDBPyConnection, select: str, since: dt.date, until: dt.date, *, is_kept: bool) -> bool:
    """Write the table, or of one that the same SQL has made the rows that a change can have touched.

    Args:
        con: a warehouse with a transaction open.
        select: the SQL of the table.
        since: the first day of the build.
        until: the day after its last.
        is_kept: whether the table is there, made by this SQL.

    Returns:
        Whether there are rows that stand as they were.
    """
    con.execute(_NOTE_INPUTS)
    is_in_part = is_kept and _keep_rows(con, since, until)
    start = "insert into usage.containers by name" if is_in_part else "create or replace table usage.containers as"
    con.execute(parsed(con, f"{start} {select}"))
    con.execute(NO_KEPT_CONTAINERS)
    con.execute(_RECORD_INPUTS)
    return is_in_part


def rows_of_days(since: dt.date, until: dt.date) -> str:
    """Select the rows of which a log tells on some days, and those that no log names."""
    days = f"first_day < timestamp '{until}' and last_day >= timestamp '{since}'"
    return f"select * from usage.containers where ({days}) is not false"  # noqa: S608 - dates


def _keep_rows(con: duckdb.DuckDBPyConnection, since: dt.date, until: dt.date) -> bool:
    """Take out the rows that have to be written anew, and show the others in `meta.kept_containers`; False: none."""
    changed = [name for (name,) in con.execute(_CHANGED).fetchall()]
    days = [_day(name) for name in changed]
    after = con.execute(_DAYS_AFTER).fetchone()
    if after is None or not all(day is not None and since <= day < until for day in days):
        return False
    con.execute(_CHANGED_CONTAINERS, {"days": days, "after": after[0], "after_before": after[1]})
    con.execute(_TAKE_OUT)
    con.execute(_KEPT)
    return True


def _day(name: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(name)
    except ValueError:  # a table's name
        return None
