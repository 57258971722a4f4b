/*
description: >-
  Who made each order, by pseudonym: as its list row or the first of its events names the customer.
  Where no order has one, the ledger's user of its session stands for the customer; the two are never
  mixed, because a person may have an address here and another there.
grain: one row per order whose customer is known
key: [order_id]
not_null: [order_id, customer_pseudonym, source]
accepted:
  source: [order, event, ledger]
columns:
  order_id: The order.
  customer_pseudonym: Keyed hash of the customer's e-mail. Same person, same value.
  source: order (the orders list), event or ledger.
*/
with orders as (
    select order_id, customer_pseudonym from staging.stg_printora__orders
),

events as (
    select
        order_id,
        customer_pseudonym,
        row_number() over (
            partition by order_id order by (event_at is null), event_at, webhook_log_id
        ) as from_first
    from staging.stg_printora__webhook_logs
    where customer_pseudonym is not null
),

sessions as (
    select session_id, customer_pseudonym
    from staging.stg_printora__sessions
    where customer_pseudonym is not null
),

order_sessions as (
    select order_id, session_id from intermediate.int_order_sessions
),

told as (
    select
        orders.order_id,
        coalesce(orders.customer_pseudonym, events.customer_pseudonym) as customer_pseudonym,
        case when orders.customer_pseudonym is not null then 'order' else 'event' end as source
    from orders
    left join events on orders.order_id = events.order_id and events.from_first = 1
),

known as (
    select count(customer_pseudonym) as orders from told
)

select order_id, customer_pseudonym, source
from told
where customer_pseudonym is not null
union all
select order_sessions.order_id, sessions.customer_pseudonym, 'ledger' as source
from order_sessions
inner join sessions on order_sessions.session_id = sessions.session_id
cross join known
where known.orders = 0
