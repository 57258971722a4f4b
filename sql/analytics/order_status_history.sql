/*
description: >-
  What each order went through, one status after the other, with how long it stayed. Statuses that
  nobody saw, but that a later one implies, are here too: their source says so.
grain: one row per order and status
key: [order_id, status]
references:
  order_id: analytics.fct_orders
columns:
  order_id: The order.
  status: >-
    created, paid, shipped, delivered or cancelled, the same in both vocabularies of the API; or the
    API's own word where it means none of these.
  position: 1 for the order's first status, and so on.
  entered_at: When it got there. For the source interval, the middle of its bounds.
  source: order, event, interval or unknown, as for the times in fct_orders.
  not_before: It was not there before this.
  not_after: It was there by then.
  left_at: When it entered the next status; null for the last one, or when the time is unknown.
  hours_in_status: From entered_at to left_at; null for the last status.
  is_last: Whether it is the last status that the order is known to have entered.
*/
with milestones as (
    select order_id, milestone, step, reached_at, source, not_before, not_after
    from intermediate.int_order_milestones
),

history as (
    select order_id, status, not_before, first_seen_at, changed_at, origin
    from staging.stg_printora__order_history
),

meanings as (
    select status from intermediate.int_status_meanings
),

statuses as (
    select
        order_id,
        milestone as status,
        step,
        reached_at as entered_at,
        source,
        not_before,
        not_after
    from milestones
    union all
    select
        history.order_id,
        history.status,
        5 as step,
        coalesce(
            changed_at,
            not_before
                + date_diff('microsecond', not_before, first_seen_at) // 2000000
                * interval '1 second'
        ) as entered_at,
        case
            when changed_at is not null and origin = 'event' then 'event'
            when changed_at is not null then 'order'
            when not_before is not null then 'interval'
            else 'unknown'
        end as source,
        coalesce(changed_at, not_before) as not_before,
        coalesce(changed_at, first_seen_at) as not_after
    from history
    left join meanings on history.status = meanings.status
    where meanings.status is null
),

placed as (
    select
        order_id,
        status,
        row_number() over (
            partition by order_id order by coalesce(entered_at, not_after), step, status
        ) as position,
        entered_at,
        source,
        not_before,
        not_after,
        lead(entered_at) over (
            partition by order_id order by coalesce(entered_at, not_after), step, status
        ) as left_at,
        lead(status) over (
            partition by order_id order by coalesce(entered_at, not_after), step, status
        ) is null as is_last
    from statuses
)

select
    order_id,
    status,
    position,
    entered_at,
    source,
    not_before,
    not_after,
    left_at,
    date_diff('microsecond', entered_at, left_at) / 3.6e9 as hours_in_status,
    is_last
from placed
