/*
description: >-
  Orders as the API last showed them, without personal fields. A time that is more than a day later
  than the look that showed it is null: it has not happened.
grain: one row per order
key: [order_id]
materialized: view
columns:
  order_id: The API's id of the order.
  session_id: The session as the order names it; null when it names none.
  order_number: The number that people see, where the API gives one.
  status: The API's status, in lower case. Statuses that nobody has heard of are kept.
  total_amount: The order's total, exact, in units of currency.
  currency: ISO 4217 code.
  created_at: When checkout was completed.
  paid_at: When payment was confirmed, where the orders list says so.
  shipped_at: When the parcel left, where the orders list says so.
  delivered_at: When the parcel arrived, where the orders list says so.
  cancelled_at: When the order was cancelled, where the orders list says so.
  carrier: Who carries the parcel.
  country: Country of the shipping address.
  state: State or region of the shipping address.
  city: City of the shipping address.
  payment_method: How it was paid.
  customer_pseudonym: Keyed hash of the customer's e-mail. Same person, same value.
  origin: What set the status last, list (the orders list) or event (a webhook log).
  deleted_at: When a sync found that the API no longer has the order; null while it has.
  seen_at: When the answer that held this row was made, by the API's clock.
*/
select
    order_id,
    session_id,
    order_number,
    status,
    total_amount,
    currency,
    unless_future(created_at, _seen_at) as created_at,
    unless_future(paid_at, _seen_at) as paid_at,
    unless_future(shipped_at, _seen_at) as shipped_at,
    unless_future(delivered_at, _seen_at) as delivered_at,
    unless_future(cancelled_at, _seen_at) as cancelled_at,
    carrier,
    country,
    state,
    city,
    payment_method,
    customer_pseudonym,
    _origin as origin,
    deleted_at,
    _seen_at as seen_at
from printora_raw.orders
