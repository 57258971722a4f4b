/*
description: >-
  Delivered, still trying and failed do not add up to the events, or the days do not add up to the
  logs.
severity: error
models:
  - analytics.webhook_health_daily
  - analytics.fct_webhook_deliveries
todo: Correct webhook_health_daily or int_webhook_events.
*/
with by_day as (
    select
        sum(events) as events,
        sum(delivered + retrying + failed) as outcomes,
        sum(logs) as logs
    from analytics.webhook_health_daily
),

by_log as (
    select count(*) as logs from analytics.fct_webhook_deliveries where event_date is not null
)

select by_day.events, by_day.outcomes, by_day.logs, by_log.logs as all_logs
from by_day
cross join by_log
where by_day.events <> by_day.outcomes or coalesce(by_day.logs, 0) <> by_log.logs
