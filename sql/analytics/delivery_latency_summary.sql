/*
description: >-
  How long each stage takes, over all orders and by carrier and country. Open orders are
  right-censored at the as-of time and cancellation is a competing risk (Aalen-Johansen), so that
  parcels that pile up make the figures worse at once. The naive figure stands beside it.
grain: one row per stage, dimension and value
key: [stage, dimension, value]
accepted:
  stage: [created_to_paid, paid_to_shipped, shipped_to_delivered, paid_to_delivered]
  dimension: [all, carrier, country]
columns:
  stage: created_to_paid, paid_to_shipped, shipped_to_delivered or paid_to_delivered.
  dimension: all, carrier or country.
  value: all, the carrier or the country; unknown where the order has none.
  orders: Orders that have begun the stage, as far as it is known when.
  ended: Of them, those that have ended it.
  cancelled: Of them, those that were cancelled in it.
  open: Of them, those that were still in it at the as-of time.
  untimed: Orders besides these that ended it or were cancelled in it at a time that nothing tells.
  p50_hours: >-
    Hours by which half of all the orders had ended the stage; null when half never have. Orders
    that are cancelled never end it.
  p90_hours: Hours by which 90 % of all the orders had; null when not reached.
  p95_hours: Hours by which 95 % of all the orders had; null when not reached.
  naive_p50_hours: Median over the orders that have ended the stage, as if there were no others.
  is_comparable: >-
    False for a carrier in a stage that begins before the parcel has one. Only orders that got as far
    as being shipped have a carrier, so the slow ones are missing from it.
*/
with latency_groups as (
    select group_id, stage, dimension, value from intermediate.int_latency_groups
),

estimates as (
    select
        group_id,
        orders,
        ended,
        cancelled,
        open,
        untimed,
        p50_hours,
        p90_hours,
        p95_hours,
        naive_p50_hours
    from intermediate.int_latency_estimates
)

select
    latency_groups.stage,
    latency_groups.dimension,
    latency_groups.value,
    estimates.orders,
    estimates.ended,
    estimates.cancelled,
    estimates.open,
    estimates.untimed,
    estimates.p50_hours,
    estimates.p90_hours,
    estimates.p95_hours,
    estimates.naive_p50_hours,
    latency_groups.dimension <> 'carrier' or latency_groups.stage = 'shipped_to_delivered'
        as is_comparable
from latency_groups
inner join estimates on latency_groups.group_id = estimates.group_id
where latency_groups.dimension in ('all', 'carrier', 'country')
