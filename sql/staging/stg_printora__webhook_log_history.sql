/*
description: Every state that a delivery log was seen in, and between which two looks it got there.
grain: one row per log, status and number of attempts
key: [webhook_log_id, status, attempts]
not_null: [webhook_log_id]
materialized: view
columns:
  webhook_log_id: The delivery log.
  status: A status that it was seen in, in lower case.
  attempts: Deliveries tried by then.
  not_before: The last look that did not have this state yet; null at the first look.
  first_seen_at: The first look that had it.
*/
select
    webhook_log_id,
    status,
    attempts,
    not_before,
    first_seen_at
from printora_raw.webhook_log_history
