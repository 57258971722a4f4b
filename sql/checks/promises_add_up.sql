/*
description: >-
  Countries or routes do not add up to all, more arrived within fewer days than within more, or a
  week that is not old enough has a share: a promise looks broken, or kept, that was not.
severity: error
models:
  - analytics.delivery_sla_weekly
todo: Correct the model; int_order_stages has the orders one by one.
*/
with parts as (
    select
        week_start,
        days,
        dimension,
        sum(orders) as orders,
        sum(delivered) as delivered,
        lag(sum(delivered)) over (partition by week_start, dimension order by days)
            as delivered_before,
        bool_or(share_low is not null and not is_mature) as is_early
    from analytics.delivery_sla_weekly
    group by week_start, days, dimension
)

select parts.week_start, parts.days, parts.dimension, parts.orders, overall.orders as all_orders
from parts
inner join parts as overall
    on overall.dimension = 'all'
    and parts.week_start = overall.week_start
    and parts.days = overall.days
where parts.orders <> overall.orders
    or parts.delivered <> overall.delivered
    or parts.delivered < parts.delivered_before
    or parts.is_early
