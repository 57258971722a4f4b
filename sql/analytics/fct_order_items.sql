/*
description: >-
  What was ordered, line by line, where the API tells it: in the orders list, or else in the event of
  the payment. Empty where it does neither. Orders of which it tells no lines are missing here, and so
  are shipping and discounts: the lines need not add up to the order's total.
grain: one row per order and line
key: [order_id, position]
not_null: [order_id, position, lines, source, is_paid, is_cancelled]
references:
  order_id: analytics.fct_orders
accepted:
  source: [list, event]
columns:
  order_id: The order.
  position: 1 for its first line, and so on; lines after the hundredth are left out.
  lines: How many lines the order has.
  source: list (the orders list) or event (its first order.paid).
  item_id: The API's id of the line, where it gives one.
  sku: The stock keeping unit, where the API gives one.
  product_id: The API's id of the product, where it gives one.
  variant_id: The API's id of the variant, where it gives one.
  quantity: How many; null where the line does not say it as a number.
  unit_price: >-
    Price of one. Where a line only has a price, and more than one of it were ordered, nothing tells
    whether it is that of one or of all: null.
  line_amount: The line's total where it says one, else quantity times unit_price.
  currency: ISO 4217 code of unit_price and line_amount, or unknown. Never add up across it.
  created_date: Date of the order's creation in the report time zone.
  is_paid: Whether the order was paid, cancelled later or not.
  is_cancelled: Whether the order was cancelled.
  is_net_paid: Whether the order was paid, and neither cancelled nor refunded later.
*/
with orders as (
    select order_id, currency, created_date, is_paid, is_cancelled, is_net_paid
    from analytics.fct_orders
),

items as (
    select
        order_id,
        position,
        lines,
        source,
        item_id,
        sku,
        product_id,
        variant_id,
        quantity,
        unit_price,
        line_amount,
        currency
    from staging.stg_printora__order_items
)

select
    items.order_id,
    items.position,
    items.lines,
    items.source,
    items.item_id,
    items.sku,
    items.product_id,
    items.variant_id,
    items.quantity,
    items.unit_price,
    coalesce(
        cast(items.line_amount as decimal(38, 4)),
        -- Wide enough for the largest number of the largest price.
        cast(items.quantity * cast(items.unit_price as decimal(38, 4)) as decimal(38, 4))
    ) as line_amount,
    coalesce(items.currency, orders.currency, 'unknown') as currency,
    orders.created_date,
    orders.is_paid,
    orders.is_cancelled,
    orders.is_net_paid
from items
inner join orders on items.order_id = orders.order_id
