/*
description: >-
  Each stage that an order has begun, and how it went by the as-of time: ended, cancelled (which
  makes an end impossible) or open (right-censored). Nothing after the as-of time counts, or the
  orders that a partial load happened to read would look faster than the others.
grain: one row per order and stage
key: [order_id, stage]
columns:
  order_id: The order.
  stage: created_to_paid, paid_to_shipped, shipped_to_delivered or paid_to_delivered.
  cohort_date: >-
    Date of payment in the report time zone. For created_to_paid, and where the time of payment is
    unknown, the date of creation.
  carrier: Who carries the parcel, or unknown.
  country: Country of the shipping address, or unknown.
  outcome: ended, cancelled, open, or untimed (it ended or was cancelled at an unknown time).
  duration_us: Microseconds from the beginning to the outcome; null when untimed.
*/
with times as (
    select
        order_id,
        created_at,
        created_date,
        paid_at,
        paid_at_source,
        paid_date,
        shipped_at,
        shipped_at_source,
        delivered_at,
        delivered_at_source,
        cancelled_at,
        cancelled_at_source,
        observed_until
    from intermediate.int_order_times
),

parcels as (
    select order_id, carrier, country from intermediate.int_order_parcels
),

orders as (
    select
        times.*,
        times.cancelled_at_source is not null as is_cancelled,
        coalesce(parcels.carrier, 'unknown') as carrier,
        coalesce(parcels.country, 'unknown') as country
    from times
    inner join parcels on times.order_id = parcels.order_id
),

stages as (
    select
        order_id,
        'created_to_paid' as stage,
        created_date as cohort_date,
        carrier,
        country,
        created_at as start_at,
        paid_at as end_at,
        paid_at_source is not null as is_ended,
        cancelled_at,
        is_cancelled,
        observed_until
    from orders
    union all
    select
        order_id,
        'paid_to_shipped' as stage,
        paid_date as cohort_date,
        carrier,
        country,
        paid_at as start_at,
        shipped_at as end_at,
        shipped_at_source is not null as is_ended,
        cancelled_at,
        is_cancelled,
        observed_until
    from orders
    union all
    select
        order_id,
        'shipped_to_delivered' as stage,
        coalesce(paid_date, created_date) as cohort_date,
        carrier,
        country,
        shipped_at as start_at,
        delivered_at as end_at,
        delivered_at_source is not null as is_ended,
        cancelled_at,
        is_cancelled,
        observed_until
    from orders
    union all
    select
        order_id,
        'paid_to_delivered' as stage,
        paid_date as cohort_date,
        carrier,
        country,
        paid_at as start_at,
        delivered_at as end_at,
        delivered_at_source is not null as is_ended,
        cancelled_at,
        is_cancelled,
        observed_until
    from orders
),

outcomes as (
    select
        order_id,
        stage,
        cohort_date,
        carrier,
        country,
        start_at,
        end_at,
        cancelled_at,
        observed_until,
        case
            when end_at <= coalesce(cancelled_at, end_at) and end_at <= observed_until
                then 'ended'
            -- It got that far, so that a later cancellation is not one of this stage.
            when is_ended and end_at is null then 'untimed'
            when cancelled_at <= observed_until and (end_at is null or cancelled_at < end_at)
                then 'cancelled'
            when is_cancelled and cancelled_at is null then 'untimed'
            else 'open'
        end as outcome
    from stages
    where start_at <= observed_until and cohort_date is not null
)

select
    order_id,
    stage,
    cohort_date,
    carrier,
    country,
    outcome,
    -- Two clocks may put an end before its beginning; that is no time at all, not less than none.
    greatest(
        date_diff(
            'microsecond',
            start_at,
            case outcome
                when 'ended' then end_at
                when 'cancelled' then cancelled_at
                when 'open' then observed_until
            end
        ),
        case when outcome <> 'untimed' then 0 end
    ) as duration_us
from outcomes
