/*
description: >-
  Webhook events that must have happened, because the order's state implies them, and that no
  delivery log shows: the partner was never told. Resend them.
grain: one row per order and missing event
key: [order_id, event_type]
columns:
  order_id: The order.
  event_type: The event that no log shows, order.created, order.paid, order.shipped and so on.
  implied_by: >-
    What shows that it happened. order time (the orders list gives its time), status (the order was
    seen in it), later milestone (it was seen further on, or a later event says so), or event (the
    history has the event, the logs have lost it).
  order_status: The order's status, as the API says it.
  expected_at: When it happened, or the time by which it had; null when nothing bounds it.
  explanation: >-
    Why there may be no log, other than a loss. type never logged (no order has a log of this type:
    the API or the subscription may not send it), before the first log (older than all logs: the API
    may have dropped it), or none.
*/
with milestones as (
    select order_id, milestone, reached_at, not_after, implied_by
    from intermediate.int_order_milestones
),

orders as (
    select order_id, status from analytics.fct_orders
),

logs as (
    select order_id, event_type, event_at from staging.stg_printora__webhook_logs
),

data_as_of as (
    select as_of from intermediate.int_data_as_of where resource = 'webhook_logs'
),

logged as (
    select distinct order_id, event_type from logs
),

logged_types as (
    select event_type, min(event_at) as first_event_at
    from logs
    group by event_type
),

first_log as (
    select min(event_at) as event_at from logs
),

implied as (
    select
        order_id,
        'order.' || milestone as event_type,
        implied_by,
        coalesce(reached_at, not_after) as expected_at
    from milestones
)

select
    implied.order_id,
    implied.event_type,
    implied.implied_by,
    orders.status as order_status,
    implied.expected_at,
    case
        when logged_types.event_type is null then 'type never logged'
        when implied.expected_at < first_log.event_at then 'before the first log'
        else 'none'
    end as explanation
from implied
inner join orders on implied.order_id = orders.order_id
cross join first_log
cross join data_as_of
left join logged
    on implied.order_id = logged.order_id and implied.event_type = logged.event_type
left join logged_types on implied.event_type = logged_types.event_type
where logged.order_id is null
    -- What happened after the last look at the logs is not missing: nobody has looked.
    and coalesce(implied.expected_at <= data_as_of.as_of, true)
