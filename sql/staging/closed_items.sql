/*
The bill of staging.closed_days as it stood when their month was closed.

materialized: view
key: environment, object_id, hour, resolution, resource
partition: hour
*/
select
    environment,  -- Modal environment
    object_id,  -- Modal object
    app,  -- its name on the bill
    hour,  -- start of the billed interval, UTC
    resolution,  -- h or d
    resource,  -- as in staging.billing_items
    amount_usd  -- what had been metered, exact
from staging.billing_items
where reading = 'closing'
