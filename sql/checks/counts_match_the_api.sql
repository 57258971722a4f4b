/*
description: >-
  The table has fewer or more rows than the sync certified, so that somebody else has changed it; or
  an API that counts all rows reports more than a complete sync stored.
severity: error
models:
  - analytics.data_freshness
  - analytics.fct_orders
  - analytics.fct_webhook_deliveries
todo: >-
  Run a sync that walks the whole list. If the counts still differ, something besides the sync
  writes to printora_raw.
*/
with stored as (
    select 'orders' as resource, count(*) as rows
    from analytics.fct_orders
    where deleted_at is null
    union all
    select 'webhook_logs' as resource, count(*) as rows
    from staging.stg_printora__webhook_logs
    where deleted_at is null
)

select freshness.resource, freshness.rows_stored, stored.rows
from analytics.data_freshness as freshness
inner join stored on freshness.resource = stored.resource
where freshness.is_complete and freshness.rows_stored <> stored.rows
