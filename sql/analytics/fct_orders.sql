/*
description: >-
  Every order with its times, the hours of each stage, and where each time comes from. Orders that
  the API no longer has stay, with deleted_at set: what was sold was sold.
grain: one row per order
key: [order_id]
not_null: [order_id, milestone]
accepted:
  milestone: [created, paid, shipped, delivered, cancelled]
  paid_at_source: [order, event, interval, unknown]
  shipped_at_source: [order, event, interval, unknown]
  delivered_at_source: [order, event, interval, unknown]
  cancelled_at_source: [order, event, interval, unknown]
columns:
  order_id: The API's id of the order.
  session_id: >-
    The session that it was made in, as the ledger calls it where the ledger has it. One session can
    have several orders.
  order_number: The number that people see, where the API gives one.
  status: The API's status, in lower case, in the API's own vocabulary (processing or paid).
  milestone: >-
    The last of created, paid, shipped, delivered, cancelled that anything shows; the same in both
    vocabularies.
  currency: >-
    ISO 4217 code of total_amount, by the order or else by its events; null where nothing names one.
  total_amount: The order's total, exact. Never add up different currencies.
  created_at: When checkout was completed.
  created_at_source: order, event or unknown.
  created_date: Date of created_at in the report time zone.
  paid_at: When payment was confirmed. For the source interval, the middle of its bounds.
  paid_at_source: >-
    order (the orders list), event (the event's timestamp), interval (between two looks), unknown
    (paid, but nothing tells when); null when it was not paid.
  paid_not_before: It was not paid before this; equals paid_at when the time is exact.
  paid_not_after: It was paid by then; equals paid_at when the time is exact.
  paid_date: Date of paid_at in the report time zone.
  shipped_at: When the parcel left, as paid_at.
  shipped_at_source: As paid_at_source.
  shipped_not_before: It was not shipped before this.
  shipped_not_after: It was shipped by then.
  delivered_at: When the parcel arrived, as paid_at.
  delivered_at_source: As paid_at_source.
  delivered_not_before: It was not delivered before this.
  delivered_not_after: It was delivered by then.
  cancelled_at: When the order was cancelled, as paid_at.
  cancelled_at_source: As paid_at_source.
  cancelled_not_before: It was not cancelled before this.
  cancelled_not_after: It was cancelled by then.
  created_to_paid_hours: Hours from creation to payment; null when either time is unknown.
  paid_to_shipped_hours: Hours from payment to shipping; null when either time is unknown.
  shipped_to_delivered_hours: Hours from shipping to delivery; null when either time is unknown.
  paid_to_delivered_hours: Hours from payment to delivery; null when either time is unknown.
  is_paid: Whether anything shows that it was paid, cancelled later or not.
  is_payment_unknown: >-
    Whether it was cancelled and nothing tells whether it had been paid: no look showed it, the list
    tells no payments, and their events of that time are not all here. is_paid is false then.
  is_cancelled: Whether it was cancelled.
  is_refunded: Whether its status says that all of the money was given back.
  is_net_paid: Whether it was paid, and neither cancelled nor refunded later.
  is_open: Neither delivered nor cancelled nor refunded nor deleted, so more may come.
  is_event_seen: Whether any webhook log is about it.
  carrier: >-
    Who carries the parcel, one name for all its spellings and services (DHL for "DHL Express");
    null until it is shipped. From the order, or else its events.
  carrier_word: The API's own word for the carrier.
  country: >-
    Country of the shipping address, in two letters of ISO 3166-1 where the word is known. From the
    order, or else its events.
  country_word: The API's own word for the country.
  state: State or region of the shipping address.
  city: City of the shipping address.
  payment_method: How it was paid.
  customer_pseudonym: >-
    Keyed hash of the customer's e-mail, by the order or else its events. Same person, same value.
  creator_id: >-
    The creator that it is credited to; null without one, and where the API tells none.
  deleted_at: When a sync found that the API no longer has the order; null while it has.
  observed_until: >-
    What happened to the order up to then is known: the data's as-of time where completeness is
    proven, else the last look at this order. Of a deleted one, the last look or the last proof before
    it was missed, whichever is later.
*/
with orders as (
    select
        order_id,
        order_number,
        status,
        total_amount,
        state,
        city,
        payment_method,
        deleted_at
    from staging.stg_printora__orders
),

times as (
    select
        order_id,
        last_step,
        created_at,
        created_at_source,
        created_date,
        paid_at,
        paid_at_source,
        paid_not_before,
        paid_not_after,
        paid_date,
        shipped_at,
        shipped_at_source,
        shipped_not_before,
        shipped_not_after,
        delivered_at,
        delivered_at_source,
        delivered_not_before,
        delivered_not_after,
        cancelled_at,
        cancelled_at_source,
        cancelled_not_before,
        cancelled_not_after,
        observed_until
    from intermediate.int_order_times
),

order_sessions as (
    select order_id, session_id from intermediate.int_order_sessions
),

parcels as (
    select order_id, carrier, carrier_word, country, country_word, currency
    from intermediate.int_order_parcels
),

events as (
    select order_id from intermediate.int_order_event_times
),

refunds as (
    select status from intermediate.int_status_implications where is_refunded
),

customers as (
    select order_id, customer_pseudonym
    from intermediate.int_order_customers
    where source <> 'ledger'
),

looks as (
    select order_id, cancelled_look_before from intermediate.int_order_looks
),

payments_told as (
    select count(case when paid_at_source = 'order' then 1 end) * 2 > count(paid_at_source) as by_list
    from times
),

-- Up to the last look at the logs, the newest span reaches.
payments_logged as (
    select horizons.logged_from, coalesce(horizons.logged_until, data_as_of.as_of) as logged_until
    from intermediate.int_webhook_horizons as horizons
    cross join intermediate.int_data_as_of as data_as_of
    where horizons.event_type = 'order.paid'
        and horizons.logged_from is not null
        and data_as_of.resource = 'webhook_logs'
),

-- It may have been paid between the last look that did not show it cancelled and the cancellation.
unclear as (
    select times.order_id
    from times
    inner join looks on times.order_id = looks.order_id
    cross join payments_told
    left join payments_logged
        on greatest(times.created_at, looks.cancelled_look_before) >= payments_logged.logged_from
        and times.cancelled_not_after <= payments_logged.logged_until
    where times.cancelled_at_source is not null
        and times.paid_at_source is null
        and not payments_told.by_list
        and payments_logged.logged_from is null
),

creators as (
    select order_id, creator_id from staging.stg_printora__order_creators
)

select
    orders.order_id,
    order_sessions.session_id,
    orders.order_number,
    orders.status,
    case times.last_step
        when 1 then 'created'
        when 2 then 'paid'
        when 3 then 'shipped'
        when 4 then 'delivered'
        when 9 then 'cancelled'
    end as milestone,
    parcels.currency,
    orders.total_amount,
    times.created_at,
    times.created_at_source,
    times.created_date,
    times.paid_at,
    times.paid_at_source,
    times.paid_not_before,
    times.paid_not_after,
    times.paid_date,
    times.shipped_at,
    times.shipped_at_source,
    times.shipped_not_before,
    times.shipped_not_after,
    times.delivered_at,
    times.delivered_at_source,
    times.delivered_not_before,
    times.delivered_not_after,
    times.cancelled_at,
    times.cancelled_at_source,
    times.cancelled_not_before,
    times.cancelled_not_after,
    date_diff('microsecond', times.created_at, times.paid_at) / 3.6e9
        as created_to_paid_hours,
    date_diff('microsecond', times.paid_at, times.shipped_at) / 3.6e9
        as paid_to_shipped_hours,
    date_diff('microsecond', times.shipped_at, times.delivered_at) / 3.6e9
        as shipped_to_delivered_hours,
    date_diff('microsecond', times.paid_at, times.delivered_at) / 3.6e9
        as paid_to_delivered_hours,
    times.paid_at_source is not null as is_paid,
    unclear.order_id is not null as is_payment_unknown,
    times.cancelled_at_source is not null as is_cancelled,
    refunds.status is not null as is_refunded,
    times.paid_at_source is not null
    and times.cancelled_at_source is null
    and refunds.status is null as is_net_paid,
    times.delivered_at_source is null
    and times.cancelled_at_source is null
    and refunds.status is null
    and orders.deleted_at is null as is_open,
    events.order_id is not null as is_event_seen,
    parcels.carrier,
    parcels.carrier_word,
    parcels.country,
    parcels.country_word,
    orders.state,
    orders.city,
    orders.payment_method,
    customers.customer_pseudonym,
    creators.creator_id,
    orders.deleted_at,
    times.observed_until
from orders
left join times on orders.order_id = times.order_id
left join order_sessions on orders.order_id = order_sessions.order_id
left join parcels on orders.order_id = parcels.order_id
left join events on orders.order_id = events.order_id
left join unclear on orders.order_id = unclear.order_id
left join refunds on orders.status = refunds.status
left join customers on orders.order_id = customers.order_id
left join creators on orders.order_id = creators.order_id
