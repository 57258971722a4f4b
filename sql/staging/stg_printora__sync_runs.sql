/*
description: The certificate of each sync, resource by resource.
grain: one row per sync and resource
key: [sync_id, resource]
materialized: view
columns:
  sync_id: The sync. Sorts by time.
  resource: orders, webhook_logs or sessions.
  started_at: When the sync began, by the API's clock.
  ended_at: When the sync was done with the resource, by the API's clock.
  outcome: complete, partial (stopped early, run again), failed, or skipped (no ledger is set).
  complete_as_of: The table holds all that the API had at this time; null when that is not proven.
  evidence: counts equal, whole walk, end seen twice, whole ledger or not proven.
  reason: Why it is not proven complete; null when it is.
  requests: Requests that this resource used.
  rows_read: Rows received, repeats included.
  rows_new: Rows that the warehouse did not have.
  rows_changed: Rows that differed from the warehouse's.
  rows_repaired: Rows found by comparing counts, not by the change feed.
  rows_quarantined: Rows put into quarantine.
  rows_reported: The total as the API last gave it; the ledger's lines for sessions.
  rows_stored: Rows in the table at the end, deleted ones not counted.
  rows_hidden: Rows of rows_reported that the list never shows; null when none are.
*/
select
    sync_id,
    resource,
    started_at,
    ended_at,
    outcome,
    complete_as_of,
    evidence,
    reason,
    requests,
    rows_read,
    rows_new,
    rows_changed,
    rows_repaired,
    rows_quarantined,
    rows_reported,
    rows_stored,
    cast(json_extract_string(detail, '$.rows_hidden') as bigint) as rows_hidden
from printora_raw.sync_runs
