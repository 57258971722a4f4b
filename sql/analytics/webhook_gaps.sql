/*
description: >-
  Webhook events that must have happened, because the order's state implies them, and that no
  delivery log shows. Where nothing but a loss explains it (explanation none) the partner was never
  told: resend these. An event of which only bounds are known is such a loss only when the logs
  reach back beyond both.
grain: one row per order and missing event
key: [order_id, event_type]
not_null: [order_id, event_type, implied_by, explanation]
accepted:
  implied_by: [order time, event, status, later milestone]
  explanation:
    - none
    - type never logged
    - before the first log
    - may be older than the first log
    - a log names no order
references:
  order_id: analytics.fct_orders
columns:
  order_id: The order.
  event_type: The event that no log shows, order.created, order.paid, order.shipped and so on.
  implied_by: >-
    What shows that it happened. order time (the orders list gives its time), status (the order was
    seen in it), later milestone (it was seen further on, or a later event says so), or event (the
    history has the event, the logs have lost it).
  order_status: The order's status, as the API says it.
  expected_at: When it happened, or the time by which it had; null when nothing bounds it.
  not_before: It did not happen before this; null when nothing says.
  not_after: It had happened by then.
  explanation: >-
    Why there may be no log, other than a loss. type never logged (no order has a log of this type:
    the API or the subscription may not send it), before the first log (the logs of that time are not
    here: they do not reach back so far, or nobody looked before the API may have dropped them), may
    be older than the first log (it happened in that time or in another, nothing tells), a log names
    no order (of its type and of its time: it may be that), or none.
*/
with milestones as (
    select order_id, milestone, reached_at, not_before, not_after, implied_by
    from intermediate.int_order_milestones
),

orders as (
    select order_id, status from analytics.fct_orders
),

logs as (
    select webhook_log_id, event_type, event_at from staging.stg_printora__webhook_logs
),

log_orders as (
    select webhook_log_id, order_id, event_type from intermediate.int_webhook_log_orders
),

quarantined as (
    select order_id, event_type from staging.stg_printora__quarantined_logs
),

sights as (
    select webhook_log_id, first_seen_at from intermediate.int_webhook_sights
),

horizons as (
    select event_type, logged_from, logged_until from intermediate.int_webhook_horizons
),

settings as (
    select retry_settled_minutes from staging.build_settings
),

data_as_of as (
    select as_of from intermediate.int_data_as_of where resource = 'webhook_logs'
),

logged as (
    select order_id, event_type from log_orders
    union
    select order_id, event_type from quarantined
),

nameless as (
    select
        logs.event_type,
        min(coalesce(logs.event_at, sights.first_seen_at)) as first_at,
        max(coalesce(logs.event_at, sights.first_seen_at)) as last_at
    from logs
    left join log_orders on logs.webhook_log_id = log_orders.webhook_log_id
    left join sights on logs.webhook_log_id = sights.webhook_log_id
    where log_orders.order_id is null
    group by logs.event_type
),

missing as (
    select
        milestones.order_id,
        'order.' || milestones.milestone as event_type,
        milestones.implied_by,
        coalesce(milestones.reached_at, milestones.not_after) as expected_at,
        milestones.not_before,
        milestones.not_after,
        -- By then the vendor has made its last attempt.
        milestones.not_after + settings.retry_settled_minutes * interval '1 minute' as settled_at
    from milestones
    cross join settings
    left join logged
        on milestones.order_id = logged.order_id
        and 'order.' || milestones.milestone = logged.event_type
    where logged.order_id is null
),

-- Not due yet: nobody has looked at the logs since, or the log may still be on its way.
due as (
    select missing.*
    from missing
    cross join data_as_of
    where coalesce(missing.settled_at <= data_as_of.as_of, true)
),

reached as (
    select
        due.order_id,
        due.event_type,
        coalesce(
            bool_or(
                due.not_before >= horizons.logged_from
                and coalesce(due.settled_at <= horizons.logged_until, true)
            ),
            false
        ) as is_within,
        coalesce(
            bool_or(
                due.not_after >= horizons.logged_from
                and coalesce(due.not_before <= horizons.logged_until, true)
            ),
            false
        ) as is_touching
    from due
    inner join horizons on due.event_type = horizons.event_type
    group by due.order_id, due.event_type
)

select
    due.order_id,
    due.event_type,
    due.implied_by,
    orders.status as order_status,
    due.expected_at,
    due.not_before,
    due.not_after,
    case
        when reached.order_id is null then 'type never logged'
        when not reached.is_touching and due.not_after is not null then 'before the first log'
        when not reached.is_within then 'may be older than the first log'
        when nameless.first_at <= due.settled_at and nameless.last_at >= due.not_before
            then 'a log names no order'
        else 'none'
    end as explanation
from due
inner join orders on due.order_id = orders.order_id
left join reached on due.order_id = reached.order_id and due.event_type = reached.event_type
left join nameless on due.event_type = nameless.event_type
