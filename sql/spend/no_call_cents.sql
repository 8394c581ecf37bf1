/*
What each week cost without a call, as it is printed: the cents of an app's function and component, shared among their
resources by largest remainder. So its lines add up to what the week's report prints, component by component.

key: week, environment, app, function, phase, component, resource
partition: week_start
weeks at once: 5
*/
with

claimants as (
    select distinct
        claimant_key,
        function,
        phase
    from spend.claimants
    where
        window_start >= $since
        and window_start < $until
),

amounts as (
    select
        date_trunc('week', a.hour)::date as week_start,
        p.environment,
        p.app,
        c.function,
        c.phase,
        a.component::varchar as component,
        p.resource,
        sum(a.amount_pd)::hugeint as picodollars,
        picodollars::decimal(38, 0) * 0.000000000001::decimal(12, 12) as exact_usd
    from spend.attributed as a
    inner join spend.pools as p
        on
            a.pool_number = p.pool_number
            and a.hour = p.hour
    inner join claimants as c on a.claimant_key = c.claimant_key
    where
        a.hour >= $since
        and a.hour < $until
        and a.component in (
            select k.component::meta.component
            from catalog.components as k
            where k.component_group = 'no call'
        )
    group by all
    having sum(a.amount_pd) != 0
)

select
    f.week_start,  -- Monday of the week, UTC
    strftime(f.week_start, '%G-W%V') as week,  -- its ISO label, 2026-W46
    f.environment,  -- Modal environment
    f.app,  -- the app's or object's name on the bill
    f.function,  -- who caused it; names in double underscores are residuals
    f.phase,  -- rollout phase of the containers; none outside the programme
    f.component,  -- why there is no call, see catalog.components
    f.resource,  -- catalog name or the bill's label; rounding; all (not broken down)
    (
        (
            meta.whole_cents(f.picodollars) + (
                row_number()
                    over (
                        partition by f.week_start, f.environment, f.app, f.function, f.phase, f.component
                        order by meta.below_a_cent(f.picodollars) desc, f.resource asc
                    )
                <= coalesce((w.amount_usd * 100)::hugeint, 0)
                - sum(meta.whole_cents(f.picodollars))
                    over (partition by f.week_start, f.environment, f.app, f.function, f.phase, f.component)
            )::integer
        )::decimal(18, 0) * 0.01::decimal(3, 2)
    )::decimal(18, 2) as amount_usd,  -- whole cents
    f.exact_usd  -- the same to the last digit
from amounts as f
left join spend.weekly_cents as w
    on
        f.week_start = w.week_start
        and f.environment = w.environment
        and f.app = w.app
        and f.function = w.function
        and f.phase = w.phase
        and f.component = w.component
