/*
description: >-
  Webhook events, told apart by order and type because they have no id. An event is delivered when
  any of its logs is, failed for good when all of its logs have, and still trying otherwise: a
  status that nobody has heard of says neither.
grain: one row per order (or log without an order) and type of event
key: [subject_id, event_type]
columns:
  subject_id: The order that the event is about, or the log's own id where it names no order.
  event_type: order.created, order.paid, order.shipped, order.delivered, order.cancelled or unknown.
  event_at: When it happened, by the earliest of its logs, or when that was first seen.
  event_date: Date of event_at in the report time zone.
  logs: Its delivery logs; more than one when it was repeated or resent.
  outcome: delivered, retrying or failed.
  is_delivered_first_attempt: >-
    Whether its first log was delivered at the first attempt; null when it was delivered and the
    attempts are not told.
  is_orphan: Whether the orders list does not have the order.
  is_out_of_order: Whether an event of a later step of the same order was delivered before it.
  delivered_at: When it was first delivered.
  duration_us: >-
    Microseconds from the event to the delivery, to the end of the vendor's attempts when it failed,
    or to the last look when it is still trying (the proven time, where there is a proof). Null when
    nothing tells when it happened, or when it was delivered.
*/
with deliveries as (
    select
        coalesce(order_id, webhook_log_id) as subject_id,
        coalesce(event_type, 'unknown') as event_type,
        event_at,
        event_at_source,
        event_date,
        status,
        first_attempt_delivered,
        created_at,
        delivered_at,
        is_orphan,
        last_seen_at
    from intermediate.int_webhook_deliveries
),

settings as (
    select retry_settled_minutes from staging.build_settings
),

data_as_of as (
    select as_of, is_proven from intermediate.int_data_as_of where resource = 'webhook_logs'
),

meanings as (
    select distinct 'order.' || milestone as event_type, step
    from intermediate.int_status_meanings
),

events as (
    select
        subject_id,
        event_type,
        min(event_at) as event_at,
        min(case when event_at_source <> 'seen' then event_at end) as told_at,
        min(event_date) as event_date,
        count(*) as logs,
        case
            when bool_or(status = 'sent') then 'delivered'
            when bool_and(coalesce(status, 'unknown') = 'failed') then 'failed'
            else 'retrying'
        end as outcome,
        case
            -- The first log was delivered, and nothing tells at which attempt.
            when min(
                case when status = 'sent' and first_attempt_delivered is null then coalesce(created_at, event_at) end
            ) = min(coalesce(created_at, event_at)) then null
            else coalesce(
                min(case when first_attempt_delivered then coalesce(created_at, event_at) end)
                = min(coalesce(created_at, event_at)),
                false
            )
        end as is_delivered_first_attempt,
        bool_and(is_orphan) as is_orphan,
        min(delivered_at) as delivered_at,
        max(coalesce(created_at, event_at)) as last_log_at,
        max(last_seen_at) as last_seen_at
    from deliveries
    group by subject_id, event_type
),

ordered as (
    select
        events.subject_id,
        events.event_type,
        events.event_at,
        events.told_at,
        events.event_date,
        events.logs,
        events.outcome,
        events.is_delivered_first_attempt,
        events.is_orphan,
        events.delivered_at,
        events.last_log_at,
        events.last_seen_at,
        -- An event of an unknown type has no place in the order of steps.
        case
            when meanings.step is not null
                then min(events.delivered_at) over (
                    partition by events.subject_id order by meanings.step desc nulls last
                    rows between unbounded preceding and 1 preceding
                )
        end as later_step_delivered_at
    from events
    left join meanings on events.event_type = meanings.event_type
)

select
    ordered.subject_id,
    ordered.event_type,
    ordered.event_at,
    ordered.event_date,
    ordered.logs,
    ordered.outcome,
    ordered.is_delivered_first_attempt,
    ordered.is_orphan,
    coalesce(ordered.later_step_delivered_at < ordered.delivered_at, false) as is_out_of_order,
    ordered.delivered_at,
    case
        when ordered.told_at is null then null
        when ordered.outcome = 'delivered' and ordered.delivered_at is null then null
        else greatest(
            date_diff(
                'microsecond',
                ordered.told_at,
                case ordered.outcome
                    when 'delivered' then ordered.delivered_at
                    when 'failed'
                        then ordered.last_log_at
                            + settings.retry_settled_minutes * interval '1 minute'
                    when 'retrying'
                        then greatest(
                            case when data_as_of.is_proven then data_as_of.as_of end,
                            ordered.last_seen_at
                        )
                end
            ),
            0
        )
    end as duration_us
from ordered
cross join settings
cross join data_as_of
