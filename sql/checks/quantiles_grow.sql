/*
description: A higher quantile is smaller than a lower one, or the incidence curve falls or passes 1.
severity: error
models:
  - analytics.delivery_latency_summary
  - analytics.delivery_latency_daily
  - analytics.delivery_latency_curve
  - analytics.webhook_health_daily
todo: Correct the estimate in the model.
*/
select 'delivery_latency_summary' as model, stage || ' ' || value as what
from analytics.delivery_latency_summary
where p50_hours > p90_hours or p90_hours > p95_hours or (p90_hours is not null and p50_hours is null)
union all
select 'delivery_latency_daily' as model, stage || ' ' || cast(cohort_date as varchar) as what
from analytics.delivery_latency_daily
where p50_hours > p90_hours or p90_hours > p95_hours or (p90_hours is not null and p50_hours is null)
union all
select 'webhook_health_daily' as model, event_type || ' ' || cast(event_date as varchar) as what
from analytics.webhook_health_daily
where p50_seconds > p95_seconds or p95_seconds > p99_seconds
union all
select 'delivery_latency_curve' as model, stage || ' ' || cast(hours as varchar) as what
from analytics.delivery_latency_curve
where cumulative_incidence + cumulative_cancelled > 1 + 1e-9 or cumulative_incidence < 0
