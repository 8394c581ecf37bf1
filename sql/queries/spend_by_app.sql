/* What did each app or volume cost, from which week to which, and in total? */
select
    coalesce(environment, 'all') as environment,
    coalesce(app, 'all apps') as app,
    min(week) as first,
    max(week) as last,
    sum(amount_usd) as amount_usd
from finance.spend_daily
group by grouping sets ((environment, app), ())
order by grouping(app) asc, amount_usd desc, app asc
