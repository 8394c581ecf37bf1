/*
Who can pay a part of a pool in a week, with the names that their keys stand for: functions by their rollout phase, and what
is nobody's.

Claims and amounts name their claimant by its key: that is quicker to write and to match than names.

key: window_start, claimant_key
partition: window_start
weeks at once: 5
*/
with

windows as (
    select unnest(range($since::timestamp, $until::timestamp, interval 7 day)) as window_start
),

-- Objects of a kind that the vocabulary lacks are called after their prefix.
residuals as (
    select residual
    from catalog.object_kinds
    union
    select '__' || split_part(object_id, '-', 1) || '__' as residual
    from spend.pools
    where
        hour >= $since
        and hour < $until
    union
    select unnest(['__unexplained__', '__sandboxes__']) as residual
),

claimants as (
    select
        window_start,
        claimant_key,
        function,
        phase
    from usage.configurations
    where
        window_start >= $since
        and window_start < $until
    union
    select
        w.window_start,
        meta.claimant_key(r.residual, 'none') as claimant_key,
        r.residual as function,
        'none' as phase
    from windows as w
    cross join residuals as r
)

select
    window_start,  -- first hour of the week, UTC
    claimant_key,  -- stands for function and phase
    function,  -- who pays; names in double underscores are residuals
    phase  -- rollout phase of the containers; none outside the programme
from claimants
