/*
description: >-
  Which events the delivery logs in quarantine are about, as far as they say it: a log that has no id
  of its own was sent all the same.
grain: one row per bad record that names an order and a type of event
key: [quarantine_id]
materialized: view
columns:
  quarantine_id: Hash of the resource and the record.
  order_id: The order that the event is about.
  event_type: order.created, order.paid and so on, in lower case.
*/
with records as (
    select
        quarantine_id,
        coalesce(
            json_extract_string(record, '$.order_id'),
            json_extract_string(record, '$.orderId'),
            json_extract_string(record, '$.payload.data.order_id'),
            json_extract_string(record, '$.payload.data.orderId')
        ) as order_id,
        coalesce(
            json_extract_string(record, '$.event_type'),
            json_extract_string(record, '$.eventType'),
            json_extract_string(record, '$.event'),
            json_extract_string(record, '$.payload.event')
        ) as event_type
    from printora_raw.quarantine
    where resource = 'webhook_logs'
)

select quarantine_id, order_id, lower(event_type) as event_type
from records
where order_id is not null and event_type is not null
