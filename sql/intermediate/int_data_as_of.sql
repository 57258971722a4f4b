/*
description: >-
  The time up to which the data is known: it takes the place of "now" in every model, so that the
  same data gives the same marts on any day. It is the time that a certificate proves; where none
  does, the newest look.
grain: one row per resource
key: [resource]
columns:
  resource: orders, webhook_logs or sessions.
  as_of: The data is known up to this time; null when there is neither a certificate nor a row.
  is_proven: Whether a certificate says that the table was complete at that time.
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
    select resource, ended_at, complete_as_of from staging.stg_printora__sync_runs
),

looks as (
    select 'orders' as resource, max(seen_at) as last_look_at from orders
    union all
    select 'webhook_logs' as resource, max(seen_at) as last_look_at from webhook_logs
    union all
    select 'sessions' as resource, max(seen_at) as last_look_at from sessions
),

certificates as (
    select
        resource,
        max(complete_as_of) as complete_as_of,
        max(ended_at) as ended_at
    from sync_runs
    group by resource
)

select
    looks.resource,
    coalesce(certificates.complete_as_of, looks.last_look_at, certificates.ended_at) as as_of,
    certificates.complete_as_of is not null as is_proven
from looks
left join certificates on looks.resource = certificates.resource
