/*
description: >-
  Something is dated after the last look at the API, or a session long before the first order: a
  clock is wrong, a time was written in a local zone and read as UTC, or a line of the ledger is.
  Sessions with such a time are in no figure by day; orders and events have happened at an unknown
  time.
severity: warn
models:
  - analytics.fct_sessions
  - analytics.fct_orders
  - analytics.fct_webhook_deliveries
todo: For sessions look at what writes the ledger; for orders compare with the API's Date header.
*/
with last_look as (
    select max(looked_until) as looked_until from intermediate.int_data_as_of
)

select 'session' as what, session_id as id, created_at
from analytics.fct_sessions
where created_at is not null and cohort_date is null
union all
select 'order' as what, orders.order_id as id, orders.created_at
from analytics.fct_orders as orders
cross join last_look
where orders.created_at > last_look.looked_until + interval '1 hour'
union all
select 'order' as what, order_id as id, greatest(created_at, paid_at, shipped_at, delivered_at, cancelled_at)
from printora_raw.orders
where greatest(created_at, paid_at, shipped_at, delivered_at, cancelled_at)
    > _seen_at + interval '1 day'
union all
select 'delivery' as what, webhook_log_id as id, greatest(event_at, created_at, last_attempt_at, delivered_at)
from printora_raw.webhook_logs
where greatest(event_at, created_at, last_attempt_at, delivered_at) > _seen_at + interval '1 day'
