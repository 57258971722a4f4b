/*
description: >-
  The milestones of each order side by side, with the dates that cohorts are made of and the time
  up to which the order is known.
grain: one row per order
key: [order_id]
columns:
  order_id: The order.
  last_step: The furthest of its milestones, 1 to 4 or 9, as in int_order_milestones.
  created_at: When it was created.
  created_at_source: order, event or unknown.
  created_date: Date of created_at in the report time zone.
  paid_at: When it was paid; null when it was not, or when nothing tells when.
  paid_at_source: order, event, interval or unknown; null when it was not paid.
  paid_not_before: It was not paid before this.
  paid_not_after: It was paid by then.
  paid_date: Date of paid_at in the report time zone.
  shipped_at: When it was shipped, as paid_at.
  shipped_at_source: As paid_at_source.
  shipped_not_before: It was not shipped before this.
  shipped_not_after: It was shipped by then.
  delivered_at: When it was delivered, as paid_at.
  delivered_at_source: As paid_at_source.
  delivered_not_before: It was not delivered before this.
  delivered_not_after: It was delivered by then.
  cancelled_at: When it was cancelled, as paid_at.
  cancelled_at_source: As paid_at_source.
  cancelled_not_before: It was not cancelled before this.
  cancelled_not_after: It was cancelled by then.
  watched_from: >-
    From then on two looks at the list bound whatever happens to the order: its creation where that
    was after the first look at any order, else the first look at this one.
  observed_until: >-
    What happened to the order up to then is known: the data's as-of time where completeness is
    proven, else the last look at this order. Of a deleted one, the last look or the last proof before
    it was missed, whichever is later.
*/
with orders as (
    select order_id, deleted_at, seen_at from staging.stg_printora__orders
),

milestones as (
    select order_id, step, reached_at, source, not_before, not_after
    from intermediate.int_order_milestones
    where not is_undone
),

looks as (
    select order_id, created_seen_at from intermediate.int_order_looks
),

first_look as (
    select min(created_seen_at) as seen_at from looks
),

settings as (
    select report_time_zone from staging.build_settings
),

data_as_of as (
    select as_of, is_proven from intermediate.int_data_as_of where resource = 'orders'
),

proofs as (
    select ended_at, complete_as_of
    from staging.stg_printora__sync_runs
    where resource = 'orders' and complete_as_of is not null
),

-- What was proven complete had it still, in the state that it was last seen in.
sightings as (
    select order_id, deleted_at as moment, 0 as position, cast(null as timestamptz) as proven_at
    from orders
    where deleted_at is not null
    union all
    select cast(null as varchar) as order_id, ended_at as moment, 1 as position, complete_as_of as proven_at
    from proofs
),

survivals as (
    select
        order_id,
        -- The sync that missed it proves nothing of it, also where it ended at that moment.
        max(proven_at) over (
            order by moment, position rows between unbounded preceding and current row
        ) as proven_at
    from sightings
),

times as (
    select
        order_id,
        max(step) as last_step,
        max(case when step = 1 then reached_at end) as created_at,
        max(case when step = 1 then source end) as created_at_source,
        max(case when step = 2 then reached_at end) as paid_at,
        max(case when step = 2 then source end) as paid_at_source,
        max(case when step = 2 then not_before end) as paid_not_before,
        max(case when step = 2 then not_after end) as paid_not_after,
        max(case when step = 3 then reached_at end) as shipped_at,
        max(case when step = 3 then source end) as shipped_at_source,
        max(case when step = 3 then not_before end) as shipped_not_before,
        max(case when step = 3 then not_after end) as shipped_not_after,
        max(case when step = 4 then reached_at end) as delivered_at,
        max(case when step = 4 then source end) as delivered_at_source,
        max(case when step = 4 then not_before end) as delivered_not_before,
        max(case when step = 4 then not_after end) as delivered_not_after,
        max(case when step = 9 then reached_at end) as cancelled_at,
        max(case when step = 9 then source end) as cancelled_at_source,
        max(case when step = 9 then not_before end) as cancelled_not_before,
        max(case when step = 9 then not_after end) as cancelled_not_after
    from milestones
    group by order_id
)

select
    orders.order_id,
    times.last_step,
    times.created_at,
    times.created_at_source,
    cast(times.created_at at time zone settings.report_time_zone as date) as created_date,
    times.paid_at,
    times.paid_at_source,
    times.paid_not_before,
    times.paid_not_after,
    cast(times.paid_at at time zone settings.report_time_zone as date) as paid_date,
    times.shipped_at,
    times.shipped_at_source,
    times.shipped_not_before,
    times.shipped_not_after,
    times.delivered_at,
    times.delivered_at_source,
    times.delivered_not_before,
    times.delivered_not_after,
    times.cancelled_at,
    times.cancelled_at_source,
    times.cancelled_not_before,
    times.cancelled_not_after,
    case
        when times.created_at >= first_look.seen_at then times.created_at
        else looks.created_seen_at
    end as watched_from,
    case
        when data_as_of.is_proven and orders.deleted_at is null then data_as_of.as_of
        else least(greatest(orders.seen_at, survivals.proven_at), data_as_of.as_of)
    end as observed_until
from orders
cross join settings
cross join data_as_of
cross join first_look
left join survivals on orders.order_id = survivals.order_id
left join looks on orders.order_id = looks.order_id
left join times on orders.order_id = times.order_id
