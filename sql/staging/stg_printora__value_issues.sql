/*
description: Values that could not be read as they stood. Their rows are kept, without them.
grain: one row per record and column
key: [issue_id]
materialized: view
columns:
  issue_id: Hash of the resource, the record's id and the column.
  resource: orders, webhook_logs or sessions.
  record_key: The id of the row that the value belongs to.
  column_name: The column that it was for.
  value_type: What it was, text, number, fraction, object, list or true/false.
  reason: What was wrong, in which field of the API.
  outcome: What the row has instead, null or the value rounded.
  place: Where it was, the request's path and offset, or the ledger's file and line.
  seen_at: When it was last read.
  is_current: Whether the row's last look still had it; a value that was mended since is none.
*/
with looks as (
    select 'orders' as resource, order_id as record_key, _seen_at as seen_at
    from printora_raw.orders
    union all
    select 'webhook_logs' as resource, webhook_log_id as record_key, _seen_at as seen_at
    from printora_raw.webhook_logs
    union all
    select 'sessions' as resource, session_id as record_key, _seen_at as seen_at
    from printora_raw.sessions
)

select
    issues.issue_id,
    issues.resource,
    issues.record_key,
    issues.column_name,
    issues.value_type,
    issues.reason,
    issues.outcome,
    issues.place,
    issues._seen_at as seen_at,
    coalesce(looks.seen_at <= issues._seen_at, false) as is_current
from printora_raw.value_issues as issues
left join looks
    on issues.resource = looks.resource and issues.record_key = looks.record_key
