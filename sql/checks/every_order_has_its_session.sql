/*
description: >-
  An order names no session, or one that fct_sessions does not have: its revenue is missing from
  every conversion figure.
severity: warn
models:
  - analytics.fct_orders
  - analytics.fct_sessions
todo: >-
  An order without any session id cannot be counted as a conversion. When there are many, look at
  what the API's rows call the session (the extra column of printora_raw.orders).
*/
select orders.order_id, orders.session_id, orders.created_at
from analytics.fct_orders as orders
left join analytics.fct_sessions as sessions on orders.session_id = sessions.session_id
where sessions.session_id is null
