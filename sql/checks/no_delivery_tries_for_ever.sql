/*
description: >-
  A delivery is still pending or retrying although the vendor's attempts were over long before the
  last look: the row is out of date, or the vendor has stopped trying without saying so.
severity: warn
models:
  - analytics.fct_webhook_deliveries
todo: >-
  See when the API last showed it (last_seen_at). Long ago, the sync leaves it out; recently, the
  vendor is stuck: resend the event.
*/
select
    deliveries.webhook_log_id,
    deliveries.order_id,
    deliveries.event_type,
    deliveries.status,
    deliveries.attempts,
    deliveries.created_at,
    deliveries.last_seen_at
from analytics.fct_webhook_deliveries as deliveries
cross join staging.build_settings as settings
inner join analytics.data_freshness as freshness on freshness.resource = 'webhook_logs'
where deliveries.status in ('pending', 'retrying')
    -- Twice the time that the attempts take: a look may be a sync older than the data's time.
    and coalesce(deliveries.created_at, deliveries.event_at)
        + 2 * settings.retry_settled_minutes * interval '1 minute' < freshness.as_of
