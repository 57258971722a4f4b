/*
description: >-
  Something happened more than an hour after the last look at the API: a clock is wrong, or a time
  was written in a local zone and read as UTC.
severity: warn
models:
  - analytics.fct_sessions
  - analytics.fct_orders
todo: For sessions look at what writes the ledger; for orders compare with the API's Date header.
*/
with last_look as (
    select max(coalesce(last_ended_at, as_of)) as at_latest from analytics.data_freshness
)

select 'session' as what, sessions.session_id as id, sessions.created_at
from analytics.fct_sessions as sessions
cross join last_look
where sessions.created_at > last_look.at_latest + interval '1 hour'
union all
select 'order' as what, orders.order_id as id, orders.created_at
from analytics.fct_orders as orders
cross join last_look
where orders.created_at > last_look.at_latest + interval '1 hour'
