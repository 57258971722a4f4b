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
  orders: = intermediate.int_latency_estimates
  ended: = intermediate.int_latency_estimates
  cancelled: = intermediate.int_latency_estimates
  open: = intermediate.int_latency_estimates
  untimed: = intermediate.int_latency_estimates
  imputed: = intermediate.int_latency_estimates
  final_share: = intermediate.int_latency_estimates
  p50_hours: = intermediate.int_latency_estimates
  p50_hours_low: = intermediate.int_latency_estimates
  p50_hours_high: = intermediate.int_latency_estimates
  p50_state: = intermediate.int_latency_estimates
  p90_hours: = intermediate.int_latency_estimates
  p90_hours_low: = intermediate.int_latency_estimates
  p90_hours_high: = intermediate.int_latency_estimates
  p90_state: = intermediate.int_latency_estimates
  p95_hours: = intermediate.int_latency_estimates
  p95_hours_low: = intermediate.int_latency_estimates
  p95_hours_high: = intermediate.int_latency_estimates
  p95_state: = intermediate.int_latency_estimates
  naive_p50_hours: = intermediate.int_latency_estimates
*/
select
    cast(value as date) as cohort_date,
    stage,
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
where dimension = 'cohort_date'
