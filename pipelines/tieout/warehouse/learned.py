"""The rows of `spend.learned_factors`: what the bill of a stretch of days says of the time and use that nothing shows.

Reads pools and container time as dollars per factor, lets `tieout.learning` fit them app by app, and returns rows. A
pool in which a function had the choice between GPUs says nothing: whose seconds they were is not known.
"""

import datetime as dt
from decimal import Decimal

import duckdb
import polars as pl

from tieout.learning.factors import Factor, learn

# What one processor computes otherwise than the next is far below these digits, so that cents do not depend on it.
_PLACES = 6

_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "environment": pl.String,
    "object_id": pl.String,
    "app": pl.String,
    "window_start": pl.Datetime("us"),
    "function": pl.String,
    "factor": pl.String,
    "value": pl.Decimal(18, _PLACES),
    "standard_error": pl.Decimal(18, _PLACES),
    "rule": pl.Decimal(18, _PLACES),
    "hours": pl.Int64,
    "misfit": pl.Decimal(18, _PLACES),
    "resources": pl.List(pl.String),
    "is_used": pl.Boolean,
}

_APP = ("app_number", "environment", "object_id", "app")

_POOLS = """
with

pools as (
    select
        dense_rank() over (order by environment, object_id, app) as app_number,
        row_number() over (order by environment, object_id, hour, resource) as pool,
        environment,
        object_id,
        app,
        hour as interval_start,
        resource,
        kind,
        abs(billed_usd)::double as billed_usd
    from spend.pools
    where
        is_deployed_app
        and not is_other_gpu
        and resolution = 'h'
        and kind in ('gpu', 'cpu', 'memory')
        and hour >= $since
        and hour < $until
)
"""

_ALL_POOLS = f"{_POOLS} select * from pools order by pool"  # noqa: S608 - the constant above

_CLAIMS = f"""
{_POOLS},

usual as (
    select distinct environment, app, function
    from spend.observed_time
    where is_usual and hour >= $since and hour < $until
),

held as (
    select
        t.environment,
        t.object_id,
        t.interval_start,
        t.function,
        case
            when t.evidence = 'window' then 'tail'
            when t.evidence = 'wait' then 'startup'
            when u.function is not null and t.evidence = 'series' then 'series'
            when t.component = 'warm' and t.evidence = 'limit' then 'waiting'
            when t.evidence in ('limit', 'beyond') then 'failed'
        end as factor,
        t.evidence = 'seen' and t.component in ('startup', 'execution') as is_at_work,
        k.gpus,
        k.source = 'unknown' or len(k.gpus) > 1 or k.may_lack_gpu as has_choice,
        k.cpu_request_millicores,
        k.memory_request_mib,
        k.disk_memory_mib,
        k.region_percent,
        k.host_percent,
        sum(t.container_us)::double / 3600000000 as container_hours
    from spend.placed_time as t
    inner join staging.configurations as k
        on
            t.environment = k.environment
            and t.app = k.app
            and t.function = k.function
            and t.configuration_from = k.valid_from
    left join usual as u
        on
            t.environment = u.environment
            and t.app = u.app
            and t.function = u.function
    where
        t.resolution = 'h'
        and t.evidence not in ('rest', 'requests')
        and t.interval_start >= $since
        and t.interval_start < $until
    group by all
),

claims as (
    select
        p.pool,
        h.function,
        h.factor,
        h.is_at_work,
        p.kind,
        h.has_choice and p.kind = 'gpu' as has_choice,
        case p.kind
            when 'cpu' then h.cpu_request_millicores is null
            when 'memory' then h.memory_request_mib is null
            else false
        end as is_request_unknown,
        h.container_hours
        * case p.kind when 'gpu' then h.region_percent else h.host_percent end / 100.0
        * r.picodollars_per_hour / 1e12 as unit_usd,
        unit_usd * case p.kind
            when 'gpu' then h.gpus[1].gpu_count
            when 'cpu' then coalesce(h.cpu_request_millicores, s.default_cpu_millicores) / 1000.0
            else greatest(coalesce(h.memory_request_mib, s.default_memory_mib), h.disk_memory_mib) / 1024.0
        end as claim_usd
    from pools as p
    inner join held as h using (environment, object_id, interval_start)
    inner join staging.prices as r
        on
            p.resource = r.resource
            and p.interval_start >= r.valid_from
            and p.interval_start < r.valid_to
    cross join catalog.settings as s
    where
        p.kind != 'gpu'
        or h.has_choice
        or (len(h.gpus) > 0 and h.gpus[1].gpu = p.resource)
),

summed as (
    select
        * exclude (claim_usd, unit_usd),
        sum(claim_usd)::double as claim_usd,
        sum(unit_usd)::double as unit_usd
    from claims
    group by all
)

select
    p.app_number,
    c.*
from summed as c
inner join pools as p on c.pool = p.pool
order by c.pool, c.function, c.factor, c.is_at_work
"""  # noqa: S608 - the constant above


def learned_rows(con: duckdb.DuckDBPyConnection, since: dt.datetime, until: dt.datetime) -> pl.DataFrame:
    """Learn the factors of every app from the bill of a stretch of time.

    Args:
        con: the warehouse, with `spend.pools` and `spend.placed_time` built for it.
        since: naive UTC, the first interval.
        until: exclusive.
    """
    window = {"since": since, "until": until}
    claims, billed = _frame(con, _CLAIMS, window), _frame(con, _ALL_POOLS, window)
    rows: list[tuple[object, ...]] = []
    terms = _terms(claims)
    terms_of = {own["app_number"][0]: own for own in terms.partition_by("app_number")}
    for pools in _pools(billed, claims).partition_by("app_number", maintain_order=True):
        number, *place = (pools[name][0] for name in _APP)
        own = terms_of.get(number, terms.clear())
        rows += [(*place, since, *_row(factor)) for factor in learn(pools, own)]
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row")


def _pools(billed: pl.DataFrame, claims: pl.DataFrame) -> pl.DataFrame:
    """Return the pools that somebody claims and none had the choice of, with what is known of their bill."""
    known_usd = pl.when(pl.col("factor").is_null()).then(pl.col("claim_usd")).otherwise(0.0)
    known = (
        claims.lazy()
        .group_by("pool", maintain_order=True)
        .agg(known_usd=known_usd.sum(), has_choice=pl.col("has_choice").any())
        .filter(~pl.col("has_choice"))
    )
    return billed.lazy().join(known, on="pool", maintain_order="left").collect()


def _terms(claims: pl.DataFrame) -> pl.DataFrame:
    """Return what one unit of each factor costs in each pool."""
    is_cpu = (pl.col("kind") == "cpu") & pl.col("is_at_work")
    is_memory = (pl.col("kind") == "memory") & (pl.col("factor").is_null() | pl.col("factor").is_in(["tail", "series"]))
    inferred = claims.filter(pl.col("factor").is_not_null()).with_columns(
        usd=pl.col("claim_usd"), is_request_unknown=pl.lit(value=False)
    )
    uses = [
        claims.filter(chosen).with_columns(factor=pl.lit(kind), usd=pl.col("unit_usd"))
        for kind, chosen in (("cpu", is_cpu), ("memory", is_memory))
    ]
    return (
        pl.concat([inferred, *uses], how="vertical_relaxed")
        .group_by("app_number", "pool", "function", "factor", maintain_order=True)
        .agg(pl.col("usd").sum(), pl.col("is_request_unknown").any())
    )


def _frame(con: duckdb.DuckDBPyConnection, query: str, parameters: dict[str, dt.datetime]) -> pl.DataFrame:
    frame = pl.from_arrow(con.sql(query, params=parameters).to_arrow_table())
    assert isinstance(frame, pl.DataFrame)
    return frame


def _row(factor: Factor) -> tuple[object, ...]:
    numbers = (f"{number:.{_PLACES}f}" for number in (factor.value, factor.standard_error, factor.rule, factor.misfit))
    value, error, rule, misfit = (Decimal(number) for number in numbers)
    return (
        factor.function,
        factor.factor,
        value,
        error,
        rule,
        factor.hours,
        misfit,
        list(factor.resources),
        factor.is_used,
    )
