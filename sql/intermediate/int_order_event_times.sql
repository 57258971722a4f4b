/*
description: >-
  When the events of an order happened, by the events' own timestamps. A repeated or resent event
  counts with its earliest timestamp.
grain: one row per order that has a log with a time
key: [order_id]
columns:
  order_id: The order.
  created_at: Time of order.created; null without such a log.
  paid_at: Time of order.paid; null without such a log.
  shipped_at: Time of order.shipped; null without such a log.
  delivered_at: Time of order.delivered; null without such a log.
  cancelled_at: Time of order.cancelled; null without such a log.
  session_id: The session as the logs name it.
  payload_session_id: sessionId at the top of the payloads.
*/
with logs as (
    select order_id, session_id, payload_session_id, event_type, event_at
    from staging.stg_printora__webhook_logs
    -- Our first sight of a log says nothing about when its event happened.
    where order_id is not null and event_at_source in ('payload', 'log')
)

select
    order_id,
    min(case when event_type = 'order.created' then event_at end) as created_at,
    min(case when event_type = 'order.paid' then event_at end) as paid_at,
    min(case when event_type = 'order.shipped' then event_at end) as shipped_at,
    min(case when event_type = 'order.delivered' then event_at end) as delivered_at,
    min(case when event_type = 'order.cancelled' then event_at end) as cancelled_at,
    min(session_id) as session_id,
    min(payload_session_id) as payload_session_id
from logs
group by order_id
