/* On which days did a function cost far more or less than on such days before? */
select
    day,
    app,
    function,
    round(actual_usd, 2) as actual_usd,
    round(expected_usd, 2) as expected_usd,
    compared_days || case when is_weekday then ' same weekdays' else ' comparable days' end as compared_with
from savings.anomalies
order by day desc, app asc, function asc
