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
    select order_id, session_id, payload_session_id from intermediate.int_order_event_times
)

select
    orders.order_id,
    coalesce(
        by_order.session_id,
        by_log.session_id,
        by_payload.session_id,
        orders.session_id,
        logs.session_id,
        logs.payload_session_id
    ) as session_id,
    coalesce(by_order.session_id, by_log.session_id, by_payload.session_id) is not null
        as is_in_ledger
from orders
left join logs on orders.order_id = logs.order_id
left join ledger as by_order on orders.session_id = by_order.session_id
left join ledger as by_log on logs.session_id = by_log.session_id
left join ledger as by_payload on logs.payload_session_id = by_payload.session_id
