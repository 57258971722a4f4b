/*
description: >-
  Orders, ended, cancelled and open do not add up, or the days, the carriers or the countries do not
  add up to all: orders are counted twice or not at all.
severity: error
models:
  - analytics.delivery_latency_summary
  - analytics.delivery_latency_daily
  - analytics.delivery_latency_curve
todo: Correct the model that differs; int_order_stages has the orders one by one.
*/
with overall as (
    select stage, orders, ended, cancelled, open
    from analytics.delivery_latency_summary
    where dimension = 'all'
),

parts as (
    select 'daily' as what, stage, sum(orders) as orders, sum(ended) as ended,
        sum(cancelled) as cancelled, sum(open) as open
    from analytics.delivery_latency_daily
    group by stage
    union all
    select 'by ' || dimension as what, stage, sum(orders) as orders, sum(ended) as ended,
        sum(cancelled) as cancelled, sum(open) as open
    from analytics.delivery_latency_summary
    group by dimension, stage
    union all
    select 'curve' as what, stage, sum(ended + cancelled + censored) as orders,
        sum(ended) as ended, sum(cancelled) as cancelled, sum(censored) as open
    from analytics.delivery_latency_curve
    group by stage
)

select parts.what, parts.stage, parts.orders, overall.orders as all_orders
from parts
inner join overall on parts.stage = overall.stage
where parts.orders <> overall.orders
    or parts.ended <> overall.ended
    or parts.cancelled <> overall.cancelled
    or parts.open <> overall.open
    or parts.orders <> parts.ended + parts.cancelled + parts.open
