/*
Days on which a function cost far more or less than on the days before, by its own history of the same weekday where it is
long enough. A deployment that changes the function begins a new history, so a saving is none. Expected cost and deviations
are estimates.

key: week_start, app, function, day
partition: week_start
measured from: savings.daily_function, staging.billing_intervals
*/
select
    week_start,  -- Monday of the week, UTC
    week,  -- its ISO label
    app,  -- its app; of a function of the catalog, the app of its last phase
    function,  -- the function
    day,  -- UTC
    actual_usd,  -- what it cost on this day, exact
    expected_usd,  -- what it usually costs, in whole cents
    deviations,  -- robust standard deviations between the two, on the logarithmic scale; negative when it cost less
    compared_days,  -- days that it was held against
    is_weekday  -- these were the same weekday; else the same part of the week, or all days before it
from measured_anomalies
where
    week_start >= $since
    and week_start < $until
