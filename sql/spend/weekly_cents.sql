/*
What each week cost as it is printed: whole cents that add up along every line. A week's cost is rounded once; its
functions, their phases, the apps and components of these get a cent more or less, by largest remainder, until they add up
to it. The report, the workbook and `tieout sql` all print these cents.

key: week, environment, app, function, phase, component
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
        a.claimant_key,
        a.component,
        sum(a.amount_pd)::hugeint as picodollars
    from spend.attributed as a
    inner join spend.pools as p
        on
            a.pool_number = p.pool_number
            and a.hour = p.hour
    where
        a.hour >= $since
        and a.hour < $until
    group by all
    having sum(a.amount_pd) != 0
),

components as (
    select
        a.week_start,
        a.environment,
        a.app,
        c.function,
        c.phase,
        a.component::varchar as component,
        a.picodollars::decimal(38, 0) * 0.000000000001::decimal(12, 12) as exact_usd,
        a.picodollars
    from amounts as a
    inner join claimants as c on a.claimant_key = c.claimant_key
),

apps as (
    select
        week_start,
        environment,
        app,
        function,
        phase,
        sum(picodollars) as picodollars
    from components
    group by all
),

phases as (
    select
        week_start,
        environment,
        function,
        phase,
        sum(picodollars) as picodollars
    from apps
    group by all
),

functions as (
    select
        week_start,
        environment,
        function,
        sum(picodollars) as picodollars
    from phases
    group by all
),

weeks as (
    select
        week_start,
        meta.rounded_cents(sum(picodollars)) as cents
    from functions
    group by all
),

functions_in_cents as (
    select
        f.week_start,
        f.environment,
        f.function,
        meta.whole_cents(f.picodollars) + (
            row_number() over (
                partition by f.week_start
                order by meta.below_a_cent(f.picodollars) desc, f.picodollars desc, f.function asc, f.environment asc
            ) <= w.cents - sum(meta.whole_cents(f.picodollars)) over (partition by f.week_start)
        )::integer as cents
    from functions as f
    inner join weeks as w on f.week_start = w.week_start
),

phases_in_cents as (
    select
        p.week_start,
        p.environment,
        p.function,
        p.phase,
        meta.whole_cents(p.picodollars) + (
            row_number()
                over (
                    partition by p.week_start, p.environment, p.function
                    order by meta.below_a_cent(p.picodollars) desc, p.phase asc
                )
            <= f.cents - sum(meta.whole_cents(p.picodollars)) over (partition by p.week_start, p.environment, p.function)
        )::integer as cents
    from phases as p
    inner join functions_in_cents as f
        on p.week_start = f.week_start and p.environment = f.environment and p.function = f.function
),

apps_in_cents as (
    select
        a.week_start,
        a.environment,
        a.app,
        a.function,
        a.phase,
        meta.whole_cents(a.picodollars) + (
            row_number()
                over (
                    partition by a.week_start, a.environment, a.function, a.phase
                    order by meta.below_a_cent(a.picodollars) desc, a.app asc
                )
            <= p.cents
            - sum(meta.whole_cents(a.picodollars)) over (partition by a.week_start, a.environment, a.function, a.phase)
        )::integer as cents
    from apps as a
    inner join phases_in_cents as p
        on
            a.week_start = p.week_start
            and a.environment = p.environment
            and a.function = p.function
            and a.phase = p.phase
)

select
    c.week_start,  -- Monday of the week, UTC
    strftime(c.week_start, '%G-W%V') as week,  -- its ISO label, 2026-W46
    c.environment,  -- Modal environment
    c.app,  -- the app's or object's name on the bill
    c.function,  -- who caused it; names in double underscores are residuals
    c.phase,  -- rollout phase of the containers; none outside the programme
    c.component,  -- what it was for, see catalog.components
    (
        (
            meta.whole_cents(c.picodollars) + (
                row_number()
                    over (
                        partition by c.week_start, c.environment, c.app, c.function, c.phase
                        order by meta.below_a_cent(c.picodollars) desc, c.component asc
                    )
                <= a.cents
                - sum(meta.whole_cents(c.picodollars))
                    over (partition by c.week_start, c.environment, c.app, c.function, c.phase)
            )::integer
        )::decimal(18, 0) * 0.01::decimal(3, 2)
    )::decimal(18, 2) as amount_usd,  -- whole cents
    c.exact_usd  -- the same to the last digit
from components as c
inner join apps_in_cents as a
    on
        c.week_start = a.week_start
        and c.environment = a.environment
        and c.app = a.app
        and c.function = a.function
        and c.phase = a.phase
