/*
description: >-
  Something is dated after the last look at the API, or a session long before the first order: a
  clock is wrong, a time was written in a local zone and read as UTC, or a line of the ledger is.
  Sessions with such a time are in no figure by day.
severity: warn
models:
  - analytics.fct_sessions
  - analytics.fct_orders
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
