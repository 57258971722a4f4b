/*
description: >-
  When the events of an order happened, by the events' own timestamps. A repeated or resent event
  counts with its earliest timestamp.
grain: one row per order that has a log
key: [order_id]
columns:
  order_id: The order.
  created_at: Time of order.created; null without such a log that tells a time.
  paid_at: Time of order.paid; null likewise.
  shipped_at: Time of order.shipped; null likewise.
  delivered_at: Time of order.delivered; null likewise.
  cancelled_at: Time of order.cancelled; null likewise.
*/
with logs as (
    select
        order_id,
        event_type,
        event_at
    from staging.stg_printora__webhook_logs
    where order_id is not null
)

select
    order_id,
    min(case when event_type = 'order.created' then event_at end) as created_at,
    min(case when event_type = 'order.paid' then event_at end) as paid_at,
    min(case when event_type = 'order.shipped' then event_at end) as shipped_at,
    min(case when event_type = 'order.delivered' then event_at end) as delivered_at,
    min(case when event_type = 'order.cancelled' then event_at end) as cancelled_at
from logs
group by order_id
