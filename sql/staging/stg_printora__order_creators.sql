/*
description: >-
  The creator that an order is credited to, by the orders list, or by the earliest event that tells
  one where the list tells none of any order.
grain: one row per order with a creator
key: [order_id]
not_null: [order_id, creator_id]
columns:
  order_id: The order.
  creator_id: The API's id of the creator.
*/
with list_creators as (
    select
        order_id,
        coalesce(
            json_extract_string(creator, '$.id'),
            json_extract_string(creator, '$.creator_id'),
            json_extract_string(creator, '$.creatorId'),
            json_extract_string(extra, '$.creator_id'),
            json_extract_string(extra, '$.creatorId')
        ) as creator_id
    from printora_raw.orders
    where creator is not null or extra is not null
),

-- What is no id was not let in: its type stands there instead.
listed as (
    select order_id, creator_id from list_creators where regexp_matches(creator_id, '^[A-Za-z0-9]')
),

list_shape as (
    select count(*) as orders from listed
),

event_creators as (
    select
        order_id,
        coalesce(
            json_extract_string(payload, '$.data.creator.id'),
            json_extract_string(payload, '$.data.creator.creator_id'),
            json_extract_string(payload, '$.data.creator.creatorId'),
            json_extract_string(payload, '$.data.creator_id'),
            json_extract_string(payload, '$.data.creatorId')
        ) as creator_id,
        coalesce(event_at, created_at) as told_at,
        webhook_log_id
    from printora_raw.webhook_logs
    cross join list_shape
    -- Most documents have none, and are not worth being read.
    where list_shape.orders = 0 and order_id is not null and cast(payload as varchar) like '%reator%'
),

numbered as (
    select
        order_id,
        creator_id,
        row_number() over (
            partition by order_id order by (told_at is null), told_at, webhook_log_id
        ) as from_first
    from event_creators
    where regexp_matches(creator_id, '^[A-Za-z0-9]')
)

select order_id, creator_id from listed
union all
select order_id, creator_id from numbered where from_first = 1
