/*
description: >-
  How far the sessions of the ledger came that can no longer convert: the one funnel that the command
  line and the report show. Sessions that only an order or an event shows are left out, because all
  of them got far. A step that can still grow has a count and no rate.
grain: one row per step
key: [step]
not_null: [position, sessions, net_sessions, is_final]
accepted:
  step: [sessions, ordered, paid, shipped, delivered]
columns:
  step: sessions, ordered, paid, shipped or delivered.
  position: 1 for the first step, and so on.
  sessions: >-
    Mature sessions in the ledger that got there. For shipped and delivered, those that were paid and
    have an order that did.
  rate: sessions, of those of the first step; null without any, until is_final, and where more
    than a tenth are payment_unknown_sessions.
  rate_low: Lower end of the 95 % Wilson interval of rate.
  rate_high: >-
    Upper end of the same, as if all of payment_unknown_sessions had got there.
  rate_of_previous: >-
    sessions, of those of the step before; null for the first step, without any, and until is_final.
  net_sessions: Of sessions, those with an order that was paid and not cancelled.
  payment_unknown_sessions: >-
    Sessions besides these whose order was cancelled, and nothing tells whether it had been paid
    before; 0 before the payment.
  is_final: >-
    Whether no session that is counted can still get there. False while an order of a paid session
    is under way: an interval is about chance, and what is missing then is time.
*/
with orders as (
    select
        session_id,
        bool_or(shipped_at_source is not null or delivered_at_source is not null) as is_shipped,
        bool_or(delivered_at_source is not null) as is_delivered,
        bool_or(is_open) as is_open
    from analytics.fct_orders
    group by session_id
),

sessions as (
    select session_id, is_ordered, is_converted, is_converted_net, is_payment_unknown
    from analytics.fct_sessions
    where source = 'ledger' and is_mature
),

reached as (
    select
        sessions.is_converted_net,
        sessions.is_payment_unknown,
        case when orders.is_open then true else false end as is_open,
        case
            when sessions.is_converted and orders.is_delivered then 5
            when sessions.is_converted and orders.is_shipped then 4
            when sessions.is_converted then 3
            when sessions.is_ordered then 2
            else 1
        end as last_position
    from sessions
    left join orders on sessions.session_id = orders.session_id
),

names as (
    select position, step
    from (
        values (1, 'sessions'), (2, 'ordered'), (3, 'paid'), (4, 'shipped'), (5, 'delivered')
    ) as n (position, step)
),

counts as (
    select
        names.position,
        names.step,
        count(case when reached.last_position >= names.position then 1 end) as sessions,
        count(case when reached.last_position >= names.position and reached.is_converted_net then 1 end)
            as net_sessions,
        count(
            case
                when names.position >= 3 and reached.last_position < names.position
                    and reached.is_payment_unknown
                    then 1
            end
        ) as payment_unknown_sessions,
        -- Up to the payment, maturity tells what can still come.
        names.position <= 3
        or count(
            case
                when reached.is_open and reached.last_position >= 3
                    and reached.last_position < names.position
                    then 1
            end
        ) = 0 as is_final
    from names
    left join reached on reached.last_position >= 1
    group by names.position, names.step
),

steps as (
    select
        counts.*,
        sessions + payment_unknown_sessions as perhaps_sessions,
        lag(sessions) over (order by position) as previous,
        case when is_final then cast(nullif(max(sessions) over (), 0) as double) end as n
    from counts
)

select
    step,
    position,
    sessions,
    case when 10 * payment_unknown_sessions <= n then sessions / n end as rate,
    wilson_low(sessions, n) as rate_low,
    wilson_high(perhaps_sessions, n) as rate_high,
    case when is_final then sessions / cast(nullif(previous, 0) as double) end as rate_of_previous,
    net_sessions,
    payment_unknown_sessions,
    is_final
from steps
