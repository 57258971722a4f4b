/*
description: Records that could not be understood, without the records themselves.
grain: one row per bad record
key: [quarantine_id]
materialized: view
columns:
  quarantine_id: Hash of the resource and the record.
  resource: orders, webhook_logs or sessions.
  record_key: The record's id, where it has a readable one.
  reason: What was wrong, in which field.
  place: Where it was, the request's path and offset, or the ledger's file and line.
  seen_at: When it was last read.
*/
select
    quarantine_id,
    resource,
    record_key,
    reason,
    place,
    _seen_at as seen_at
from printora_raw.quarantine
