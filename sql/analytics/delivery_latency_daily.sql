/*
description: >-
  How long each stage takes, by the day of payment: whether waiting gets longer or shorter. Young
  cohorts are mostly open; a quantile that they have not reached yet is null, not small.
grain: one row per cohort date and stage
key: [cohort_date, stage]
columns:
  cohort_date: >-
    Date of payment in the report time zone. For created_to_paid, and where the time of payment is
    unknown, the date of creation.
  stage: created_to_paid, paid_to_shipped, shipped_to_delivered or paid_to_delivered.
  orders: Orders of the day that have begun the stage, as far as it is known when.
  ended: Of them, those that have ended it.
  cancelled: Of them, those that were cancelled in it.
  open: Of them, those that were still in it at the as-of time.
  untimed: Orders besides these that ended it or were cancelled in it at a time that nothing tells.
  p50_hours: >-
    Hours by which half of all the orders had ended the stage (Aalen-Johansen, open orders censored,
    cancellation a competing risk); null when not reached.
  p90_hours: Hours by which 90 % of all the orders had; null when not reached.
  p95_hours: Hours by which 95 % of all the orders had; null when not reached.
  naive_p50_hours: Median over the orders that have ended the stage, as if there were no others.
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
    cast(latency_groups.value as date) as cohort_date,
    latency_groups.stage,
    estimates.orders,
    estimates.ended,
    estimates.cancelled,
    estimates.open,
    estimates.untimed,
    estimates.p50_hours,
    estimates.p90_hours,
    estimates.p95_hours,
    estimates.naive_p50_hours
from latency_groups
inner join estimates on latency_groups.group_id = estimates.group_id
where latency_groups.dimension = 'cohort_date'
