/*
description: Amounts that the orders list does not show any more.
grain: one row per order and look that showed another amount than the one before
key: [order_id, first_seen_at]
materialized: view
columns:
  order_id: The order.
  total_amount: The amount before, exact.
  currency: Its currency; null where nothing named one.
  not_before: The last look that had it.
  first_seen_at: The first look that had another.
*/
select
    order_id,
    total_amount,
    currency,
    not_before,
    first_seen_at
from printora_raw.order_amount_history
