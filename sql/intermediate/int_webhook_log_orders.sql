/*
description: >-
  Which order each delivery log is about: the one that it names, or else every order of the session
  that it names.
grain: one row per delivery log and order
key: [webhook_log_id, order_id]
materialized: view
columns:
  webhook_log_id: The delivery log.
  order_id: The order, whether or not the orders list has it.
  event_type: order.created, order.paid, order.shipped, order.delivered, order.cancelled or unknown.
*/
with logs as (
    select webhook_log_id, order_id, session_id, payload_session_id, event_type
    from staging.stg_printora__webhook_logs
),

order_sessions as (
    select order_id, session_id
    from intermediate.int_order_sessions
    where session_id is not null
),

session_logs as (
    select webhook_log_id, session_id, event_type
    from logs
    where order_id is null and session_id is not null
    union
    select webhook_log_id, payload_session_id as session_id, event_type
    from logs
    where order_id is null and payload_session_id is not null
)

select webhook_log_id, order_id, coalesce(event_type, 'unknown') as event_type
from logs
where order_id is not null
union all
select distinct
    session_logs.webhook_log_id,
    order_sessions.order_id,
    coalesce(session_logs.event_type, 'unknown') as event_type
from session_logs
inner join order_sessions on session_logs.session_id = order_sessions.session_id
