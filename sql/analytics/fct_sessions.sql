/*
description: >-
  Every session that anything shows, with what became of it. Sessions come from the partner's own
  ledger, because no endpoint lists them; those that only an order or an event shows are here too,
  marked by source, and must stay out of a conversion rate's denominator.
grain: one row per session
key: [session_id]
not_null: [session_id, status, source]
accepted:
  status: [pending, active, completed, expired, cancelled]
  source: [ledger, order, event]
columns:
  session_id: The API's id of the session.
  created_at: >-
    When it was created, by the ledger. For a session that the ledger does not have, its first order
    or event, which is the latest that it can have been created.
  cohort_date: >-
    Date of created_at in the report time zone (UTC unless set); null when that cannot be true,
    because it is after the last look at anything or more than a year before the first order.
  status: pending, active, completed, expired or cancelled.
  status_source: >-
    told (the ledger or the API said so) or derived (from the session's life: its orders, its age at
    the as-of time, its first access where known).
  source: ledger, order (only an order shows it) or event (only an event shows it).
  mode: What it was made from, image, creator or merch.
  orders: Its orders.
  paid_orders: Its orders that were paid, cancelled later or not.
  net_paid_orders: Its orders that were paid, and neither cancelled nor refunded.
  first_order_at: Creation of its first order.
  first_paid_at: >-
    Payment of the first of its orders to be paid; null when that is unknown, or when an order that
    was paid at an unknown time may have been earlier.
  is_ordered: Whether it has an order.
  is_converted: Whether at least one of its orders was paid, cancelled later or not.
  is_converted_net: Whether at least one of its orders was paid, and neither cancelled nor refunded.
  is_payment_unknown: >-
    Whether none of its orders is known to be paid, and one was cancelled of which nothing tells
    whether it had been. is_converted is false then.
  is_paid_within_48h: >-
    Whether an order was paid within 48 hours of its creation; null unless the ledger has the
    session, and when the time of payment is too unclear to tell.
  is_mature: Whether it was so old at the as-of time that it cannot convert any more.
  seconds_to_order: From creation to the first order; null unless the ledger has the session.
  seconds_to_paid: From creation to the first payment; null unless the ledger has the session.
  currency: >-
    Currency of its paid orders; null without one, when they have several, or where the API gives
    none.
  revenue: >-
    Total of its paid orders, cancelled later or not; 0 without one. Null when they have several
    currencies, for which there is no sum; an order without a currency may be in any.
  net_revenue: Total of its paid orders that were neither cancelled nor refunded, as revenue.
  customer_pseudonym: Keyed hash of the user's e-mail. Same person, same value.
*/
with ledger as (
    select session_id, created_at, mode, told_status, accessed_at, customer_pseudonym
    from staging.stg_printora__sessions
),

orders as (
    select
        session_id,
        created_at,
        paid_at,
        paid_not_before,
        paid_not_after,
        is_paid,
        is_payment_unknown,
        is_net_paid,
        case when is_paid then coalesce(currency, 'unknown') end as paid_currency,
        total_amount
    from analytics.fct_orders
    where session_id is not null
),

orphans as (
    select session_id, event_at from intermediate.int_webhook_orphans
    where session_id is not null
),

first_order as (
    select min(created_at) as created_at from analytics.fct_orders
),

settings as (
    select report_time_zone, session_maturity_minutes from staging.build_settings
),

data_as_of as (
    select as_of, looked_until from intermediate.int_data_as_of where resource = 'orders'
),

by_orders as (
    select
        session_id,
        count(*) as orders,
        count(case when is_paid then 1 end) as paid_orders,
        count(case when is_net_paid then 1 end) as net_paid_orders,
        count(case when is_payment_unknown then 1 end) as unclear_orders,
        min(created_at) as first_order_at,
        min(paid_at) as first_paid_at,
        min(case when is_paid then coalesce(paid_at, paid_not_after) end) as paid_by,
        min(case when is_paid then coalesce(paid_at, paid_not_before, created_at) end)
            as paid_not_before,
        min(paid_currency) as currency,
        coalesce(min(paid_currency) <> max(paid_currency), false) as has_currencies,
        sum(case when is_paid then total_amount end) as revenue,
        sum(case when is_net_paid then total_amount end) as net_revenue
    from orders
    group by session_id
),

by_orphans as (
    select session_id, min(event_at) as first_event_at
    from orphans
    group by session_id
),

every_session as (
    select
        coalesce(ledger.session_id, by_orders.session_id, by_orphans.session_id) as session_id,
        coalesce(ledger.created_at, by_orders.first_order_at, by_orphans.first_event_at)
            as created_at,
        case
            when ledger.session_id is not null then 'ledger'
            when by_orders.session_id is not null then 'order'
            else 'event'
        end as source,
        ledger.created_at as ledger_created_at,
        ledger.mode,
        ledger.told_status,
        ledger.accessed_at,
        ledger.customer_pseudonym,
        by_orders.session_id is not null or by_orphans.session_id is not null as has_led_to_order,
        coalesce(by_orders.orders, 0) as orders,
        coalesce(by_orders.paid_orders, 0) as paid_orders,
        coalesce(by_orders.net_paid_orders, 0) as net_paid_orders,
        coalesce(by_orders.unclear_orders, 0) > 0 and by_orders.paid_orders = 0
            as is_payment_unknown,
        by_orders.first_order_at,
        -- With an order of an unknown time that may be earlier, the first is unknown too.
        case when by_orders.paid_not_before >= by_orders.first_paid_at then by_orders.first_paid_at end
            as first_paid_at,
        by_orders.paid_by,
        by_orders.paid_not_before,
        coalesce(by_orders.has_currencies, false) as has_currencies,
        by_orders.currency,
        coalesce(by_orders.revenue, 0) as revenue,
        coalesce(by_orders.net_revenue, 0) as net_revenue
    from ledger
    full outer join by_orders on ledger.session_id = by_orders.session_id
    full outer join by_orphans
        on by_orphans.session_id = coalesce(ledger.session_id, by_orders.session_id)
),

aged as (
    select
        every_session.*,
        settings.report_time_zone,
        -- One bad line of a ledger must not stretch the calendar by a century.
        coalesce(every_session.created_at <= data_as_of.looked_until + interval '1 hour', true)
        and coalesce(
            every_session.created_at >= first_order.created_at - interval '8784 hours', true
        ) as is_possible,
        coalesce(
            every_session.created_at + settings.session_maturity_minutes * interval '1 minute'
            <= data_as_of.as_of,
            false
        ) as is_mature,
        -- Opened sessions live 24 hours from then; the others as long as their URL.
        coalesce(every_session.accessed_at + interval '24 hours' <= data_as_of.as_of, false) as is_run_out,
        coalesce(every_session.created_at + interval '15 minutes' > data_as_of.as_of, false) as is_url_alive
    from every_session
    cross join settings
    cross join data_as_of
    cross join first_order
)

select
    session_id,
    created_at,
    case when is_possible then cast(created_at at time zone report_time_zone as date) end
        as cohort_date,
    case
        when told_status in ('completed', 'expired', 'cancelled') then told_status
        when has_led_to_order then 'completed'
        when is_mature or is_run_out then 'expired'
        when told_status = 'active' or accessed_at is not null then 'active'
        when is_url_alive then 'pending'
        else 'active'
    end as status,
    case
        when told_status in ('completed', 'expired', 'cancelled') then 'told'
        when told_status = 'active' and not has_led_to_order and not is_mature and not is_run_out
            then 'told'
        else 'derived'
    end as status_source,
    source,
    mode,
    orders,
    paid_orders,
    net_paid_orders,
    first_order_at,
    first_paid_at,
    orders > 0 as is_ordered,
    paid_orders > 0 as is_converted,
    net_paid_orders > 0 as is_converted_net,
    is_payment_unknown,
    case
        when ledger_created_at is null or is_payment_unknown then null
        when paid_orders = 0 then false
        when paid_by <= ledger_created_at + interval '48 hours' then true
        when paid_not_before > ledger_created_at + interval '48 hours' then false
    end as is_paid_within_48h,
    is_mature,
    date_diff('microsecond', ledger_created_at, first_order_at) / 1e6 as seconds_to_order,
    date_diff('microsecond', ledger_created_at, first_paid_at) / 1e6 as seconds_to_paid,
    case when not has_currencies then nullif(currency, 'unknown') end as currency,
    case when not has_currencies then cast(revenue as decimal(38, 4)) end as revenue,
    case when not has_currencies then cast(net_revenue as decimal(38, 4)) end as net_revenue,
    customer_pseudonym
from aged
