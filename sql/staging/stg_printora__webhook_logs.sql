/*
description: >-
  Deliveries of webhook events as the API last showed them. Some APIs leave out the payload's
  timestamp: event_at is then the row's time, and event_at_source says so. A time that is more than a
  day later than the look that showed it is null: it has not happened.
grain: one row per delivery log
key: [webhook_log_id]
materialized: view
columns:
  webhook_log_id: The API's id of the delivery.
  order_id: The order that the event is about.
  session_id: The session as the log or the event's data names it.
  payload_session_id: sessionId at the top of the payload, which can be another kind of id.
  event_type: order.created, order.paid, order.shipped, order.delivered, order.cancelled or unknown.
  status: pending, retrying, sent or failed.
  attempts: Deliveries tried so far.
  response_status: HTTP status of the last attempt's answer.
  order_status: The order's status in the event's payload.
  event_at: When the event happened, as exactly as the log tells; null when it tells no time.
  event_at_source: payload (its timestamp) or log (the row's creation).
  created_at: When the log row was made.
  last_attempt_at: When the last attempt was made, where the API says so.
  delivered_at: When an attempt succeeded, where the API says so.
  total_amount: The order's total in the event's payload.
  currency: ISO 4217 code of total_amount, where the payload says so.
  carrier: Who carries the parcel, where the payload says so.
  country: Country of the shipping address, where the payload says so.
  customer_pseudonym: >-
    Keyed hash of the customer's e-mail, where the payload says it. Same person, same value.
  deleted_at: When a sync found that the API no longer has the row; null while it has.
  seen_at: When the answer that held this row was made, by the API's clock.
*/
with logs as (
    select
        webhook_log_id,
        order_id,
        session_id,
        payload_session_id,
        event_type,
        status,
        attempts,
        response_status,
        order_status,
        unless_future(event_at, _seen_at) as event_at,
        unless_future(created_at, _seen_at) as created_at,
        unless_future(last_attempt_at, _seen_at) as last_attempt_at,
        unless_future(delivered_at, _seen_at) as delivered_at,
        total_amount,
        currency,
        carrier,
        country,
        customer_pseudonym,
        deleted_at,
        _seen_at
    from printora_raw.webhook_logs
)

select
    webhook_log_id,
    order_id,
    session_id,
    payload_session_id,
    event_type,
    status,
    attempts,
    response_status,
    order_status,
    coalesce(event_at, created_at) as event_at,
    case
        when event_at is not null then 'payload'
        when created_at is not null then 'log'
    end as event_at_source,
    created_at,
    last_attempt_at,
    delivered_at,
    total_amount,
    upper(currency) as currency,
    carrier,
    country,
    customer_pseudonym,
    deleted_at,
    _seen_at as seen_at
from logs
