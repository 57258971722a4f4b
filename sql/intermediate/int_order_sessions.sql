/*
description: >-
  Which session each order belongs to. The id that the order gives is not always of the kind that
  the ledger has: the id at the top of a payload can be another one. Of all that the order and its
  logs name, an id that the ledger knows wins; the order's id is what joins them.
grain: one row per order
key: [order_id]
columns:
  order_id: The order.
  session_id: The session; null when nothing names one.
  is_in_ledger: Whether the ledger has the session.
*/
with orders as (
    select order_id, session_id from staging.stg_printora__orders
),

ledger as (
    select session_id from staging.stg_printora__sessions
),

logs as (
    select order_id, session_id, payload_session_id
    from staging.stg_printora__webhook_logs
),

placed as (
    select orders.order_id, orders.session_id, ledger.session_id as ledger_session_id
    from orders
    left join ledger on orders.session_id = ledger.session_id
),

told_by_logs as (
    select logs.order_id, logs.session_id, logs.payload_session_id
    from logs
    -- Only of these, so that the other logs need not be looked up.
    inner join placed on logs.order_id = placed.order_id
    where placed.ledger_session_id is null
),

by_any_log as (
    select
        order_id,
        min(session_id) as session_id,
        min(payload_session_id) as payload_session_id
    from told_by_logs
    group by order_id
),

by_log as (
    select told_by_logs.order_id, min(ledger.session_id) as session_id
    from told_by_logs
    inner join ledger on told_by_logs.session_id = ledger.session_id
    group by told_by_logs.order_id
),

by_payload as (
    select told_by_logs.order_id, min(ledger.session_id) as session_id
    from told_by_logs
    inner join ledger on told_by_logs.payload_session_id = ledger.session_id
    group by told_by_logs.order_id
)

select
    placed.order_id,
    coalesce(
        placed.ledger_session_id,
        by_log.session_id,
        by_payload.session_id,
        placed.session_id,
        by_any_log.session_id,
        by_any_log.payload_session_id
    ) as session_id,
    coalesce(placed.ledger_session_id, by_log.session_id, by_payload.session_id) is not null
        as is_in_ledger
from placed
left join by_log on placed.order_id = by_log.order_id
left join by_payload on placed.order_id = by_payload.order_id
left join by_any_log on placed.order_id = by_any_log.order_id
