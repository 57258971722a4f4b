/*
description: >-
  A higher quantile is smaller than a lower one, a figure lies outside its own interval, or the
  incidence curve falls or passes 1.
severity: error
models:
  - analytics.delivery_latency_summary
  - analytics.delivery_latency_daily
  - analytics.delivery_latency_weekly
  - analytics.delivery_latency_curve
  - analytics.webhook_health_daily
todo: Correct the estimate in the model.
*/
with latencies as (
    select
        'delivery_latency_summary' as model,
        stage || ' ' || period || ' ' || value as what,
        p50_hours,
        p50_hours_low,
        p50_hours_high,
        p90_hours,
        p90_hours_low,
        p90_hours_high,
        p95_hours
    from analytics.delivery_latency_summary
    union all
    select
        'delivery_latency_daily' as model,
        stage || ' ' || cast(cohort_date as varchar) as what,
        p50_hours,
        p50_hours_low,
        p50_hours_high,
        p90_hours,
        p90_hours_low,
        p90_hours_high,
        p95_hours
    from analytics.delivery_latency_daily
    union all
    select
        'delivery_latency_weekly' as model,
        stage || ' ' || cast(week_start as varchar) as what,
        p50_hours,
        p50_hours_low,
        p50_hours_high,
        p90_hours,
        p90_hours_low,
        p90_hours_high,
        p95_hours
    from analytics.delivery_latency_weekly
)

select model, what
from latencies
where p50_hours > p90_hours
    or p90_hours > p95_hours
    or p50_hours < p50_hours_low
    or p50_hours > p50_hours_high
    or p90_hours < p90_hours_low
    or p90_hours > p90_hours_high
union all
select 'webhook_health_daily' as model, event_type || ' ' || cast(event_date as varchar) as what
from analytics.webhook_health_daily
where p50_seconds > p95_seconds or p95_seconds > p99_seconds
union all
select 'delivery_latency_curve' as model, stage || ' ' || cast(hours as varchar) as what
from analytics.delivery_latency_curve
where cumulative_incidence + cumulative_cancelled > 1 + 1e-9 or cumulative_incidence < 0
