/*
description: >-
  Every creator that an order is credited to, and what was sold of their designs. Empty where the API
  tells no creators. Their names are not kept: the API's id tells one from another.
grain: one row per creator
key: [creator_id]
not_null: [creator_id, orders, paid_orders, net_paid_orders]
columns:
  creator_id: The API's id of the creator.
  first_order_at: Creation of the first order that is credited to them.
  last_order_at: Creation of the last one.
  orders: Orders credited to them.
  paid_orders: Of them, those that were paid, cancelled later or not.
  net_paid_orders: Of the paid ones, those that were neither cancelled nor refunded.
  currency: Currency of the paid ones; null without one, with several, or where the API gives none.
  orders_without_amount: Of the paid ones, those of which the API tells no amount; they are in no sum.
  revenue: >-
    Total of the paid ones, cancelled later or not; 0 without one. Null when they have several
    currencies, for which there is no sum; an order without a currency may be in any.
  net_revenue: Total of the paid ones that were neither cancelled nor refunded, as revenue.
*/
with orders as (
    select
        creator_id,
        created_at,
        is_paid,
        is_net_paid,
        case when is_paid then coalesce(currency, 'unknown') end as paid_currency,
        case when is_paid then total_amount end as paid_amount,
        case when is_net_paid then total_amount end as net_paid_amount
    from analytics.fct_orders
    where creator_id is not null
),

sums as (
    select
        creator_id,
        min(created_at) as first_order_at,
        max(created_at) as last_order_at,
        count(*) as orders,
        count(case when is_paid then 1 end) as paid_orders,
        count(case when is_net_paid then 1 end) as net_paid_orders,
        min(paid_currency) as currency,
        coalesce(min(paid_currency) <> max(paid_currency), false) as has_currencies,
        count(paid_amount) as orders_with_amount,
        coalesce(sum(paid_amount), cast(0 as decimal(18, 4))) as revenue,
        coalesce(sum(net_paid_amount), cast(0 as decimal(18, 4))) as net_revenue
    from orders
    group by creator_id
)

select
    creator_id,
    first_order_at,
    last_order_at,
    orders,
    paid_orders,
    net_paid_orders,
    case when not has_currencies then nullif(currency, 'unknown') end as currency,
    paid_orders - orders_with_amount as orders_without_amount,
    case when not has_currencies then cast(revenue as decimal(38, 4)) end as revenue,
    case when not has_currencies then cast(net_revenue as decimal(38, 4)) end as net_revenue
from sums
