/*
description: >-
  What looking at the orders showed: which step each had reached by which look, and which look had
  not seen it there yet. A later step shows the earlier ones too.
grain: one row per order
key: [order_id]
columns:
  order_id: The order.
  furthest_step: The furthest of the steps 1 to 4 that it was seen at; null when none is known.
  is_cancelled: Whether it was seen cancelled.
  otherwise_seen_at: >-
    The last look at the list, where it shows a step before the cancellation; null where it does not.
  cancelled_listed_at: The first look at which the list itself showed it cancelled; null when none did.
  created_seen_at: The first look that had the order.
  paid_seen_at: The first look that showed it paid or further; null when none did.
  paid_look_before: The last look that did not; null when it was so at the first look.
  shipped_seen_at: The first look that showed it shipped or further; null when none did.
  shipped_look_before: The last look that did not; null when it was so at the first look.
  delivered_seen_at: The first look that showed it delivered; null when none did.
  delivered_look_before: The last look that did not; null when it was so at the first look.
  cancelled_seen_at: The first look that showed it cancelled; null when none did.
  cancelled_look_before: The last look that did not; null when it was so at the first look.
  paid_told_at: When it was paid, as the history was told at the time; null when it was not.
  shipped_told_at: When it was shipped, as the history was told.
  delivered_told_at: When it was delivered, as the history was told.
  cancelled_told_at: When it was cancelled, as the history was told.
*/
with orders as (
    select order_id, status, origin, cancelled_at, seen_at from staging.stg_printora__orders
),

history as (
    select order_id, status, not_before, first_seen_at, changed_at, origin
    from staging.stg_printora__order_history
),

meanings as (
    select status, step, true as is_certain from intermediate.int_status_meanings
    union all
    select status, step, false as is_certain from intermediate.int_status_implications
),

looks as (
    select order_id, status, not_before, first_seen_at, changed_at, origin, false as is_last
    from history
    union all
    -- The row itself is a look, should the history not have it.
    select
        order_id,
        status,
        cast(null as timestamptz) as not_before,
        seen_at as first_seen_at,
        cast(null as timestamptz) as changed_at,
        origin,
        cancelled_at is null as is_last
    from orders
),

placed as (
    select looks.*, meanings.step, meanings.is_certain, coalesce(looks.origin, 'list') <> 'event' as is_listed
    from looks
    left join meanings on looks.status = meanings.status
),

by_order as (
    select
        order_id,
        max(case when step <= 4 then step end) as furthest_step,
        coalesce(bool_or(step = 9), false) as is_cancelled,
        max(case when is_last and is_certain and step <= 4 and is_listed then first_seen_at end)
            as otherwise_seen_at,
        min(case when step = 9 and is_listed then first_seen_at end) as cancelled_listed_at,
        min(first_seen_at) as created_seen_at,
        min(case when step between 2 and 4 then first_seen_at end) as paid_seen_at,
        min(case when step between 2 and 4 then not_before end) as paid_look_before,
        min(case when step in (3, 4) then first_seen_at end) as shipped_seen_at,
        min(case when step in (3, 4) then not_before end) as shipped_look_before,
        min(case when step = 4 then first_seen_at end) as delivered_seen_at,
        min(case when step = 4 then not_before end) as delivered_look_before,
        min(case when step = 9 then first_seen_at end) as cancelled_seen_at,
        min(case when step = 9 then not_before end) as cancelled_look_before,
        min(case when step = 2 then changed_at end) as paid_told_at,
        min(case when step = 3 then changed_at end) as shipped_told_at,
        min(case when step = 4 then changed_at end) as delivered_told_at,
        min(case when step = 9 then changed_at end) as cancelled_told_at
    from placed
    group by order_id
)

select
    order_id,
    furthest_step,
    is_cancelled,
    otherwise_seen_at,
    cancelled_listed_at,
    created_seen_at,
    paid_seen_at,
    -- The steps of one order come one after another, so the earliest look that lacked any of them
    -- is the one before the first sight; unless the first look already had the first of them.
    case when paid_look_before < paid_seen_at then paid_look_before end as paid_look_before,
    shipped_seen_at,
    case when shipped_look_before < shipped_seen_at then shipped_look_before end
        as shipped_look_before,
    delivered_seen_at,
    case when delivered_look_before < delivered_seen_at then delivered_look_before end
        as delivered_look_before,
    cancelled_seen_at,
    case when cancelled_look_before < cancelled_seen_at then cancelled_look_before end
        as cancelled_look_before,
    paid_told_at,
    shipped_told_at,
    delivered_told_at,
    cancelled_told_at
from by_order
