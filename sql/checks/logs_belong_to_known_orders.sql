/*
description: >-
  Webhook logs are about orders that the orders list does not have: orders are missing from the
  load, or the API has dropped them before it was ever read.
severity: warn
models:
  - analytics.fct_webhook_deliveries
todo: >-
  When the orders are not proven complete (data_freshness), sync again. When they are, the API lists
  fewer orders than it sends events about; ask the vendor.
*/
select order_id, session_id, count(*) as offenders, min(event_at) as first_event_at
from analytics.fct_webhook_deliveries
where is_orphan
group by order_id, session_id
