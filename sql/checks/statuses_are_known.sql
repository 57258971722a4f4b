/*
description: >-
  The API has said a word that the models do not know. The row is kept, and the word means nothing:
  an order with a new status counts as open and, unless something else shows it, as unpaid.
severity: warn
models:
  - analytics.fct_orders
  - analytics.fct_webhook_deliveries
todo: >-
  Ask the vendor what the word means. An order's status goes into sql/intermediate/
  int_status_meanings.sql; a new kind of event or delivery status needs a decision.
*/
select 'order status' as what, orders.status as word, count(*) as offenders
from analytics.fct_orders as orders
left join intermediate.int_status_meanings as meanings on orders.status = meanings.status
left join intermediate.int_status_implications as implications
    on orders.status = implications.status
where meanings.status is null and implications.status is null
group by orders.status
union all
select 'delivery status' as what, status as word, count(*) as offenders
from analytics.fct_webhook_deliveries
where status is null or status not in ('pending', 'retrying', 'sent', 'failed')
group by status
union all
select 'event type' as what, event_type as word, count(*) as offenders
from analytics.fct_webhook_deliveries
where event_type is null
    or event_type not in (
        'order.created', 'order.paid', 'order.shipped', 'order.delivered', 'order.cancelled'
    )
group by event_type
