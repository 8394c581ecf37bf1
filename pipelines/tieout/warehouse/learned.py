"""The rows of `spend.learned_factors`: what the bill of a stretch of days says of the time and use that nothing shows.

Reads pools and container time as dollars per factor, lets `tieout.learning` fit them app by app, and returns rows. A
pool in which a function had the choice between GPUs says nothing: whose seconds they were is not known.
"""

import datetime as dt
from decimal import Decimal

import duckdb
import polars as pl

from tieout.learning.factors import PRIORS, Factor, learn

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
        interval_number,
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

_ALL_POOLS = f"{_POOLS} select * exclude (interval_number) from pools order by pool"  # noqa: S608 - the constant above

# A factor's number is its place among all, a function's the place of its name.
_FACTOR_NUMBERS = {name: number for number, name in enumerate(PRIORS)}

_CONFIGURATIONS = """
select *, dense_rank() over (order by environment, app, function) - 1 as function_number
from staging.configurations
"""

_FUNCTIONS = f"""
select distinct function_number, function from ({_CONFIGURATIONS}) order by function_number
"""  # noqa: S608 - the constant above

# From where intervals, functions and configurations are numbers, these are all that rows are summed by and matched on.
# Amounts are summed up as whole numbers, so that they do not depend on the order: microseconds × hundredths ×
# picodollars × units.
_CLAIMS = f"""
{_POOLS},

observed as (
    select environment, app, function, bool_or(is_usual) as is_usual, max(sampling_ppm) / 1e6 as spread
    from spend.observed_time
    where hour >= $since and hour < $until
    group by all
),

-- Configurations of a function that ask for the same are one.
configurations as (
    select
        k.environment,
        k.app,
        k.function,
        k.function_number,
        k.configuration_key,
        k.source = 'unknown' or len(k.gpus) > 1 or k.may_lack_gpu as has_choice,
        k.gpus[1].gpu as gpu,
        k.gpus[1].gpu_count as gpu_count,
        k.cpu_request_millicores,
        k.memory_request_mib,
        k.disk_memory_mib,
        k.region_percent,
        k.host_percent,
        coalesce(o.is_usual, false) as is_usual,
        o.spread,
        dense_rank() over (
            order by
                k.function_number, k.gpus, has_choice, k.cpu_request_millicores, k.memory_request_mib,
                k.disk_memory_mib, k.region_percent, k.host_percent
        ) as configuration_number
    from ({_CONFIGURATIONS}) as k
    left join observed as o using (environment, app, function)
),

requests as (
    select *, count(*) over (partition by function_number) > 1 as is_of_several
    from (select distinct on (configuration_number) * from configurations) as k
),

-- What a microsecond of a configuration costs in the pools of a resource, where it can have caused them.
rates as (
    select
        k.configuration_number,
        k.function_number,
        k.is_of_several,
        k.spread,
        r.resource,
        r.valid_from,
        r.valid_to,
        k.has_choice and r.kind = 'gpu' as has_choice,
        case r.kind
            when 'cpu' then k.cpu_request_millicores is null
            when 'memory' then k.memory_request_mib is null
            else false
        end as is_request_unknown,
        case r.kind when 'cpu' then 1000 when 'memory' then 1024 else 1 end as units,
        case r.kind when 'gpu' then k.region_percent else k.host_percent end * r.picodollars_per_hour as unit_rate,
        case r.kind
            when 'gpu' then k.gpu_count
            when 'cpu' then coalesce(k.cpu_request_millicores, s.default_cpu_millicores)
            else greatest(coalesce(k.memory_request_mib, s.default_memory_mib), k.disk_memory_mib)
        end as quantity
    from requests as k
    cross join staging.prices as r
    cross join catalog.settings as s
    where
        r.kind in ('cpu', 'memory')
        or k.has_choice
        or k.gpu = r.resource
),

held as materialized (
    select
        t.interval_number,
        k.configuration_number,
        case
            when t.evidence = 'window' then {_FACTOR_NUMBERS["tail"]}
            when t.evidence = 'wait' then {_FACTOR_NUMBERS["startup"]}
            when k.is_usual and t.evidence = 'series' then {_FACTOR_NUMBERS["series"]}
            when t.component = 'warm' and t.evidence = 'limit' then {_FACTOR_NUMBERS["waiting"]}
            when t.evidence in ('limit', 'beyond') then {_FACTOR_NUMBERS["failed"]}
        end as factor_number,
        t.evidence = 'seen' and t.component in ('startup', 'execution') as is_at_work,
        sum(t.container_us)::hugeint as container_us
    from spend.placed_time as t
    inner join configurations as k on t.configuration_key = k.configuration_key
    where
        t.evidence not in ('rest', 'requests')
        and t.interval_start >= $since
        and t.interval_start < $until
    group by all
),

-- What is inferred claims every pool of its interval; a use beyond the request is of CPU at work, or of memory that is
-- known or may have been held.
used as (
    select
        interval_number,
        configuration_number,
        factor_number,
        null as of_kind,
        container_us
    from held
    where factor_number is not null
    union all
    select
        interval_number,
        configuration_number,
        {_FACTOR_NUMBERS["cpu"]} as factor_number,
        'cpu' as of_kind,
        container_us
    from held
    where is_at_work
    union all
    select
        interval_number,
        configuration_number,
        {_FACTOR_NUMBERS["memory"]} as factor_number,
        'memory' as of_kind,
        sum(container_us)::hugeint as container_us
    from held
    where factor_number is null or factor_number in ({_FACTOR_NUMBERS["tail"]}, {_FACTOR_NUMBERS["series"]})
    group by all
),

-- Before rates, which the planner would join to pools first, each of them to every one.
used_in_pools as materialized (
    select
        u.configuration_number,
        u.factor_number,
        u.of_kind is not null as is_use,
        u.container_us,
        p.app_number,
        p.pool,
        p.interval_start,
        p.resource
    from used as u
    inner join pools as p
        on
            u.interval_number = p.interval_number
            and (u.of_kind is null or u.of_kind = p.kind)
),

uses as not materialized (
    select
        u.app_number,
        u.pool,
        r.function_number,
        u.factor_number,
        r.is_of_several,
        case when u.factor_number = {_FACTOR_NUMBERS["series"]} then r.spread end as spread,
        u.is_use and r.is_request_unknown as is_request_unknown,
        u.container_us * r.unit_rate * case when u.is_use then 1 else r.quantity end as cost,
        case when u.is_use then 1 else r.units end as units
    from used_in_pools as u
    inner join rates as r
        on
            u.configuration_number = r.configuration_number
            and u.resource = r.resource
            and u.interval_start >= r.valid_from
            and u.interval_start < r.valid_to
),

-- What is known, of every configuration that has been there.
known as (
    select
        interval_number,
        configuration_number,
        coalesce(sum(container_us) filter (where factor_number is null), 0)::hugeint as container_us
    from held
    group by all
),

known_in_pools as materialized (
    select
        k.configuration_number,
        k.container_us,
        p.pool,
        p.interval_start,
        p.resource
    from known as k
    inner join pools as p on k.interval_number = p.interval_number
),

known_of_pools as (
    select
        k.pool,
        bool_or(r.has_choice) as has_choice,
        sum(k.container_us * r.unit_rate * r.quantity)::double
        / (360000000000 * any_value(r.units))::double / 1e12 as usd
    from known_in_pools as k
    inner join rates as r
        on
            k.configuration_number = r.configuration_number
            and k.resource = r.resource
            and k.interval_start >= r.valid_from
            and k.interval_start < r.valid_to
    group by all
)

-- What one unit of a factor costs in a pool, and without a function what is known of the pool. Most functions have one
-- configuration: these need no summing up.
select
    app_number,
    pool,
    function_number,
    factor_number,
    cost::double / (360000000000 * units)::double / 1e12 as usd,
    is_request_unknown,
    spread
from uses
where not is_of_several
union all by name
select
    app_number,
    pool,
    function_number,
    factor_number,
    sum(cost)::double / (360000000000 * any_value(units))::double / 1e12 as usd,
    bool_or(is_request_unknown) as is_request_unknown,
    max(spread) as spread
from uses
where is_of_several
group by all
union all by name
select *
from known_of_pools
"""  # noqa: S608 - the constants above


def learned_rows(con: duckdb.DuckDBPyConnection, since: dt.datetime, until: dt.datetime) -> pl.DataFrame:
    """Learn the factors of every app from the bill of a stretch of time.

    Args:
        con: the warehouse, with `spend.pools` and `spend.placed_time` built for it.
        since: naive UTC, the first interval.
        until: exclusive.
    """
    window = {"since": since, "until": until}
    claims, billed = _frame(con, _CLAIMS, window), _frame(con, _ALL_POOLS, window)
    functions = [function for _, function in con.execute(_FUNCTIONS).fetchall()]
    rows: list[tuple[object, ...]] = []
    terms = claims.filter(pl.col("function_number").is_not_null())
    terms_of = {own["app_number"][0]: own for own in terms.partition_by("app_number")}
    for pools in _pools(billed, claims).partition_by("app_number", maintain_order=True):
        number, *place = (pools[name][0] for name in _APP)
        own = terms_of.get(number, terms.clear())
        rows += [(*place, since, *_row(factor)) for factor in learn(pools, own, functions)]
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row")


def _pools(billed: pl.DataFrame, claims: pl.DataFrame) -> pl.DataFrame:
    """Return the pools that somebody claims and none had the choice of, with what is known of their bill."""
    known = claims.filter(pl.col("function_number").is_null() & ~pl.col("has_choice")).select("pool", known_usd="usd")
    return billed.join(known, on="pool", maintain_order="left")


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
