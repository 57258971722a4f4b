/*
description: >-
  Every amount that anything told of an order: a correction or a refund in part shows as a second
  row instead of changing what was said before. Events tell the amount of their time; of the list,
  every amount that a look showed is kept, but not one that came and went between two looks.
grain: one row per order, amount and currency
key: [order_id, total_amount, currency]
not_null: [order_id, total_amount, currency, is_current]
columns:
  order_id: The order.
  total_amount: The amount, exact.
  currency: ISO 4217 code, or unknown where nothing names one.
  first_told_at: When the first event happened that told it; null where only the list does.
  last_told_at: When the last one did.
  events: Delivery logs that told it.
  is_current: Whether the list shows it now.
  list_showed_until: >-
    The last look at which the list showed it; null where it is current, or only events told it.
  list_changed_by: The look at which the list showed another; null likewise.
*/
with orders as (
    select order_id, total_amount
    from staging.stg_printora__orders
    where total_amount is not null
),

parcels as (
    select order_id, currency from intermediate.int_order_parcels
),

logs as (
    select order_id, total_amount, currency, event_at
    from staging.stg_printora__webhook_logs
    where order_id is not null and total_amount is not null
),

history as (
    select order_id, total_amount, currency, not_before, first_seen_at
    from staging.stg_printora__order_amount_history
    where total_amount is not null
),

told as (
    select
        orders.order_id,
        orders.total_amount,
        parcels.currency,
        cast(null as timestamptz) as told_at,
        1 as is_list,
        0 as is_log,
        cast(null as timestamptz) as shown_until,
        cast(null as timestamptz) as changed_by
    from orders
    inner join parcels on orders.order_id = parcels.order_id
    union all
    select
        order_id,
        total_amount,
        currency,
        event_at as told_at,
        0 as is_list,
        1 as is_log,
        cast(null as timestamptz) as shown_until,
        cast(null as timestamptz) as changed_by
    from logs
    union all
    select
        history.order_id,
        history.total_amount,
        coalesce(history.currency, parcels.currency) as currency,
        cast(null as timestamptz) as told_at,
        0 as is_list,
        0 as is_log,
        history.not_before as shown_until,
        history.first_seen_at as changed_by
    from history
    left join parcels on history.order_id = parcels.order_id
)

select
    order_id,
    total_amount,
    coalesce(currency, 'unknown') as currency,
    min(told_at) as first_told_at,
    max(told_at) as last_told_at,
    cast(sum(is_log) as bigint) as events,
    max(is_list) = 1 as is_current,
    case when max(is_list) = 0 then max(shown_until) end as list_showed_until,
    case when max(is_list) = 0 then max(changed_by) end as list_changed_by
from told
group by order_id, total_amount, coalesce(currency, 'unknown')
