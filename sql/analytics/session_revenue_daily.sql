/*
description: >-
  What the sessions created on a day brought in, currency by currency: sums across currencies mean
  nothing. Sessions that the ledger does not have are told apart.
grain: one row per date on which a session was created, source of the session and currency
key: [cohort_date, source, currency]
columns:
  cohort_date: The date on which the sessions were created, in the report time zone (UTC unless set).
  source: ledger, or order for sessions that only an order shows.
  currency: ISO 4217 code.
  paid_orders: Orders that were paid, cancelled later or not.
  revenue: Their total.
  cancelled_orders: Of them, those cancelled later.
  cancelled_revenue: The total of those cancelled later.
  net_revenue: revenue less cancelled_revenue.
*/
with sessions as (
    select session_id, cohort_date, source
    from analytics.fct_sessions
    where cohort_date is not null
),

orders as (
    select session_id, currency, total_amount, is_cancelled
    from analytics.fct_orders
    where is_paid and total_amount is not null
)

select
    sessions.cohort_date,
    sessions.source,
    coalesce(orders.currency, 'unknown') as currency,
    count(*) as paid_orders,
    sum(orders.total_amount) as revenue,
    count(case when orders.is_cancelled then 1 end) as cancelled_orders,
    sum(case when orders.is_cancelled then orders.total_amount else 0 end) as cancelled_revenue,
    sum(case when orders.is_cancelled then 0 else orders.total_amount end) as net_revenue
from orders
inner join sessions on orders.session_id = sessions.session_id
group by sessions.cohort_date, sessions.source, coalesce(orders.currency, 'unknown')
