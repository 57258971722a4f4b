/*
description: >-
  Every customer that an order names, by pseudonym, and what they bought. Empty where neither the API
  nor the ledger tells who ordered, or personal_data is none. Orders of which nobody tells the customer
  are in no row: customer_cohorts_monthly has their share. Not in the snapshot for
  readers, who get customers_by_paid_orders.
grain: one row per customer
key: [customer_pseudonym]
not_null: [customer_pseudonym, source, orders, paid_orders, net_paid_orders, is_returning]
accepted:
  source: [api, ledger]
columns:
  customer_pseudonym: Keyed hash of the customer's e-mail. Same person, same value.
  source: api (orders or events name the customer) or ledger (the user of the order's session).
  first_order_at: Creation of the first of their orders.
  last_order_at: Creation of the last one.
  first_paid_date: >-
    The day of their first payment in the report time zone, or of the order's creation where nothing
    tells the payment's; null without a paid order.
  orders: Their orders.
  paid_orders: Of them, those that were paid, cancelled later or not.
  net_paid_orders: Of the paid ones, those that were neither cancelled nor refunded.
  is_returning: Whether they paid for more than one order.
  country: Where their orders go; null when nothing tells it, or they go to several.
  currency: Currency of their paid orders; null without one, with several, or where the API gives none.
  orders_without_amount: Of the paid ones, those of which the API tells no amount; they are in no sum.
  revenue: >-
    Total of their paid orders, cancelled later or not; 0 without one. Null when they have several
    currencies, for which there is no sum; an order without a currency may be in any.
  net_revenue: Total of their paid orders that were neither cancelled nor refunded, as revenue.
*/
with customers as (
    select order_id, customer_pseudonym, source from intermediate.int_order_customers
),

orders as (
    select
        customers.customer_pseudonym,
        case when customers.source = 'ledger' then 'ledger' else 'api' end as source,
        orders.created_at,
        case when orders.is_paid then coalesce(orders.paid_date, orders.created_date) end
            as bought_on,
        orders.is_paid,
        orders.is_net_paid,
        orders.country,
        case when orders.is_paid then coalesce(orders.currency, 'unknown') end as paid_currency,
        case when orders.is_paid then orders.total_amount end as paid_amount,
        case when orders.is_net_paid then orders.total_amount end
            as net_paid_amount
    from customers
    inner join analytics.fct_orders as orders on customers.order_id = orders.order_id
),

sums as (
    select
        customer_pseudonym,
        min(source) as source,
        min(created_at) as first_order_at,
        max(created_at) as last_order_at,
        min(bought_on) as first_paid_date,
        count(*) as orders,
        count(case when is_paid then 1 end) as paid_orders,
        count(case when is_net_paid then 1 end) as net_paid_orders,
        case when min(country) = max(country) then min(country) end as country,
        min(paid_currency) as currency,
        coalesce(min(paid_currency) <> max(paid_currency), false) as has_currencies,
        count(paid_amount) as orders_with_amount,
        coalesce(sum(paid_amount), cast(0 as decimal(18, 4))) as revenue,
        coalesce(sum(net_paid_amount), cast(0 as decimal(18, 4))) as net_revenue
    from orders
    group by customer_pseudonym
)

select
    customer_pseudonym,
    source,
    first_order_at,
    last_order_at,
    first_paid_date,
    orders,
    paid_orders,
    net_paid_orders,
    paid_orders > 1 as is_returning,
    country,
    case when not has_currencies then nullif(currency, 'unknown') end as currency,
    paid_orders - orders_with_amount as orders_without_amount,
    case when not has_currencies then cast(revenue as decimal(38, 4)) end as revenue,
    case when not has_currencies then cast(net_revenue as decimal(38, 4)) end as net_revenue
from sums
