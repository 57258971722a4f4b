/*
description: >-
  Delivery logs with the session of their order, and when they were delivered, as exactly as anything
  tells: by the log, by the vendor's timetable of attempts, or between two looks.
grain: one row per delivery log
key: [webhook_log_id]
columns:
  webhook_log_id: The API's id of the delivery.
  order_id: The order that the event is about.
  session_id: >-
    The order's session where the order is known, as int_order_sessions has it; else the session that the
    log names, as int_webhook_orphans has it.
  event_type: order.created, order.paid, order.shipped, order.delivered, order.cancelled or unknown.
  event_at: When the event happened.
  event_at_source: payload (its timestamp), log (the row's creation) or seen (our first sight of it).
  event_date: Date of event_at in the report time zone.
  status: pending, retrying, sent or failed.
  attempts: Deliveries tried so far.
  response_status: HTTP status of the last attempt's answer.
  first_attempt_delivered: Whether the first attempt succeeded; null while there was none.
  created_at: When the log row was made.
  delivered_at: When an attempt succeeded; null unless the status is sent, or when nothing tells.
  delivered_at_source: >-
    log (the API says so), schedule (the vendor's timetable of attempts, counted from the row's
    creation), interval (the middle between two looks); null without delivered_at.
  seconds_to_deliver: >-
    From the event to the delivery; null where nothing but its first sight tells when the event was.
  is_orphan: Whether the orders list does not have the order.
  last_seen_at: When the API last showed it so.
*/
with logs as (
    select
        webhook_log_id,
        order_id,
        event_type,
        event_at,
        event_at_source,
        status,
        attempts,
        response_status,
        created_at,
        last_attempt_at,
        delivered_at,
        seen_at
    from staging.stg_printora__webhook_logs
),

looks as (
    select webhook_log_id, not_before, first_seen_at
    from staging.stg_printora__webhook_log_history
    where status = 'sent' and not_before is not null
),

order_sessions as (
    select order_id, session_id from intermediate.int_order_sessions
),

sights as (
    select webhook_log_id, first_seen_at from intermediate.int_webhook_sights
),

orphans as (
    select webhook_log_id, session_id from intermediate.int_webhook_orphans
),

settings as (
    select report_time_zone from staging.build_settings
),

first_looks as (
    select webhook_log_id, min(not_before) as not_before, min(first_seen_at) as first_seen_at
    from looks
    group by webhook_log_id
),

joined as (
    select
        logs.webhook_log_id,
        logs.order_id,
        orphans.webhook_log_id is not null as is_orphan,
        coalesce(order_sessions.session_id, orphans.session_id) as session_id,
        logs.event_type,
        coalesce(logs.event_at, sights.first_seen_at) as event_at,
        coalesce(logs.event_at_source, case when sights.first_seen_at is not null then 'seen' end)
            as event_at_source,
        logs.status,
        logs.attempts,
        logs.response_status,
        logs.created_at,
        logs.seen_at,
        coalesce(logs.delivered_at, logs.last_attempt_at) as told_at,
        -- The vendor tries at once, then after 1 minute, 5 minutes, 30 minutes and 2 hours.
        logs.created_at
            + case logs.attempts
                when 1 then 0
                when 2 then 1
                when 3 then 6
                when 4 then 36
                when 5 then 156
            end * interval '1 minute' as scheduled_at,
        first_looks.not_before
            + date_diff('microsecond', first_looks.not_before, first_looks.first_seen_at) // 2000000
            * interval '1 second' as between_looks_at
    from logs
    left join order_sessions on logs.order_id = order_sessions.order_id
    left join orphans on logs.webhook_log_id = orphans.webhook_log_id
    left join first_looks on logs.webhook_log_id = first_looks.webhook_log_id
    left join sights on logs.webhook_log_id = sights.webhook_log_id
),

timed as (
    select
        joined.*,
        case when status = 'sent' then coalesce(told_at, scheduled_at, between_looks_at) end
            as delivered_at,
        case
            when status <> 'sent' then null
            when told_at is not null then 'log'
            when scheduled_at is not null then 'schedule'
            when between_looks_at is not null then 'interval'
        end as delivered_at_source
    from joined
)

select
    timed.webhook_log_id,
    timed.order_id,
    timed.session_id,
    timed.event_type,
    timed.event_at,
    timed.event_at_source,
    cast(timed.event_at at time zone settings.report_time_zone as date) as event_date,
    timed.status,
    timed.attempts,
    timed.response_status,
    case when timed.attempts > 0 then timed.status = 'sent' and timed.attempts = 1 end
        as first_attempt_delivered,
    timed.created_at,
    timed.delivered_at,
    timed.delivered_at_source,
    case
        when timed.event_at_source <> 'seen'
            then date_diff('microsecond', timed.event_at, timed.delivered_at) / 1e6
    end as seconds_to_deliver,
    timed.is_orphan,
    timed.seen_at as last_seen_at
from timed
cross join settings
