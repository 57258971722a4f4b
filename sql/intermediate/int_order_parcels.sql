/*
description: >-
  Carrier and country of each order. Where its list row lacks one, the payloads of its events tell:
  the API's v1.1 tells them nowhere else.
grain: one row per order
key: [order_id]
columns:
  order_id: The order.
  carrier: Who carries the parcel, by the order or else by order.shipped; null until it is shipped.
  country: Country of the shipping address, by the order or else by order.paid.
*/
with orders as (
    select order_id, carrier, country from staging.stg_printora__orders
),

logs as (
    select order_id, carrier, country
    from staging.stg_printora__webhook_logs
    where event_type in ('order.paid', 'order.shipped')
),

incomplete as (
    select order_id from orders where carrier is null or country is null
),

told_by_events as (
    select logs.order_id, max(logs.carrier) as carrier, max(logs.country) as country
    from logs
    -- Only of these, so that the other payloads need not be read.
    inner join incomplete on logs.order_id = incomplete.order_id
    group by logs.order_id
)

select
    orders.order_id,
    coalesce(orders.carrier, told_by_events.carrier) as carrier,
    coalesce(orders.country, told_by_events.country) as country
from orders
left join told_by_events on orders.order_id = told_by_events.order_id
