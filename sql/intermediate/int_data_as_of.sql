/*
description: >-
  The time up to which the data is known: it takes the place of "now" in every model, so that the
  same data gives the same marts on any day. It is the time that the newest certificate proves, and
  never later than the end of that sync; where nothing is proven, the newest look.
grain: one row per resource
key: [resource]
columns:
  resource: orders, webhook_logs or sessions.
  as_of: The data is known up to this time; null when there is neither a certificate nor a row.
  is_proven: Whether a certificate says that the table was complete at that time.
  last_sync_id: The last sync that dealt with the resource; null without any.
  proof_sync_id: The newest that proved it complete; null without any.
  looked_until: >-
    When the last sync of any resource ended, or without one the newest look at anything. Nothing
    that is dated later can have happened.
*/
with orders as (
    select seen_at from staging.stg_printora__orders
),

webhook_logs as (
    select seen_at from staging.stg_printora__webhook_logs
),

sessions as (
    select seen_at from staging.stg_printora__sessions
),

sync_runs as (
    select sync_id, resource, ended_at, complete_as_of from staging.stg_printora__sync_runs
),

looks as (
    select 'orders' as resource, max(seen_at) as last_look_at from orders
    union all
    select 'webhook_logs' as resource, max(seen_at) as last_look_at from webhook_logs
    union all
    select 'sessions' as resource, max(seen_at) as last_look_at from sessions
),

numbered as (
    select
        sync_id,
        resource,
        ended_at,
        case when complete_as_of is not null then least(complete_as_of, ended_at) end
            as proven_at,
        row_number() over (partition by resource order by sync_id desc) as from_last,
        row_number() over (
            partition by resource order by (complete_as_of is null), sync_id desc
        ) as from_last_proof,
        row_number() over (order by sync_id desc, ended_at desc) as from_last_of_all
    from sync_runs
),

bounds as (
    select
        coalesce(
            (select ended_at from numbered where from_last_of_all = 1),
            (select max(last_look_at) from looks)
        ) as looked_until
)

select
    looks.resource,
    coalesce(
        proofs.proven_at,
        -- A clock that was wrong for one look is not wrong for the sync's end.
        least(looks.last_look_at, latest.ended_at),
        latest.ended_at
    ) as as_of,
    proofs.proven_at is not null as is_proven,
    latest.sync_id as last_sync_id,
    case when proofs.proven_at is not null then proofs.sync_id end as proof_sync_id,
    bounds.looked_until
from looks
cross join bounds
left join numbered as proofs
    on looks.resource = proofs.resource and proofs.from_last_proof = 1
left join numbered as latest on looks.resource = latest.resource and latest.from_last = 1
