/*
description: >-
  How long each stage takes, by the day of payment. A day of some fifty orders has a median that
  chance moves by days: look at the interval, or at delivery_latency_weekly. Young cohorts are mostly
  open; a quantile that they have not reached yet is null, not small.
grain: one row per cohort date and stage
key: [cohort_date, stage]
accepted:
  stage: [created_to_paid, paid_to_shipped, shipped_to_delivered, paid_to_delivered]
  p50_state: [reached, not yet, never]
  p90_state: [reached, not yet, never]
  p95_state: [reached, not yet, never]
columns:
  cohort_date: >-
    Date of payment in the report time zone. For created_to_paid, and where the time of payment is
    unknown, the date of creation.
  stage: created_to_paid, paid_to_shipped, shipped_to_delivered or paid_to_delivered.
  orders: Orders of the day that have begun the stage and were watched in it.
  ended: Of them, those that have ended it.
  cancelled: Of them, those that were cancelled in it.
  open: Of them, those that were still in it when last known, at the as-of time or when deleted.
  untimed: >-
    Orders besides these that left it before anybody watched, or at a time that nothing tells.
  imputed: Of those that have ended it, those whose beginning or end is known only by looks.
  final_share: Share that has ended it by the end of the curve, in 0..1; the rest is cancelled or open.
  p50_hours: >-
    Hours by which half of all the orders had ended the stage (Aalen-Johansen with delayed entry,
    open orders censored, cancellation a competing risk). Null when p50_state is not reached, and
    when the looks leave open that it is a tenth of what it seems.
  p50_hours_low: >-
    Lower end of the 95 % interval of p50_hours (log-log, by inversion), widened by what the looks
    leave open.
  p50_hours_high: Upper end of the same; null when nothing bounds it yet.
  p50_state: >-
    reached, not yet (the orders that are still open may get there), or never (they cannot, not
    counting those that have been in it twice as long as any that has ended it).
  p90_hours: Hours by which 90 % of all the orders had, as p50_hours.
  p90_hours_low: Lower end of its interval.
  p90_hours_high: Upper end of its interval.
  p90_state: As p50_state.
  p95_hours: >-
    Hours by which 95 % of all the orders had, as p50_hours; null from fewer than 100 orders, of
    which five would have to tell it.
  p95_hours_low: Lower end of its interval.
  p95_hours_high: Upper end of its interval.
  p95_state: As p50_state.
  naive_p50_hours: Median over the orders that have ended the stage, as if there were no others.
*/
with latency_groups as (
    select group_id, stage, period, dimension, value from intermediate.int_latency_groups
    where variant = 'point'
),

estimates as (
    select
        group_id,
        orders,
        ended,
        cancelled,
        open,
        untimed,
        imputed,
        final_share,
        p50_hours,
        p50_hours_low,
        p50_hours_high,
        p50_state,
        p90_hours,
        p90_hours_low,
        p90_hours_high,
        p90_state,
        p95_hours,
        p95_hours_low,
        p95_hours_high,
        p95_state,
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
    estimates.imputed,
    estimates.final_share,
    estimates.p50_hours,
    estimates.p50_hours_low,
    estimates.p50_hours_high,
    estimates.p50_state,
    estimates.p90_hours,
    estimates.p90_hours_low,
    estimates.p90_hours_high,
    estimates.p90_state,
    estimates.p95_hours,
    estimates.p95_hours_low,
    estimates.p95_hours_high,
    estimates.p95_state,
    estimates.naive_p50_hours
from latency_groups
inner join estimates on latency_groups.group_id = estimates.group_id
where latency_groups.dimension = 'cohort_date'
