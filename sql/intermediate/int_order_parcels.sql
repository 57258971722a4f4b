/*
description: >-
  Carrier, country and currency of each order. Where its list row lacks one, the earliest of its
  events that tells it counts: the API's v1.1 tells them nowhere else.
grain: one row per order
key: [order_id]
columns:
  order_id: The order.
  carrier: Who carries the parcel, by one name for each; null until it is shipped.
  carrier_word: The API's own word for it.
  country: Country of the shipping address, in two letters where the word is known.
  country_word: The API's own word for it.
  currency: ISO 4217 code of the order's amount; null where nothing names one.
*/
with orders as (
    select order_id, carrier, country, currency from staging.stg_printora__orders
),

logs as (
    select order_id, event_at, carrier, country, currency
    from staging.stg_printora__webhook_logs
),

carriers as (
    select word, carrier from intermediate.int_carrier_words
),

countries as (
    select word, country from intermediate.int_country_words
),

incomplete as (
    select order_id from orders
    where carrier is null or country is null or currency is null
),

told as (
    select
        logs.order_id,
        logs.carrier,
        logs.country,
        logs.currency,
        min(case when logs.carrier is not null then logs.event_at end)
            over (partition by logs.order_id) as carrier_at,
        min(case when logs.country is not null then logs.event_at end)
            over (partition by logs.order_id) as country_at,
        min(case when logs.currency is not null then logs.event_at end)
            over (partition by logs.order_id) as currency_at,
        logs.event_at
    from logs
    inner join incomplete on logs.order_id = incomplete.order_id
),

told_by_events as (
    select
        order_id,
        min(case when event_at = carrier_at or carrier_at is null then carrier end) as carrier,
        min(case when event_at = country_at or country_at is null then country end) as country,
        min(case when event_at = currency_at or currency_at is null then currency end) as currency
    from told
    group by order_id
),

words as (
    select
        orders.order_id,
        coalesce(orders.carrier, told_by_events.carrier) as carrier_word,
        coalesce(orders.country, told_by_events.country) as country_word,
        coalesce(orders.currency, told_by_events.currency) as currency
    from orders
    left join told_by_events on orders.order_id = told_by_events.order_id
)

select
    words.order_id,
    carriers.carrier,
    words.carrier_word,
    countries.country,
    words.country_word,
    words.currency
from words
left join carriers on words.carrier_word = carriers.word
left join countries on words.country_word = countries.word
