/*
description: A time of an order lies outside the bounds that are given for it.
severity: error
models:
  - analytics.fct_orders
todo: Correct int_order_milestones; nothing in the data can cause it.
*/
select order_id, paid_at, shipped_at, delivered_at, cancelled_at
from analytics.fct_orders
where not paid_at between paid_not_before and paid_not_after
    or not shipped_at between shipped_not_before and shipped_not_after
    or not delivered_at between delivered_not_before and delivered_not_after
    or not cancelled_at between cancelled_not_before and cancelled_not_after
