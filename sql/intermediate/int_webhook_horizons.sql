/*
description: >-
  Since when, and until when, the delivery logs are all here, by type of event: of what happened in
  between, a log would be here. It begins when the oldest log was made, not when its event happened:
  an event of long ago that is sent again today says nothing about the logs of the time between.
  Where all that the API listed was new to us, or nobody looked for three days, nothing new is of
  the first three, and most of what was known is gone, logs of the time between may have been dropped
  before anybody looked: there one span ends and another begins.
grain: one row per type of event that was ever logged and span
key: [event_type, span]
columns:
  event_type: order.created, order.paid, order.shipped, order.delivered, order.cancelled or unknown.
  span: 1 is the newest, which goes on; 2 the one before it.
  logged_from: >-
    When the oldest log of the type and span was made. The oldest hundredth is left out: a wrong clock
    cannot be told from an old log. Where the API does not say when logs were made, their events' times
    stand in, but not of one sent again: of the orders made next after its own, most lack such a log. Where there is no time at all, it is the first look. Logs about orders that the
    list does not have count only where there are no others. Null when the newest span has no log of
    the type.
  logged_until: The last time in the span up to which the logs are proven complete; null for the newest.
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
    select webhook_log_id, order_id, event_type from intermediate.int_webhook_log_orders
),

milestones as (
    select order_id, milestone from intermediate.int_order_milestones
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
        ended_at,
        coalesce(rows_new, 0) as rows_new,
        -- Without a total the list is read twice, with an overlap between any two pages.
        coalesce(rows_reported - coalesce(rows_hidden, 0), (rows_read + 2) // 3) as rows_listed,
        -- What was brought in several syncs belongs to the first of them that was complete.
        count(complete_as_of) over (
            order by sync_id desc rows between unbounded preceding and current row
        ) as from_last_proof
    from staging.stg_printora__sync_runs
    where resource = 'webhook_logs'
),

progress as (
    select
        complete_as_of,
        ended_at,
        max(complete_as_of) over (
            order by sync_id rows between unbounded preceding and 1 preceding
        ) as proven_before,
        max(ended_at) over (
            order by sync_id rows between unbounded preceding and 1 preceding
        ) as ended_before,
        max(case when complete_as_of is not null then ended_at end) over (
            order by sync_id rows between unbounded preceding and 1 preceding
        ) as proof_ended_before,
        sum(rows_new) over (
            order by sync_id rows between unbounded preceding and 1 preceding
        ) as rows_before,
        sum(rows_new) over (
            partition by from_last_proof
            order by sync_id desc rows between unbounded preceding and current row
        ) as rows_new,
        sum(rows_new) over (partition by from_last_proof) as rows_new_by_proof,
        max(case when complete_as_of is not null then rows_listed end) over (
            partition by from_last_proof
        ) as rows_listed
    from runs
),

looks as (
    select webhook_log_id, min(first_seen_at) as first_seen_at
    from staging.stg_printora__webhook_log_history
    group by webhook_log_id
),

-- Most of what was known is not listed any more, and what is may be listed for longer than others:
-- those that failed, or were tried again by hand.
pauses as (
    select
        progress.proof_ended_before,
        progress.proven_before,
        min(coalesce(logs.created_at, logs.event_at))
        > progress.proven_before + interval '72 hours' as is_all_late
    from progress
    inner join looks
        on looks.first_seen_at > progress.proof_ended_before and looks.first_seen_at <= progress.ended_at
    inner join logs
        on looks.webhook_log_id = logs.webhook_log_id
        and coalesce(logs.created_at, logs.event_at) > progress.proven_before
    where progress.complete_as_of > progress.proven_before + interval '72 hours'
        and (progress.rows_listed - progress.rows_new_by_proof) * 2 < progress.rows_before
    group by progress.proof_ended_before, progress.proven_before
),

-- A sync to which all was new, and which was not the first: what it read was made after the one
-- before had ended, and that one proves nothing beyond its own proof.
edges as (
    select cast(null as timestamptz) as after_at, cast(null as timestamptz) as proven_before
    union all
    select ended_before as after_at, proven_before
    from progress
    where rows_before > 0 and rows_new >= rows_listed
    union
    select proof_ended_before as after_at, proven_before
    from pauses
    where is_all_late
),

spans as (
    select
        after_at,
        lead(after_at) over (order by after_at nulls first) as before_at,
        lead(proven_before) over (order by after_at nulls first) as logged_until,
        row_number() over (order by after_at desc nulls last) as span
    from edges
),

first_order as (
    select min(created_at) as created_at from orders
),

dated as (
    select
        logs.event_type,
        orders.order_id,
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

undated_types as (
    select distinct event_type from logs where created_at is null and event_at is not null
),

-- The orders that must have such a log, with the ten made next.
reached as (
    select
        milestones.order_id,
        undated_types.event_type,
        count(*) over next_orders as orders,
        count(logged.order_id) over next_orders as orders_logged
    from milestones
    inner join undated_types on 'order.' || milestones.milestone = undated_types.event_type
    inner join orders on milestones.order_id = orders.order_id
    left join (select distinct order_id, event_type from log_orders) as logged
        on milestones.order_id = logged.order_id and undated_types.event_type = logged.event_type
    window next_orders as (
        partition by undated_types.event_type order by orders.created_at, milestones.order_id
        rows between current row and 10 following
    )
),

-- No log is older than its order: a clock was wrong.
timely as (
    select dated.event_type, dated.made_at, dated.trust
    from dated
    left join reached
        on dated.trust = 2
        and dated.order_id = reached.order_id
        and dated.event_type = reached.event_type
    where dated.made_at is not null
        and coalesce(dated.made_at >= dated.ordered_at - interval '1 hour', true)
        and coalesce(reached.orders_logged * 2 >= reached.orders, true)
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
        spans.span,
        hours.event_type,
        hours.trust,
        hours.first_at,
        sum(hours.logs) over (
            partition by spans.span, hours.event_type, hours.trust
            order by hours.hour rows between unbounded preceding and current row
        ) as logs_until,
        sum(hours.logs) over (partition by spans.span, hours.event_type, hours.trust) as logs
    from hours
    cross join spans
    where coalesce(hours.first_at > spans.after_at, true)
        and coalesce(hours.first_at <= spans.before_at, true)
),

told as (
    select
        span,
        event_type,
        min(case when trust = 1 then first_at end) as made_from,
        min(case when trust = 2 then first_at end) as happened_from,
        min(case when trust = 3 then first_at end) as stray_from
    from counted
    where logs_until * 100 > logs
    group by span, event_type
),

seen as (
    select spans.span, logs.event_type, min(sights.first_seen_at) as seen_from
    from sights
    inner join logs on sights.webhook_log_id = logs.webhook_log_id
    cross join spans
    where coalesce(sights.first_seen_at > spans.after_at, true)
        and coalesce(sights.first_seen_at <= spans.before_at, true)
    group by spans.span, logs.event_type
)

select
    types.event_type,
    spans.span,
    coalesce(told.made_from, told.happened_from, seen.seen_from, told.stray_from) as logged_from,
    spans.logged_until
from (select distinct event_type from logs) as types
cross join spans
left join told on types.event_type = told.event_type and spans.span = told.span
left join seen on types.event_type = seen.event_type and spans.span = seen.span
where spans.span = 1
    or coalesce(told.made_from, told.happened_from, seen.seen_from, told.stray_from)
    < spans.logged_until
