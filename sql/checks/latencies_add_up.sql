/*
description: >-
  Orders, ended, cancelled and open do not add up, or the days, the carriers or the countries do not
  add up to all: orders are counted twice or not at all.
severity: error
models:
  - analytics.delivery_latency_summary
  - analytics.delivery_latency_daily
  - analytics.delivery_latency_weekly
  - analytics.delivery_latency_curve
todo: Correct the model that differs; int_order_stages has the orders one by one.
*/
with overall as (
    select stage, period, orders, ended, cancelled, open
    from analytics.delivery_latency_summary
    where dimension = 'all'
),

rows_of as (
    select 'by day' as what, stage, 'all' as period, orders, ended, cancelled, open
    from analytics.delivery_latency_daily
    union all
    select 'by week' as what, stage, 'all' as period, orders, ended, cancelled, open
    from analytics.delivery_latency_weekly
    union all
    select 'by ' || dimension as what, stage, period, orders, ended, cancelled, open
    from analytics.delivery_latency_summary
    union all
    select
        'curve' as what,
        stage,
        period,
        ended + cancelled + censored as orders,
        ended,
        cancelled,
        censored as open
    from analytics.delivery_latency_curve
),

parts as (
    select
        what,
        stage,
        period,
        sum(orders) as orders,
        sum(ended) as ended,
        sum(cancelled) as cancelled,
        sum(open) as open
    from rows_of
    group by what, stage, period
)

select parts.what, parts.stage, parts.period, parts.orders, overall.orders as all_orders
from parts
inner join overall on parts.stage = overall.stage and parts.period = overall.period
where parts.orders <> overall.orders
    or parts.ended <> overall.ended
    or parts.cancelled <> overall.cancelled
    or parts.open <> overall.open
    or parts.orders <> parts.ended + parts.cancelled + parts.open
