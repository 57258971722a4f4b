/*
description: >-
  Which sessions become orders: by what they were made from, and by the fields of the ledger that the
  setting session_fields lists, such as utm_source. About the sessions of the ledger that can no
  longer convert; the others are counted beside them. Values that were sent other people differ for
  more reasons than one: this compares, and does not explain.
grain: one row per dimension and value
key: [dimension, value]
not_null: [dimension, value, sessions, ordered_sessions, paid_sessions, young_sessions, is_final]
columns:
  dimension: mode, or a field that session_fields lists.
  value: Its value; unknown where the ledger says none that may be kept.
  sessions: Sessions in the ledger that can no longer convert.
  ordered_sessions: Of them, those with an order.
  paid_sessions: Of them, those with an order that was paid, cancelled later or not.
  payment_unknown_sessions: >-
    Of the others, those whose order was cancelled, and nothing tells whether it had been paid before.
  young_sessions: Sessions in the ledger that can still convert; they are in no other figure.
  order_rate: ordered_sessions / sessions; null until is_final.
  order_rate_low: Lower end of the 95 % Wilson interval of order_rate.
  order_rate_high: Upper end of the 95 % Wilson interval of order_rate.
  paid_rate: >-
    paid_sessions / sessions so far; null until is_final, and where more than a tenth are
    payment_unknown_sessions. Late payments still raise it.
  paid_rate_low: Lower end of the 95 % Wilson interval of paid_rate.
  paid_rate_high: >-
    Upper end of the same, as if all of payment_unknown_sessions had paid.
  is_final: Whether there are sessions that can no longer convert, which the rates are about.
*/
with sessions as (
    select session_id, mode, is_mature, is_ordered, is_converted, is_payment_unknown
    from analytics.fct_sessions
    where source = 'ledger'
),

fields as (
    select session_id, name, value from staging.stg_printora__session_fields
),

names as (
    select distinct name from fields
),

told as (
    select
        'mode' as dimension,
        coalesce(mode, 'unknown') as value,
        is_mature,
        is_ordered,
        is_converted,
        is_payment_unknown
    from sessions
    union all
    select
        names.name as dimension,
        coalesce(fields.value, 'unknown') as value,
        sessions.is_mature,
        sessions.is_ordered,
        sessions.is_converted,
        sessions.is_payment_unknown
    from sessions
    cross join names
    left join fields on sessions.session_id = fields.session_id and names.name = fields.name
),

counts as (
    select
        dimension,
        value,
        count(case when is_mature then 1 end) as sessions,
        count(case when is_mature and is_ordered then 1 end) as ordered_sessions,
        count(case when is_mature and is_converted then 1 end) as paid_sessions,
        count(case when is_mature and is_payment_unknown then 1 end) as payment_unknown_sessions,
        count(case when not is_mature then 1 end) as young_sessions
    from told
    group by dimension, value
),

sums as (
    select counts.*, paid_sessions + payment_unknown_sessions as perhaps_paid from counts
)

select
    dimension,
    value,
    sessions,
    ordered_sessions,
    paid_sessions,
    payment_unknown_sessions,
    young_sessions,
    ordered_sessions / cast(nullif(sessions, 0) as double) as order_rate,
    wilson_low(ordered_sessions, sessions) as order_rate_low,
    wilson_high(ordered_sessions, sessions) as order_rate_high,
    case
        when 10 * payment_unknown_sessions <= sessions
            then paid_sessions / cast(nullif(sessions, 0) as double)
    end as paid_rate,
    wilson_low(paid_sessions, sessions) as paid_rate_low,
    wilson_high(perhaps_paid, sessions) as paid_rate_high,
    sessions > 0 as is_final
from sums
