/*
description: >-
  The lines of orders, as the orders list gives them, or else the first order.paid event; at most a
  hundred of an order. Of a line that has words of its own for a field, the field is null.
grain: one row per order and line
key: [order_id, position]
columns:
  order_id: The order.
  position: 1 for its first line, and so on.
  lines: How many lines it has.
  source: list (the orders list) or event (order.paid).
  item_id: The API's id of the line.
  sku: The stock keeping unit.
  product_id: The API's id of the product.
  variant_id: The API's id of the variant.
  quantity: How many.
  unit_price: Price of one, where the line says it, or its price where there is one of it.
  line_amount: The line's total, where the line says it.
  currency: ISO 4217 code, where the line says it.
*/
with listed as (
    select
        order_id,
        'list' as source,
        coalesce(
            items,
            json_extract(extra, '$.line_items'),
            json_extract(extra, '$.lineItems'),
            json_extract(extra, '$.lines')
        ) as items
    from printora_raw.orders
    where items is not null or extra is not null
),

listed_orders as (
    select order_id, source, items from listed where json_array_length(items) > 0
),

paid_events as (
    select
        logs.order_id,
        coalesce(
            json_extract(logs.payload, '$.data.items'),
            json_extract(logs.payload, '$.data.line_items'),
            json_extract(logs.payload, '$.data.lineItems')
        ) as items,
        coalesce(logs.event_at, logs.created_at) as told_at,
        logs.webhook_log_id
    from printora_raw.webhook_logs as logs
    left join listed_orders on logs.order_id = listed_orders.order_id
    where logs.event_type = 'order.paid'
        and logs.order_id is not null
        and cast(logs.payload as varchar) like '%tems%'
        and listed_orders.order_id is null
),

numbered_events as (
    select
        order_id,
        items,
        row_number() over (
            partition by order_id order by (told_at is null), told_at, webhook_log_id
        ) as from_first
    from paid_events
    where json_array_length(items) > 0
),

orders as (
    select order_id, source, items, json_array_length(items) as lines from listed_orders
    union all
    select order_id, 'event' as source, items, json_array_length(items) as lines
    from numbered_events
    where from_first = 1
),

digits as (
    select n
    from (values (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) as digits (n)
),

places as (
    select
        tens.n * 10 + ones.n + 1 as position,
        '$[' || cast(tens.n * 10 + ones.n as varchar) || ']' as path
    from digits as tens
    cross join digits as ones
),

lines as (
    select
        orders.order_id,
        places.position,
        orders.lines,
        orders.source,
        json_extract(orders.items, places.path) as line
    from orders
    inner join places on places.position <= orders.lines
),

texts as (
    select
        order_id,
        position,
        lines,
        source,
        coalesce(
            json_extract_string(line, '$.item_id'),
            json_extract_string(line, '$.itemId'),
            json_extract_string(line, '$.line_id'),
            json_extract_string(line, '$.lineId'),
            json_extract_string(line, '$.id')
        ) as item_id,
        json_extract_string(line, '$.sku') as sku,
        coalesce(
            json_extract_string(line, '$.product_id'),
            json_extract_string(line, '$.productId'),
            json_extract_string(line, '$.product.id')
        ) as product_id,
        coalesce(
            json_extract_string(line, '$.variant_id'),
            json_extract_string(line, '$.variantId'),
            json_extract_string(line, '$.variant.id')
        ) as variant_id,
        json_extract_string(line, '$.quantity') as quantity,
        coalesce(
            json_extract_string(line, '$.unit_price'), json_extract_string(line, '$.unitPrice')
        ) as unit_price,
        json_extract_string(line, '$.price') as price,
        coalesce(
            json_extract_string(line, '$.total_amount'),
            json_extract_string(line, '$.totalAmount'),
            json_extract_string(line, '$.total')
        ) as line_amount,
        json_extract_string(line, '$.currency') as currency
    from lines
),

-- Where a value was not let in, its type stands there instead, in pointed brackets; and what is an
-- object, or is no plain number, is left out.
numbers as (
    select
        texts.*,
        case
            when regexp_matches(quantity, '^[0-9]{1,6}([.]0{1,4})?$')
                then cast(cast(quantity as decimal(18, 4)) as integer)
        end as quantity_number,
        case
            when regexp_matches(unit_price, '^-?[0-9]{1,12}([.][0-9]{1,4})?$')
                then cast(unit_price as decimal(18, 4))
        end as unit_price_number,
        case
            when regexp_matches(price, '^-?[0-9]{1,12}([.][0-9]{1,4})?$')
                then cast(price as decimal(18, 4))
        end as price_number,
        case
            when regexp_matches(line_amount, '^-?[0-9]{1,12}([.][0-9]{1,4})?$')
                then cast(line_amount as decimal(18, 4))
        end as line_amount_number
    from texts
)

select
    order_id,
    position,
    lines,
    source,
    case when regexp_matches(item_id, '^[A-Za-z0-9]') then item_id end as item_id,
    case when regexp_matches(sku, '^[A-Za-z0-9]') then sku end as sku,
    case when regexp_matches(product_id, '^[A-Za-z0-9]') then product_id end as product_id,
    case when regexp_matches(variant_id, '^[A-Za-z0-9]') then variant_id end as variant_id,
    quantity_number as quantity,
    -- The price of one or of all of them: nothing tells.
    coalesce(unit_price_number, case when quantity_number = 1 then price_number end) as unit_price,
    line_amount_number as line_amount,
    case when regexp_matches(currency, '^[A-Za-z]{3}$') then upper(currency) end as currency
from numbers
