/*
description: >-
  The days do not add up to the sessions: some session or some money is counted twice or not at all.
severity: error
models:
  - analytics.session_conversion_daily
  - analytics.session_revenue_daily
  - analytics.fct_sessions
  - analytics.fct_orders
todo: A join in one of these models loses or doubles rows. Compare it with fct_sessions day by day.
*/
with by_day as (
    select
        sum(sessions) as sessions,
        sum(unledgered_sessions) as unledgered_sessions,
        sum(ordered_sessions) as ordered_sessions,
        sum(paid_sessions) as paid_sessions
    from analytics.session_conversion_daily
),

by_session as (
    select
        count(case when source = 'ledger' then 1 end) as sessions,
        count(case when source <> 'ledger' then 1 end) as unledgered_sessions,
        count(case when source = 'ledger' and is_ordered then 1 end) as ordered_sessions,
        count(case when source = 'ledger' and is_converted then 1 end) as paid_sessions,
        sum(orders) as orders
    from analytics.fct_sessions
    where cohort_date is not null
),

orders_in_sessions as (
    select count(*) as orders
    from analytics.fct_orders as orders
    inner join analytics.fct_sessions as sessions on orders.session_id = sessions.session_id
    where sessions.cohort_date is not null
),

money_by_day as (
    select currency, sum(revenue) as revenue
    from analytics.session_revenue_daily
    group by currency
),

money_by_order as (
    select coalesce(orders.currency, 'unknown') as currency, coalesce(sum(orders.total_amount), 0) as revenue
    from analytics.fct_orders as orders
    inner join analytics.fct_sessions as sessions on orders.session_id = sessions.session_id
    where orders.is_paid and sessions.cohort_date is not null
    group by coalesce(orders.currency, 'unknown')
),

sums as (
    select 'sessions' as what, coalesce(by_day.sessions, 0) as by_day, by_session.sessions as of_all
    from by_day cross join by_session
    union all
    select 'unledgered' as what, coalesce(by_day.unledgered_sessions, 0), by_session.unledgered_sessions
    from by_day cross join by_session
    union all
    select 'ordered' as what, coalesce(by_day.ordered_sessions, 0), by_session.ordered_sessions
    from by_day cross join by_session
    union all
    select 'paid' as what, coalesce(by_day.paid_sessions, 0), by_session.paid_sessions
    from by_day cross join by_session
    union all
    select 'orders' as what, coalesce(by_session.orders, 0), orders_in_sessions.orders
    from by_session cross join orders_in_sessions
    union all
    select
        'revenue in ' || coalesce(money_by_day.currency, money_by_order.currency) as what,
        coalesce(money_by_day.revenue, 0),
        coalesce(money_by_order.revenue, 0)
    from money_by_day
    full outer join money_by_order on money_by_day.currency = money_by_order.currency
)

select what, by_day, of_all
from sums
where by_day <> of_all
