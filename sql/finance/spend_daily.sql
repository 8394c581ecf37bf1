/*
What was spent: every billed amount by day, function, rollout phase, component and resource. The sum over all rows is the
bill as metered, to the last digit.

key: day, environment, app, function, phase, component, resource
partition: day
weeks at once: 5
*/
select
    date_trunc('day', hour)::date as day,  -- UTC, as Modal bills it
    strftime(date_trunc('day', hour), '%G-W%V') as week,  -- ISO week of the day, 2026-W46
    environment,  -- Modal environment
    app,  -- the app's or object's name on the bill
    function,  -- who caused it; names in double underscores are residuals
    phase,  -- rollout phase of the containers; none outside the programme
    component,  -- what it was for, see catalog.components
    resource,  -- catalog name or the bill's label; rounding; all (not broken down)
    sum(amount_usd)::decimal(38, 12) as amount_usd,  -- exact
    min(status) as status  -- provisional while any part may still change; else restated where a final part changed; else settled
from spend.hourly
where
    hour >= $since
    and hour < $until
group by all
