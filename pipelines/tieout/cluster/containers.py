"""Containers over all logs: which of them need their calls, and what these come to.

Both functions take the rows of some containers and give rows of the same ones, so a cluster may group as it likes, as
long as all rows of a container, or of its day, are in one group.
"""

import duckdb
import pyarrow as pa

from tieout.cluster.logs import HOURS
from tieout.core.sql import RIGHT_SUMS
from tieout.sources.container_hours import container_hours

SPANS = pa.schema(
    [
        pa.field("name", pa.string()),
        pa.field("container_id", pa.string()),
        pa.field("first_started_us", pa.int64()),
        pa.field("last_ended_us", pa.int64()),
        pa.field("is_unsettled", pa.bool_()),
    ]
)
ENTANGLED = pa.schema([pa.field("container_id", pa.string())])

_ENTANGLED = """
with

spans as (
    select
        name,
        container_id,
        min(first_started_us) as first_started_us,
        max(last_ended_us) as last_ended_us,
        bool_or(is_unsettled) as is_unsettled
    from hours
    group by all
),

ordered as (
    select
        *,
        max(last_ended_us) over (
            partition by container_id
            order by first_started_us, name
            rows between unbounded preceding and 1 preceding
        ) as ended_before_us
    from spans
    where first_started_us is not null
)

select container_id
from spans
where is_unsettled
union
select container_id
from ordered
where first_started_us < ended_before_us
"""

_NUMBERED = """
select
    *,
    (dense_rank() over (order by name))::integer as file_id,
    (dense_rank() over (order by container_id))::integer as container_key
from calls
"""

_STARTS = """
select file_id, container_key, began_us as started_us, ended_us, placed_us
from numbered
where is_start
"""

_PIECES = """
select 0::integer as file_id, container_key, began_us as started_us, until_us as ended_us, null::bigint as placed_us
from numbered
where began_us is not null
"""

# Of a time that several logs may speak for, the first log of the container tells.
_SETTLED = """
with

logs as (
    select distinct file_id, name from numbered
),

containers as (
    select container_key, container_id, min(file_id) as file_id, max(cluster_members) as cluster_members
    from numbered
    group by all
),

members as (
    select file_id, container_key, max(cluster_members) as cluster_members
    from numbered
    group by all
),

failed as (
    select
        file_id,
        container_key,
        make_timestamp(failing_since_us - failing_since_us % 3600000000) as hour,
        count(*) as failures,
        min(failing_since_us) as failing_since_us
    from numbered
    where failing_since_us is not null
    group by all
),

busy as (
    select c.file_id, b.container_key, b.hour, b.busy_us
    from of_pieces as b
    inner join containers as c using (container_key)
    where b.busy_us > 0
),

started as (
    select * exclude (busy_us) from of_starts where inputs > 0
),

told as (
    select *
    from started
    full join failed using (file_id, container_key, hour)
    full join busy using (file_id, container_key, hour)
)

select
    l.name,
    c.container_id,
    epoch_us(t.hour) as hour_us,
    epoch_us(t.first_started_at) as first_started_us,
    epoch_us(t.last_ended_at) as last_ended_us,
    epoch_us(t.startup_began_at) as startup_began_us,
    epoch_us(t.placed_at) as placed_us,
    t.failing_since_us,
    coalesce(t.inputs, 0)::integer as inputs,
    coalesce(t.failures, 0)::integer as failures,
    coalesce(t.busy_us, 0) as busy_us,
    m.cluster_members
from told as t
inner join logs as l using (file_id)
inner join containers as c using (container_key)
left join members as m on t.file_id = m.file_id and t.container_key = m.container_key
"""


def entangled_containers(hours: pa.Table) -> pa.Table:
    """Find the containers whose logs have to be laid over one another: SPANS in, ENTANGLED out.

    Args:
        hours: all hours of the containers in question, of the logs that count.
    """
    with duckdb.connect(config={"threads": 1}) as con:
        con.execute(RIGHT_SUMS)
        con.register("hours", hours)
        return con.sql(_ENTANGLED).to_arrow_table().cast(ENTANGLED)


def settled_hours(calls: pa.Table) -> pa.Table:
    """Lay the calls of containers over one another: CALLS of one or several whole days in, HOURS out.

    Inputs are counted by their log; the time that a container was busy stands once, whichever logs speak of it.
    """
    with duckdb.connect(config={"threads": 1}) as con:
        con.execute(f"{RIGHT_SUMS}; set TimeZone = 'UTC'")
        con.register("calls", calls)
        con.execute(f"create table numbered as {_NUMBERED}")
        con.register("of_starts", container_hours(con.sql(_STARTS).to_arrow_table()))
        con.register("of_pieces", container_hours(con.sql(_PIECES).to_arrow_table()))
        return con.sql(_SETTLED).to_arrow_table().select(HOURS.names).cast(HOURS)
