/*
description: >-
  Every delivery log of a webhook event. One event can have several (repeats, resends): count events
  with webhook_health_daily, not with this.
grain: one row per delivery log
key: [webhook_log_id]
accepted:
  delivered_at_source: [log, schedule, interval]
materialized: view
columns:
  webhook_log_id: The API's id of the delivery.
  order_id: The order that the event is about.
  session_id: >-
    The order's session where the order is known, as fct_orders has it; else the session that the
    log names.
  event_type: order.created, order.paid, order.shipped, order.delivered, order.cancelled or unknown.
  event_at: When the event happened.
  event_at_source: payload (its timestamp), log (the row's creation) or seen (our first sight of it).
  event_date: Date of event_at in the report time zone.
  status: pending, retrying, sent or failed.
  attempts: Deliveries tried so far.
  response_status: HTTP status of the last attempt's answer.
  first_attempt_delivered: Whether the first attempt succeeded; null while there was none.
  created_at: When the log row was made.
  delivered_at: When an attempt succeeded; null unless the status is sent, or when nothing tells.
  delivered_at_source: >-
    log (the API says so), schedule (the vendor's timetable of attempts, counted from the row's
    creation), interval (the middle between two looks); null without delivered_at.
  seconds_to_deliver: From the event to the delivery.
  is_orphan: Whether the orders list does not have the order.
  last_seen_at: When the API last showed it so.
*/
select
    webhook_log_id,
    order_id,
    session_id,
    event_type,
    event_at,
    event_at_source,
    event_date,
    status,
    attempts,
    response_status,
    first_attempt_delivered,
    created_at,
    delivered_at,
    delivered_at_source,
    seconds_to_deliver,
    is_orphan,
    last_seen_at
from intermediate.int_webhook_deliveries
