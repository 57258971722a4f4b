/*
description: >-
  How well webhook events reach the partner. Counts are of events, not of attempts or logs: an event
  that was tried five times is one event, and so is one that was resent.
grain: one row per date and type of event
key: [event_date, event_type]
columns:
  event_date: The date on which the events happened, in the report time zone.
  event_type: order.created, order.paid, order.shipped, order.delivered, order.cancelled or unknown.
  events: Events that have a log.
  delivered: Events delivered at last.
  delivered_first_attempt: >-
    Events whose first log was delivered at the first attempt, of those in attempts_known; null when
    the API tells no attempts.
  attempts_known: Events of which the attempts of the first log are told, or that are not delivered.
  retrying: Events not delivered yet that may still be, or whose status nobody has heard of.
  failed: Events that failed for good.
  repeated: Events with more than one log, be it a repeat or a resend.
  out_of_order: Events that were delivered after a later step of the same order.
  orphans: Events about an order that the orders list does not have.
  logs: Logs of all these events.
  timed: Of the delivered events, those of which it is known how long they took.
  p50_seconds: >-
    Time by which half of all events were delivered (Aalen-Johansen). Those still trying are
    censored at the last look, and failing for good is a competing risk. Null when not reached, and
    when more than a hundredth of the delivered events is not timed: those that are were retried.
  p95_seconds: Time by which 95 % of all events were delivered, likewise; needs 100 events.
  p99_seconds: Time by which 99 % of all events were delivered, likewise; needs 500 events.
  naive_p50_seconds: Median over the delivered events alone, likewise.
*/
with events as (
    select
        event_date,
        event_type,
        logs,
        outcome,
        is_delivered_first_attempt,
        is_orphan,
        is_out_of_order,
        duration_us
    from intermediate.int_webhook_events
    where event_date is not null
),

counts as (
    select
        event_date,
        event_type,
        count(*) as events,
        count(case when outcome = 'delivered' then 1 end) as delivered,
        count(case when is_delivered_first_attempt then 1 end) as delivered_first_attempt,
        count(is_delivered_first_attempt) as attempts_known,
        count(case when outcome = 'retrying' then 1 end) as retrying,
        count(case when outcome = 'failed' then 1 end) as failed,
        count(case when logs > 1 then 1 end) as repeated,
        count(case when is_out_of_order then 1 end) as out_of_order,
        count(case when is_orphan then 1 end) as orphans,
        cast(sum(logs) as bigint) as logs,
        count(case when outcome = 'delivered' then duration_us end) as timed,
        percentile_cont(0.5) within group (
            order by case when outcome = 'delivered' then duration_us / 1e6 end
        ) as naive_p50_seconds
    from events
    group by event_date, event_type
),

ranked as (
    select
        event_date,
        event_type,
        outcome,
        duration_us,
        -- One by one, events before what is censored at the same time: the estimate is the same as
        -- with ties taken together.
        row_number() over (
            partition by event_date, event_type order by duration_us desc, outcome desc
        ) as at_risk
    from events
    where duration_us is not null
),

survival as (
    select
        event_date,
        event_type,
        outcome,
        duration_us,
        at_risk,
        sum(case when outcome <> 'retrying' and at_risk > 1 then ln(1e0 - 1e0 / at_risk) else 0e0 end)
            over (
                partition by event_date, event_type order by at_risk desc
                rows between unbounded preceding and 1 preceding
            ) as log_still_waiting
    from ranked
),

incidence as (
    select
        event_date,
        event_type,
        duration_us,
        sum(
            case when outcome = 'delivered' then exp(coalesce(log_still_waiting, 0e0)) / at_risk end
        ) over (
            partition by event_date, event_type order by at_risk desc
            rows between unbounded preceding and current row
        ) as share_delivered
    from survival
),

quantiles as (
    select
        event_date,
        event_type,
        -- A sum of floats may miss its last digit.
        min(case when share_delivered >= 0.50e0 - 1e-9 then duration_us end) / 1e6 as p50_seconds,
        min(case when share_delivered >= 0.95e0 - 1e-9 then duration_us end) / 1e6 as p95_seconds,
        min(case when share_delivered >= 0.99e0 - 1e-9 then duration_us end) / 1e6 as p99_seconds
    from incidence
    group by event_date, event_type
),

-- Where only some are timed, they are those that somebody saw being retried.
timed as (
    select counts.*, (counts.delivered - counts.timed) * 100 <= counts.delivered as is_timed
    from counts
)

select
    timed.event_date,
    timed.event_type,
    timed.events,
    timed.delivered,
    case when timed.attempts_known > 0 then timed.delivered_first_attempt end
        as delivered_first_attempt,
    timed.attempts_known,
    timed.retrying,
    timed.failed,
    timed.repeated,
    timed.out_of_order,
    timed.orphans,
    timed.logs,
    timed.timed,
    case when timed.is_timed then quantiles.p50_seconds end as p50_seconds,
    case when timed.is_timed and timed.events >= 100 then quantiles.p95_seconds end as p95_seconds,
    case when timed.is_timed and timed.events >= 500 then quantiles.p99_seconds end as p99_seconds,
    case when timed.is_timed then timed.naive_p50_seconds end as naive_p50_seconds
from timed
left join quantiles
    on timed.event_date = quantiles.event_date and timed.event_type = quantiles.event_type
