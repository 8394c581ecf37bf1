/* What did each month cost, function by function and in total? */
with

amounts as (
    select
        strftime(day, '%Y-%m') as month,
        environment,
        function,
        min(status) as status,
        (sum(amount_usd) * 1000000000000)::hugeint as picodollars
    from finance.spend_daily
    group by all
),

functions as (
    select
        *,
        (picodollars % 10000000000 + 10000000000) % 10000000000 as remainder,
        (picodollars - remainder) // 10000000000 as floor_cents
    from amounts
),

-- A month is rounded once, half to even; its functions share the cents.
months as (
    select
        month,
        min(status) as status,
        (sum(picodollars) % 10000000000 + 10000000000) % 10000000000 as remainder,
        (sum(picodollars) - remainder) // 10000000000 as floor_cents,
        floor_cents + (remainder > 5000000000 or (remainder = 5000000000 and floor_cents % 2 != 0))::integer as cents
    from amounts
    group by all
),

shared as (
    select
        f.month,
        f.environment,
        f.function,
        f.status,
        f.floor_cents + (
            row_number() over (
                partition by f.month
                order by f.remainder desc, f.picodollars desc, f.function asc, f.environment asc
            ) <= m.cents - sum(f.floor_cents) over (partition by f.month)
        )::integer as cents
    from functions as f
    inner join months as m on f.month = m.month
    union all
    select
        months.month,
        'all environments' as environment,
        'all functions' as function,
        months.status,
        months.cents
    from months
)

select
    s.month,
    s.environment,
    s.function,
    (s.cents::decimal(18, 0) * 0.01::decimal(3, 2))::decimal(18, 2) as amount_usd,
    s.status
from shared as s
order by s.month asc, s.environment = 'all environments' asc, s.cents desc, s.function asc, s.environment asc
