/*
description: >-
  Orders and money by day, by the day of the order or by that of its payment, whether or not its
  session is known: it ties to the books. Choose one date_basis, and never add up across currencies.
  Weeks and months are in dim_dates.
grain: one row per date, date_basis and currency
key: [date, date_basis, currency]
not_null: [date_basis, currency, orders, paid_orders, revenue, net_revenue]
accepted:
  date_basis: [created, paid]
columns:
  date: >-
    Date of creation or of payment in the report time zone; of a payment that lies between two looks,
    that of the middle. Null for orders whose time nothing tells, so that no money is left out.
  date_basis: created (every order, by its creation) or paid (paid orders, by their payment).
  currency: ISO 4217 code, or unknown where nothing names one. Never add up across it.
  orders: Orders of the date.
  paid_orders: Of them, those that were paid, cancelled later or not.
  orders_payment_unknown: >-
    Of the others, those that were cancelled, and nothing tells whether they had been paid before: they
    are in no sum, but may be in the books' gross. By creation only.
  orders_without_amount: Of the paid ones, those of which the API tells no amount; they are in no sum.
  revenue: The total of the other paid ones.
  net_revenue: The total of those of them that were neither cancelled nor refunded later.
  average_order_value: >-
    revenue / (paid_orders less orders_without_amount); null where that is 0.
*/
with orders as (
    select
        created_date,
        paid_date,
        is_paid,
        is_payment_unknown,
        is_net_paid,
        coalesce(currency, 'unknown') as currency,
        case when is_paid then total_amount end as paid_amount
    from analytics.fct_orders
),

dated as (
    select created_date as date, 'created' as date_basis, currency, is_paid, is_payment_unknown,
        is_net_paid, paid_amount
    from orders
    union all
    select paid_date as date, 'paid' as date_basis, currency, is_paid, is_payment_unknown,
        is_net_paid, paid_amount
    from orders
    where is_paid
),

sums as (
    select
        date,
        date_basis,
        currency,
        count(*) as orders,
        count(case when is_paid then 1 end) as paid_orders,
        count(case when is_payment_unknown then 1 end) as orders_payment_unknown,
        count(paid_amount) as orders_with_amount,
        coalesce(sum(paid_amount), cast(0 as decimal(18, 4))) as revenue,
        coalesce(
            sum(case when is_net_paid then paid_amount end), cast(0 as decimal(18, 4))
        ) as net_revenue
    from dated
    group by date, date_basis, currency
)

select
    date,
    date_basis,
    currency,
    orders,
    paid_orders,
    orders_payment_unknown,
    paid_orders - orders_with_amount as orders_without_amount,
    revenue,
    net_revenue,
    cast(revenue as double) / nullif(orders_with_amount, 0) as average_order_value
from sums
