/*
description: >-
  How far back the delivery logs reach without a break, by type of event: of what happened later, a
  log would be here. It is when the oldest log was made, not when its event happened: an event of
  long ago that is sent again today says nothing about the logs of the time between.
grain: one row per type of event that was ever logged
key: [event_type]
columns:
  event_type: order.created, order.paid, order.shipped, order.delivered, order.cancelled or unknown.
  logged_from: >-
    When the oldest log of the type was made; where the API does not say that, its event's time
    stands in. The oldest hundredth is left out: neither a wrong clock nor a resend can be told from
    an old log. So is what was logged before all that the API listed was new to us, for what came
    between may have been dropped before anybody looked. Where there is no time at all, it is the
    first look. Logs about orders that the list does not have count only where there are no others.
    Null when no log of the type is left.
*/
with logs as (
    select
        webhook_log_id,
        coalesce(event_type, 'unknown') as event_type,
        event_at,
        created_at
    from staging.stg_printora__webhook_logs
),

log_orders as (
    select webhook_log_id, order_id from intermediate.int_webhook_log_orders
),

sights as (
    select webhook_log_id, first_seen_at from intermediate.int_webhook_sights
),

orders as (
    select order_id, created_at from staging.stg_printora__orders
),

runs as (
    select
        sync_id,
        complete_as_of,
        rows_new,
        coalesce(rows_reported, rows_read) as rows_listed,
        -- What a first load brought in several syncs belongs to the first that was complete.
        count(complete_as_of) over (
            order by sync_id desc rows between unbounded preceding and current row
        ) as from_last_proof
    from staging.stg_printora__sync_runs
    where resource = 'webhook_logs'
),

proofs as (
    select
        from_last_proof,
        max(complete_as_of) as complete_as_of,
        sum(rows_new) as rows_new,
        max(case when complete_as_of is not null then rows_listed end) as rows_listed
    from runs
    group by from_last_proof
),

steps as (
    select
        rows_new >= rows_listed as is_all_new,
        lag(complete_as_of) over (order by from_last_proof desc) as proven_before
    from proofs
),

break as (
    select max(proven_before) as after_at from steps where is_all_new
),

first_order as (
    select min(created_at) as created_at from orders
),

dated as (
    select
        logs.event_type,
        coalesce(logs.created_at, logs.event_at) as made_at,
        coalesce(orders.created_at, first_order.created_at) as ordered_at,
        case
            when orders.order_id is null then 3
            when logs.created_at is null then 2
            else 1
        end as trust
    from logs
    left join log_orders on logs.webhook_log_id = log_orders.webhook_log_id
    left join orders on log_orders.order_id = orders.order_id
    cross join first_order
),

-- No log is older than its order: a clock was wrong.
timely as (
    select dated.event_type, dated.made_at, dated.trust
    from dated
    cross join break
    where dated.made_at is not null
        and coalesce(dated.made_at >= dated.ordered_at - interval '1 hour', true)
        and coalesce(dated.made_at > break.after_at, true)
),

hours as (
    select
        event_type,
        trust,
        date_diff('minute', timestamptz '2000-01-01 00:00:00+00', made_at) // 60 as hour,
        min(made_at) as first_at,
        count(*) as logs
    from timely
    group by event_type, trust, date_diff('minute', timestamptz '2000-01-01 00:00:00+00', made_at) // 60
),

counted as (
    select
        event_type,
        trust,
        first_at,
        sum(logs) over (
            partition by event_type, trust
            order by hour rows between unbounded preceding and current row
        ) as logs_until,
        sum(logs) over (partition by event_type, trust) as logs
    from hours
),

told as (
    select
        event_type,
        min(case when trust = 1 then first_at end) as made_from,
        min(case when trust = 2 then first_at end) as happened_from,
        min(case when trust = 3 then first_at end) as stray_from
    from counted
    where logs_until * 100 > logs
    group by event_type
),

seen as (
    select logs.event_type, min(sights.first_seen_at) as seen_from
    from sights
    inner join logs on sights.webhook_log_id = logs.webhook_log_id
    cross join break
    where coalesce(sights.first_seen_at > break.after_at, true)
    group by logs.event_type
)

select
    types.event_type,
    coalesce(told.made_from, told.happened_from, seen.seen_from, told.stray_from) as logged_from
from (select distinct event_type from logs) as types
left join told on types.event_type = told.event_type
left join seen on types.event_type = seen.event_type
