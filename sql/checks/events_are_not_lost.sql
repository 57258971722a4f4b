/*
description: >-
  Orders have reached a state of which no webhook was ever logged, and no other explanation is
  known: the partner's systems were not told.
severity: warn
models:
  - analytics.webhook_gaps
todo: Resend the events in webhook_gaps whose explanation is none, and ask the vendor about them.
*/
select event_type, count(*) as offenders, min(expected_at) as first_at, max(expected_at) as last_at
from analytics.webhook_gaps
where explanation = 'none'
group by event_type
