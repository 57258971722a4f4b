/*
description: >-
  What each order has reached, and when, as exactly as anything tells. The order's own time comes
  first, then its event's. Where neither is, two looks and the neighbouring milestones leave an
  interval; its middle stands in for the time, but only when somebody was watching: a look at the
  order from before the change bounds it, or the order was made after the first look at the list.
  What was already so at the first look, and nothing tells since when, has bounds and no time.
grain: one row per order and milestone that it has reached
key: [order_id, milestone]
columns:
  order_id: The order.
  milestone: created, paid, shipped, delivered or cancelled.
  step: 1 to 4 along created, paid, shipped, delivered; 9 is cancelled.
  reached_at: >-
    The time, or the middle of the interval between two looks, to the second; null when unknown.
  source: order, event, interval, or unknown (reached, but nothing tells when).
  not_before: It did not happen before this. Equals reached_at when the source is exact.
  not_after: It had happened by then. Equals reached_at when the source is exact.
  implied_by: What shows it, order time, event, status (a look at the order) or later milestone.
  is_undone: >-
    Of cancelled, whether the list shows it otherwise since: at a look after the one that showed it
    cancelled, or a day and more after all that only events tell.
*/
with orders as (
    select order_id, created_at, paid_at, shipped_at, delivered_at, cancelled_at
    from staging.stg_printora__orders
),

events as (
    select order_id, created_at, paid_at, shipped_at, delivered_at, cancelled_at
    from intermediate.int_order_event_times
),

looks as (
    select
        order_id,
        furthest_step,
        is_cancelled,
        otherwise_seen_at,
        cancelled_listed_at,
        created_seen_at,
        paid_seen_at,
        paid_look_before,
        paid_told_at,
        shipped_seen_at,
        shipped_look_before,
        shipped_told_at,
        delivered_seen_at,
        delivered_look_before,
        delivered_told_at,
        cancelled_seen_at,
        cancelled_look_before,
        cancelled_told_at
    from intermediate.int_order_looks
),

first_look as (
    select min(created_seen_at) as seen_at from looks
),

milestones as (
    select distinct milestone, step from intermediate.int_status_meanings
),

evidence as (
    select
        orders.order_id,
        milestones.milestone,
        milestones.step,
        case milestones.step
            when 1 then orders.created_at
            when 2 then orders.paid_at
            when 3 then orders.shipped_at
            when 4 then orders.delivered_at
            when 9 then orders.cancelled_at
        end as order_at,
        case milestones.step
            when 1 then events.created_at
            when 2 then coalesce(events.paid_at, looks.paid_told_at)
            when 3 then coalesce(events.shipped_at, looks.shipped_told_at)
            when 4 then coalesce(events.delivered_at, looks.delivered_told_at)
            when 9 then coalesce(events.cancelled_at, looks.cancelled_told_at)
        end as event_at,
        case milestones.step
            when 1 then looks.created_seen_at
            when 2 then looks.paid_seen_at
            when 3 then looks.shipped_seen_at
            when 4 then looks.delivered_seen_at
            when 9 then looks.cancelled_seen_at
        end as seen_at,
        case milestones.step
            when 2 then looks.paid_look_before
            when 3 then looks.shipped_look_before
            when 4 then looks.delivered_look_before
            when 9 then looks.cancelled_look_before
        end as look_before,
        -- That there is a row shows that the order was created.
        case milestones.step
            when 1 then true
            when 9 then looks.is_cancelled
            else milestones.step <= coalesce(looks.furthest_step, 1)
        end as is_seen,
        case when milestones.step = 9 then looks.otherwise_seen_at end as otherwise_seen_at,
        looks.cancelled_listed_at,
        first_look.seen_at as first_seen_at,
        coalesce(orders.created_at, events.created_at) as created_at,
        coalesce(orders.paid_at, events.paid_at, looks.paid_told_at) as paid_at,
        coalesce(orders.shipped_at, events.shipped_at, looks.shipped_told_at) as shipped_at,
        coalesce(orders.delivered_at, events.delivered_at, looks.delivered_told_at)
            as delivered_at
    from orders
    left join events on orders.order_id = events.order_id
    left join looks on orders.order_id = looks.order_id
    cross join milestones
    cross join first_look
),

neighbours as (
    select
        order_id,
        milestone,
        step,
        order_at,
        is_seen,
        seen_at,
        otherwise_seen_at,
        cancelled_listed_at,
        coalesce(look_before, case when created_at >= first_seen_at then created_at end)
            as look_before,
        coalesce(order_at, event_at) as exact_at,
        -- What comes before it for certain. A cancelled order may have been paid and shipped.
        case
            when step = 2 then created_at
            when step = 3 then greatest(created_at, paid_at)
            when step in (4, 9) then greatest(created_at, paid_at, shipped_at)
        end as earlier_at,
        -- What comes after it for certain, and therefore shows it.
        case
            when step = 1 then least(paid_at, shipped_at, delivered_at)
            when step = 2 then least(shipped_at, delivered_at)
            when step = 3 then delivered_at
        end as later_at
    from evidence
),

bounded as (
    select
        order_id,
        milestone,
        step,
        order_at,
        is_seen,
        seen_at,
        look_before,
        exact_at,
        coalesce(
            otherwise_seen_at
            > coalesce(cancelled_listed_at, greatest(exact_at, seen_at) + interval '24 hours'),
            false
        ) as is_undone,
        coalesce(exact_at, least(seen_at, later_at)) as not_after,
        -- Clocks differ: a bound from below never passes the bound from above.
        case
            when exact_at is not null then exact_at
            when coalesce(look_before, earlier_at) is not null
                then least(greatest(look_before, earlier_at), seen_at, later_at)
        end as not_before
    from neighbours
    where is_seen or coalesce(exact_at, later_at) is not null
)

select
    order_id,
    milestone,
    step,
    case
        when exact_at is not null then exact_at
        when look_before is not null
            then not_before
                + date_diff('microsecond', not_before, not_after) // 2000000 * interval '1 second'
    end as reached_at,
    case
        when order_at is not null then 'order'
        when exact_at is not null then 'event'
        when look_before is not null then 'interval'
        else 'unknown'
    end as source,
    not_before,
    not_after,
    case
        when order_at is not null then 'order time'
        when exact_at is not null then 'event'
        when is_seen then 'status'
        else 'later milestone'
    end as implied_by,
    is_undone
from bounded
