/*
description: >-
  An order was shipped before it was paid, delivered before it was shipped and so on: two clocks
  disagree, or the API's times are wrong. The latency marts count such a stage as 0 hours.
severity: warn
models:
  - analytics.fct_orders
todo: >-
  Look at the sources of the two times. Seconds are clocks; hours are a wrong time in the API. Tell
  the vendor which orders.
*/
select
    order_id,
    created_to_paid_hours,
    paid_to_shipped_hours,
    shipped_to_delivered_hours,
    paid_at_source,
    shipped_at_source,
    delivered_at_source
from analytics.fct_orders
where created_to_paid_hours < 0
    or paid_to_shipped_hours < 0
    or shipped_to_delivered_hours < 0
    or paid_to_delivered_hours < 0
