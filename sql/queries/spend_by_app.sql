/* What did each app or volume cost, from which week to which, and in total? */
select
    coalesce(environment, 'all') as environment,
    coalesce(app, 'all apps') as app,
    min(week) as first,
    max(week) as last,
    coalesce(sum(amount_usd), 0)::decimal(18, 2) as amount_usd
from finance.spend_weekly_cents
group by grouping sets ((environment, app), ())
order by grouping(app) asc, amount_usd desc, app asc
