/*
description: >-
  How many customers paid once, twice and so on, and what they brought. It tells nobody from anybody,
  so that readers get it, whereas dim_customers stays in the warehouse. Empty where nobody tells who
  ordered.
grain: one row per currency and number of paid orders
key: [currency, paid_orders]
not_null: [currency, paid_orders, is_returning, customers]
columns:
  currency: >-
    Currency of their paid orders; unknown where they have none, paid in several, or the API names
    none. Never add up across it.
  paid_orders: How many of a customer's orders were paid, cancelled later or not; 0 for none.
  is_returning: Whether that is more than one.
  customers: Customers with so many.
  revenue: Total of their paid orders, cancelled later or not; null for unknown.
  net_revenue: Total of their paid orders that were neither cancelled nor refunded, as revenue.
*/
with customers as (
    select
        coalesce(currency, 'unknown') as currency,
        paid_orders,
        is_returning,
        case when currency is not null then revenue end as revenue,
        case when currency is not null then net_revenue end as net_revenue
    from analytics.dim_customers
)

select
    currency,
    paid_orders,
    is_returning,
    count(*) as customers,
    cast(sum(revenue) as decimal(38, 4)) as revenue,
    cast(sum(net_revenue) as decimal(38, 4)) as net_revenue
from customers
group by currency, paid_orders, is_returning
