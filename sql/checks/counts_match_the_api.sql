/*
description: >-
  The table has fewer or more rows than the sync certified, so that somebody else has changed it; or
  the API said that it has more rows than a complete sync stored. What may have come while the sync
  ran, a hundredth of a day's rows, is no difference.
severity: error
blocking: false
models:
  - analytics.data_freshness
  - analytics.fct_orders
  - analytics.fct_webhook_deliveries
todo: >-
  Run a sync that walks the whole list. If the table still differs from what was certified,
  something besides the sync writes to printora_raw; if the API still says more, ask the vendor what
  its total counts.
*/
with rows_now as (
    select 'orders' as resource, created_at
    from analytics.fct_orders
    where deleted_at is null
    union all
    select 'webhook_logs' as resource, coalesce(created_at, event_at) as created_at
    from staging.stg_printora__webhook_logs
    where deleted_at is null
),

stored as (
    select
        freshness.resource,
        freshness.rows_stored,
        freshness.rows_reported,
        freshness.rows_quarantined,
        count(rows_now.resource) as rows,
        count(case when rows_now.created_at > freshness.as_of - interval '24 hours' then 1 end)
            as rows_of_the_day
    from analytics.data_freshness as freshness
    left join rows_now on freshness.resource = rows_now.resource
    where freshness.is_complete and freshness.resource <> 'sessions'
    group by
        freshness.resource,
        freshness.rows_stored,
        freshness.rows_reported,
        freshness.rows_quarantined
)

select resource, rows_stored, rows, rows_reported
from stored
where rows_stored <> rows
    or rows_reported > rows + rows_quarantined + rows_of_the_day / 100
