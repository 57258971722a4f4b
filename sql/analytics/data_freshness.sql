/*
description: >-
  How complete each resource is, up to when, and by what evidence, from the certificates of the
  syncs. Look here first: every other mart is as good as this says.
grain: one row per resource
key: [resource]
not_null: [resource, evidence]
accepted:
  evidence: [counts equal, whole walk, end seen twice, whole ledger, not proven]
columns:
  resource: orders, webhook_logs or sessions.
  as_of: The time that the models take for now; complete_as_of where there is one, but not after that sync.
  complete_as_of: >-
    The table holds all that the API had at this time, by the newest certificate; null when never
    proven.
  evidence: What proves it, counts equal, whole walk, end seen twice or whole ledger; not proven without a proof.
  is_proven: Whether any sync proved it complete.
  is_complete: Whether the last sync did.
  lag_seconds: >-
    How far what is proven lies behind the end of the last sync of any resource; null when never
    proven. It does not know today's date.
  last_sync_id: The last sync that dealt with the resource.
  last_outcome: Its outcome, complete, partial, failed or skipped; null without any sync.
  last_ended_at: When it ended, by the API's clock.
  last_reason: Why the last sync did not prove it complete; null when it did.
  rows_reported: Rows that the API last said it has; the ledger's lines for sessions.
  rows_stored: Rows in the table at the end of the last sync, deleted ones not counted.
  rows_quarantined: Records now in quarantine, which are in no other table.
*/
with data_as_of as (
    select resource, as_of, is_proven, looked_until, last_sync_id, proof_sync_id
    from intermediate.int_data_as_of
),

sync_runs as (
    select
        sync_id,
        resource,
        ended_at,
        outcome,
        complete_as_of,
        evidence,
        reason,
        rows_reported,
        rows_stored
    from staging.stg_printora__sync_runs
),

quarantine as (
    select resource, quarantine_id from staging.stg_printora__quarantine
),

newest as (
    select max(looked_until) as ended_at from data_as_of
),

quarantined as (
    select resource, count(quarantine_id) as rows_quarantined
    from quarantine
    group by resource
)

select
    data_as_of.resource,
    data_as_of.as_of,
    best.complete_as_of,
    case when best.complete_as_of is not null then best.evidence else 'not proven' end as evidence,
    data_as_of.is_proven,
    latest.complete_as_of is not null as is_complete,
    date_diff('microsecond', best.complete_as_of, newest.ended_at) / 1e6 as lag_seconds,
    latest.sync_id as last_sync_id,
    latest.outcome as last_outcome,
    latest.ended_at as last_ended_at,
    latest.reason as last_reason,
    latest.rows_reported,
    latest.rows_stored,
    coalesce(quarantined.rows_quarantined, 0) as rows_quarantined
from data_as_of
cross join newest
left join sync_runs as best
    on data_as_of.resource = best.resource and data_as_of.proof_sync_id = best.sync_id
left join sync_runs as latest
    on data_as_of.resource = latest.resource and data_as_of.last_sync_id = latest.sync_id
left join quarantined on data_as_of.resource = quarantined.resource
