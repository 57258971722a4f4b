/*
description: >-
  How far back the delivery logs reach, by type of event: of what happened later, a log would be
  here. It is when the oldest log was made, not when its event happened: an event of long ago that
  is sent again today says nothing about the logs of the time between.
grain: one row per type of event that was ever logged
key: [event_type]
columns:
  event_type: order.created, order.paid, order.shipped, order.delivered, order.cancelled or unknown.
  logged_from: >-
    When the oldest log of the type was made. Where the API does not say when a log was made, its
    event's time stands in, and the oldest hundredth of such logs is left out: a resend cannot be
    told from an old log. Where there is no time at all, it is the first look.
*/
with logs as (
    select
        webhook_log_id,
        order_id,
        coalesce(event_type, 'unknown') as event_type,
        event_at,
        created_at
    from staging.stg_printora__webhook_logs
),

sights as (
    select webhook_log_id, first_seen_at from intermediate.int_webhook_sights
),

orders as (
    select order_id, created_at from staging.stg_printora__orders
),

-- No log is older than its order: a clock was wrong.
timely as (
    select logs.event_type, logs.event_at, logs.created_at
    from logs
    left join orders on logs.order_id = orders.order_id
    where coalesce(
        coalesce(logs.created_at, logs.event_at) >= orders.created_at - interval '1 hour',
        true
    )
),

made as (
    select event_type, min(created_at) as logged_from
    from timely
    group by event_type
),

by_event as (
    select
        event_type,
        event_at,
        row_number() over (partition by event_type order by event_at) as number,
        count(*) over (partition by event_type) as logs
    from timely
    where created_at is null and event_at is not null
),

guessed as (
    select event_type, min(event_at) as logged_from
    from by_event
    where number * 100 > logs
    group by event_type
),

seen as (
    select logs.event_type, min(sights.first_seen_at) as logged_from
    from sights
    inner join logs on sights.webhook_log_id = logs.webhook_log_id
    group by logs.event_type
)

select
    types.event_type,
    coalesce(made.logged_from, guessed.logged_from, seen.logged_from) as logged_from
from (select distinct event_type from logs) as types
left join made on types.event_type = made.event_type
left join guessed on types.event_type = guessed.event_type
left join seen on types.event_type = seen.event_type
