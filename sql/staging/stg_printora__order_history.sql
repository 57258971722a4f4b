/*
description: Every status that an order was seen in, and between which two looks it got there.
grain: one row per order and status
key: [order_id, status]
materialized: view
columns:
  order_id: The order.
  status: A status that it was seen in, in lower case.
  not_before: The last look that did not have this status yet; null at the first look.
  first_seen_at: The first look that had it.
  changed_at: When the change happened, where the API says so.
  origin: What showed the status, list (the orders list) or event (a webhook log).
*/
select
    order_id,
    status,
    not_before,
    first_seen_at,
    unless_future(changed_at, first_seen_at) as changed_at,
    origin
from printora_raw.order_history
