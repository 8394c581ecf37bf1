/*
What moved in closed weeks after they were issued: every function whose cost differs from the issue before, and the files
that moved it.

materialized: view
key: week, revision, environment, function
*/
with

moves as (
    select
        week,
        revision,
        closed_at,
        json_extract(document, '$.closing.causes') as causes,
        unnest(json_extract(document, '$.closing.moves[*]')) as move
    from meta.closings
)

select
    week,  -- the closed ISO week
    revision,  -- the issue that says so, from 2
    closed_at,  -- when it was issued, UTC
    move ->> '$.environment' as environment,  -- Modal environment
    move ->> '$.function' as function,  -- whose cost
    (move ->> '$.before_usd')::decimal(38, 12) as before_usd,  -- as it was issued before, exact
    (move ->> '$.after_usd')::decimal(38, 12) as after_usd,  -- as it is issued now, exact
    (move ->> '$.after_usd')::decimal(38, 12) - (move ->> '$.before_usd')::decimal(38, 12) as moved_usd,  -- the difference
    json_extract_string(move, '$.files[*]') as files,  -- paths below landing/ that moved it; empty when no file did
    json_extract_string(causes, '$[*]') as causes  -- what else did: the catalog, the baseline, the method
from moves
