/*
description: >-
  Every order that is neither delivered nor cancelled: where it is, since when, until when it should
  be on, and whether it is late. Late is later than promised, if delivery_promise_days is set; else
  later than nine of ten were that went through the stage before, so that parcels that pile up now
  do not move what they are measured by.
grain: one row per open order
key: [order_id]
not_null: [order_id, stage]
accepted:
  stage: [created_to_paid, paid_to_shipped, shipped_to_delivered]
  overdue_by: [promise, country, all countries]
references:
  order_id: analytics.fct_orders
columns:
  order_id: The order.
  stage: What it is waiting for, created_to_paid, paid_to_shipped or shipped_to_delivered.
  entered_at: >-
    Since when; of a time between two looks, the middle. Null when nothing tells, because it was so
    at the first look.
  age_hours: Hours in the stage at the as-of time; where entered_at is null, at least so many.
  expected_at: >-
    When it should leave the stage: half of those that took longer than it has by now had left it by
    then. Null where fewer than five of the reference did.
  overdue_at: >-
    When it is late: paid_at and the promised days, for orders that are paid; else the time by which
    nine of ten of the reference had left the stage. Null without either.
  is_overdue: Whether that has passed at the as-of time; null without overdue_at.
  overdue_by: >-
    What it is measured by, promise, country (the reference is of its country, at least 50 orders) or
    all countries. See int_stage_references.
  country: Country of the shipping address; null where the order has none.
  carrier: Who carries the parcel; null until it is shipped.
*/
with orders as (
    select
        order_id,
        country,
        carrier,
        observed_until,
        case milestone
            when 'created' then 'created_to_paid'
            when 'paid' then 'paid_to_shipped'
            when 'shipped' then 'shipped_to_delivered'
        end as stage,
        case milestone when 'created' then created_at when 'paid' then paid_at else shipped_at end
            as entered_at,
        case milestone
            when 'created' then created_at
            when 'paid' then coalesce(paid_at, paid_not_after)
            when 'shipped' then coalesce(shipped_at, shipped_not_after)
        end as entered_by,
        coalesce(paid_at, paid_not_after) as paid_by
    from analytics.fct_orders
    where is_open
),

settings as (
    select delivery_promise_days from staging.build_settings
),

durations as (
    select stage, reference, hours, ended, ended_by, orders from intermediate.int_stage_references
),

nine_of_ten as (
    select stage, reference, min(hours) as hours
    from durations
    where ended_by * 10 >= orders * 9 and orders >= 50
    group by stage, reference
),

measured as (
    select
        orders.*,
        -- Two clocks may put the beginning after the look.
        date_diff(
            'microsecond', least(orders.entered_by, orders.observed_until), orders.observed_until
        ) / 3.6e9 as age_hours,
        coalesce(by_country.reference, over_all.reference) as reference,
        case
            when settings.delivery_promise_days > 0 and orders.paid_by is not null
                then orders.paid_by + settings.delivery_promise_days * interval '24 hours'
            else orders.entered_by + coalesce(by_country.hours, over_all.hours) * interval '1 hour'
        end as overdue_at,
        case
            when settings.delivery_promise_days > 0 and orders.paid_by is not null then 'promise'
            when by_country.reference is not null then 'country'
            when over_all.reference is not null then 'all countries'
        end as overdue_by
    from orders
    cross join settings
    left join nine_of_ten as by_country
        on orders.stage = by_country.stage
        and coalesce(orders.country, 'unknown') = by_country.reference
    left join nine_of_ten as over_all
        on orders.stage = over_all.stage and over_all.reference = 'all countries'
),

ages as (
    select distinct stage, reference, cast(floor(age_hours) as integer) as hours_old
    from measured
),

slower as (
    select ages.stage, ages.reference, ages.hours_old, durations.orders, sum(durations.ended) as ended
    from ages
    inner join durations
        on ages.stage = durations.stage
        and ages.reference = durations.reference
        and ages.hours_old < durations.hours
    group by ages.stage, ages.reference, ages.hours_old, durations.orders
),

expected as (
    select slower.stage, slower.reference, slower.hours_old, min(durations.hours) as hours
    from slower
    inner join durations
        on slower.stage = durations.stage
        and slower.reference = durations.reference
        and durations.ended_by * 2 >= 2 * slower.orders - slower.ended
    where slower.ended >= 5
    group by slower.stage, slower.reference, slower.hours_old
)

select
    measured.order_id,
    measured.stage,
    measured.entered_at,
    measured.age_hours,
    measured.entered_by + expected.hours * interval '1 hour' as expected_at,
    measured.overdue_at,
    measured.overdue_at <= measured.observed_until as is_overdue,
    measured.overdue_by,
    measured.country,
    measured.carrier
from measured
left join expected
    on measured.stage = expected.stage
    and measured.reference = expected.reference
    and cast(floor(measured.age_hours) as integer) = expected.hours_old
