/*
description: >-
  Who comes back: the customers who first paid in a month, and how many of them paid again in each
  month since. Empty where nobody tells who ordered (dim_customers says when). It has no money: the
  customers of a month may pay in several currencies.
grain: one row per month of the first payment and month since
key: [cohort_month, months_since]
not_null: [cohort_month, months_since, month_start, customers, active_customers, orders, is_final]
columns:
  cohort_month: First date of the month of the customers' first payment, in the report time zone.
  months_since: 0 for that month, 1 for the next, and so on to that of the last look.
  month_start: First date of the month that the other figures are about.
  customers: Customers of the cohort.
  active_customers: Of them, those who paid for an order in the month.
  orders: The orders of the cohort that were paid in the month, cancelled later or not.
  retention_rate: >-
    active_customers / customers; null until is_final. In month 0 it is 1 by definition.
  retention_rate_low: Lower end of the 95 % Wilson interval of retention_rate.
  retention_rate_high: Upper end of the 95 % Wilson interval of retention_rate.
  is_final: Whether both months were over at the as-of time of the orders.
  customer_coverage: >-
    Share of all orders paid in cohort_month whose customer is known, in 0..1. Below 1, customers are
    missing, and some that seem new are not.
*/
with customers as (
    select order_id, customer_pseudonym from intermediate.int_order_customers
),

paid_orders as (
    select
        customers.customer_pseudonym,
        -- Where nothing tells when an order was paid, the month that it was made in stands for it.
        cast(date_trunc('month', coalesce(orders.paid_date, orders.created_date)) as date)
            as month_start
    from analytics.fct_orders as orders
    left join customers on orders.order_id = customers.order_id
    where orders.is_paid and coalesce(orders.paid_date, orders.created_date) is not null
),

coverage as (
    select
        month_start,
        count(customer_pseudonym) / cast(count(*) as double) as customer_coverage
    from paid_orders
    group by month_start
),

firsts as (
    select customer_pseudonym, min(month_start) as cohort_month
    from paid_orders
    where customer_pseudonym is not null
    group by customer_pseudonym
),

cohorts as (
    select cohort_month, count(*) as customers
    from firsts
    group by cohort_month
),

activity as (
    select
        firsts.cohort_month,
        paid_orders.month_start,
        count(distinct paid_orders.customer_pseudonym) as active_customers,
        count(*) as orders
    from paid_orders
    inner join firsts on paid_orders.customer_pseudonym = firsts.customer_pseudonym
    group by firsts.cohort_month, paid_orders.month_start
),

last_dates as (
    select month_start, max(date) as last_date, max(ends_at) as ends_at
    from analytics.dim_dates
    group by month_start
),

data_as_of as (
    select as_of from intermediate.int_data_as_of where resource = 'orders'
),

months as (
    select
        last_dates.month_start,
        extract(year from last_dates.month_start) * 12
        + extract(month from last_dates.month_start) as month_number,
        -- The calendar ends with the last look, which may be in the middle of a month.
        extract(month from last_dates.last_date + 1) <> extract(month from last_dates.last_date)
        and coalesce(last_dates.ends_at <= data_as_of.as_of, false) as is_over
    from last_dates
    cross join data_as_of
),

pairs as (
    select
        cohorts.cohort_month,
        cast(months.month_number - cohort_months.month_number as integer) as months_since,
        months.month_start,
        cohorts.customers,
        months.is_over and cohort_months.is_over as is_final
    from cohorts
    inner join months as cohort_months on cohorts.cohort_month = cohort_months.month_start
    inner join months on cohorts.cohort_month <= months.month_start
),

counts as (
    select
        pairs.cohort_month,
        pairs.months_since,
        pairs.month_start,
        pairs.customers,
        coalesce(activity.active_customers, 0) as active_customers,
        coalesce(activity.orders, 0) as orders,
        pairs.is_final,
        case when pairs.is_final then cast(pairs.customers as double) end as n
    from pairs
    left join activity
        on pairs.cohort_month = activity.cohort_month and pairs.month_start = activity.month_start
)

select
    counts.cohort_month,
    counts.months_since,
    counts.month_start,
    counts.customers,
    counts.active_customers,
    counts.orders,
    counts.active_customers / counts.n as retention_rate,
    wilson_low(counts.active_customers, counts.n) as retention_rate_low,
    wilson_high(counts.active_customers, counts.n) as retention_rate_high,
    counts.is_final,
    coverage.customer_coverage
from counts
inner join coverage on counts.cohort_month = coverage.month_start
