/*
description: >-
  In the last seven days that could be judged, sessions, the paid rate, deliveries or lost webhooks
  left the band of their own weekday: something in the shop, the ledger or the API has changed.
severity: warn
models:
  - analytics.metric_alerts
todo: >-
  Look at the day in metric_alerts. Fewer sessions: is the ledger whole? A lower paid rate: does the
  checkout work? Fewer deliveries: orders_open by carrier. More gaps: webhook_gaps of the day.
*/
select alerts.date, alerts.metric, alerts.value, alerts.low, alerts.high
from analytics.metric_alerts as alerts
cross join (select max(date) as date from analytics.dim_dates) as newest
where alerts.date >= newest.date - 7
