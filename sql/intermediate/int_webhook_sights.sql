/*
description: >-
  When a delivery log that tells no time was first seen: its event happened before that. Later looks
  change nothing, so that it stays on its day.
grain: one row per delivery log without a time
key: [webhook_log_id]
columns:
  webhook_log_id: The delivery log.
  first_seen_at: The first look that had it.
*/
with logs as (
    select webhook_log_id, seen_at
    from staging.stg_printora__webhook_logs
    where event_at is null
),

looks as (
    select webhook_log_id, first_seen_at from staging.stg_printora__webhook_log_history
)

select logs.webhook_log_id, min(coalesce(looks.first_seen_at, logs.seen_at)) as first_seen_at
from logs
left join looks on logs.webhook_log_id = looks.webhook_log_id
group by logs.webhook_log_id
