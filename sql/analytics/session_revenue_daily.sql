/*
description: >-
  What the sessions created on a day brought in, currency by currency: sums across currencies mean
  nothing. Sessions that the ledger does not have are told apart.
grain: one row per date on which a session was created, source of the session and currency
key: [cohort_date, source, currency]
columns:
  cohort_date: The date on which the sessions were created, in the report time zone (UTC unless set).
  source: ledger, or order for sessions that only an order shows.
  currency: ISO 4217 code, or unknown where nothing names one. Never add up across it.
  paid_orders: Orders that were paid, cancelled later or not.
  orders_without_amount: Of them, those of which the API tells no amount; they are in no sum.
  revenue: The total of the others.
  cancelled_orders: Of them, those cancelled or refunded later.
  cancelled_revenue: The total of those.
  net_revenue: revenue less cancelled_revenue.
*/
with sessions as (
    select session_id, cohort_date, source
    from analytics.fct_sessions
    where cohort_date is not null
),

orders as (
    select session_id, currency, total_amount, is_net_paid
    from analytics.fct_orders
    where is_paid
)

select
    sessions.cohort_date,
    sessions.source,
    coalesce(orders.currency, 'unknown') as currency,
    count(*) as paid_orders,
    count(*) - count(orders.total_amount) as orders_without_amount,
    coalesce(sum(orders.total_amount), cast(0 as decimal(18, 4))) as revenue,
    count(case when not orders.is_net_paid then 1 end) as cancelled_orders,
    coalesce(
        sum(case when not orders.is_net_paid then orders.total_amount end), cast(0 as decimal(18, 4))
    ) as cancelled_revenue,
    coalesce(
        sum(case when orders.is_net_paid then orders.total_amount end),
        cast(0 as decimal(18, 4))
    ) as net_revenue
from orders
inner join sessions on orders.session_id = sessions.session_id
group by sessions.cohort_date, sessions.source, coalesce(orders.currency, 'unknown')
