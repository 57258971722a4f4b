/*
description: >-
  A session or an order has no creation time, or a paid order no amount: it is missing from every
  figure by day, or from the revenue.
severity: warn
models:
  - analytics.fct_sessions
  - analytics.fct_orders
todo: Look at the raw row's extra column; the API may call the field by another name.
*/
select 'session without created_at' as what, session_id as id
from analytics.fct_sessions
where created_at is null
union all
select 'order without created_at' as what, order_id as id
from analytics.fct_orders
where created_at is null
union all
select 'paid order without amount' as what, order_id as id
from analytics.fct_orders
where is_paid and total_amount is null
