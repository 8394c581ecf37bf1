/*
What Modal observed of every function and server in buckets of time: its containers, what they used, its calls.

Of two exports that speak for a bucket the one with the shorter buckets counts, then the one that was read last, also where it
has no observation. Series that no rule of catalog.series knows are left out.

key: environment, app, function, measure, aggregation, bucket_start
partition: bucket_start
empty without: staging.series
*/
with

snapshots as (
    select *
    from staging.series
    where
        measure is not null
        and range_start < $until
        and range_end > $since
),

series as (
    select
        file_id,
        name,
        environment,
        app,
        function,
        is_server,
        measure,
        aggregation,
        times,
        divided_by,
        bucket_seconds,
        sha256,
        min(range_start) as range_start,
        max(range_end) as range_end,
        max(fetched_at) as fetched_at
    from snapshots
    group by all
),

-- Stretches of an export that another one speaks for.
replaced as (
    select distinct
        older.file_id,
        older.name,
        later.range_start,
        later.range_end
    from series as older
    inner join snapshots as later
        on
            older.environment = later.environment
            and older.app = later.app
            and older.function = later.function
            and older.measure = later.measure
            and older.aggregation = later.aggregation
            and older.range_start < later.range_end
            and older.range_end > later.range_start
            and older.file_id != later.file_id
            and (
                older.bucket_seconds > later.bucket_seconds
                or (
                    older.bucket_seconds = later.bucket_seconds
                    and (
                        older.fetched_at < later.fetched_at
                        or (older.fetched_at = later.fetched_at and older.sha256 < later.sha256)
                    )
                )
            )
),

landed as (
    select
        file_id,
        name,
        points
    from raw.function_metrics
    union all
    select
        file_id,
        name,
        points
    from raw.server_metrics
),

points as (
    select
        s.file_id,
        s.name,
        s.environment,
        s.app,
        s.function,
        s.is_server,
        s.measure,
        s.aggregation,
        s.bucket_seconds,
        s.times,
        s.divided_by,
        unnest(m.points) as point
    from series as s
    inner join landed as m
        on
            s.file_id = m.file_id
            and s.name = m.name
)

select
    p.environment,  -- Modal environment
    p.app,  -- the app's name
    p.function,  -- name of the function or server
    p.is_server,  -- a server, which has no call log
    p.measure,  -- containers, cpu (cores), memory (MiB), gpu (percent), calls and others of catalog.series
    p.aggregation,  -- avg, min, max, count, p90 and others: what the value is of the bucket
    p.point.bucket_start,  -- UTC
    p.bucket_seconds,  -- length of the bucket
    case when p.point.value >= 0 then p.point.value * p.times / p.divided_by end as value  -- null where nothing was observed
from points as p
anti join replaced as r
    on
        p.file_id = r.file_id
        and p.name = r.name
        and p.point.bucket_start < r.range_end
        and p.point.bucket_start + to_seconds(p.bucket_seconds) > r.range_start
where
    p.point.bucket_start >= $since
    and p.point.bucket_start < $until
