/*
description: Delivery logs about an order that the orders list does not have.
grain: one row per delivery log whose order is unknown
key: [webhook_log_id]
columns:
  webhook_log_id: The delivery log.
  order_id: The order that it names; null when it names none.
  session_id: >-
    The session that it names, or the id at the top of its payload; the one that the ledger has.
  event_at: When its event happened, or where no time is told, when its log was first seen.
*/
with logs as (
    select webhook_log_id, order_id, session_id, payload_session_id, event_at
    from staging.stg_printora__webhook_logs
),

sights as (
    select webhook_log_id, first_seen_at from intermediate.int_webhook_sights
),

orders as (
    select order_id from staging.stg_printora__orders
),

ledger as (
    select session_id from staging.stg_printora__sessions
)

select
    logs.webhook_log_id,
    logs.order_id,
    coalesce(
        by_log.session_id,
        by_payload.session_id,
        logs.session_id,
        logs.payload_session_id
    ) as session_id,
    coalesce(logs.event_at, sights.first_seen_at) as event_at
from logs
left join sights on logs.webhook_log_id = sights.webhook_log_id
left join orders on logs.order_id = orders.order_id
left join ledger as by_log on logs.session_id = by_log.session_id
left join ledger as by_payload on logs.payload_session_id = by_payload.session_id
where orders.order_id is null
