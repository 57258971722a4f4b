/*
description: >-
  Which share of the orders paid in a week was delivered within so many days, over all and by
  country and carrier. Of a promise, not of a mean: orders that were cancelled count as not
  delivered. A week has shares once its last order is old enough for them; whoever was under way
  before anybody watched is in no share, for or against.
grain: one row per week of payment, dimension, value and number of days
key: [week_start, dimension, value, days]
not_null: [orders, delivered, cancelled, unwatched, is_mature]
accepted:
  dimension: [all, country, carrier in country]
columns:
  week_start: Monday of the week of payment in the report time zone.
  dimension: all, country or carrier in country.
  value: >-
    all, the country, or both as "DHL in DE"; unknown where the order has none. An order without a
    parcel has no carrier: those that were never shipped stand under unknown, and are missing from
    the carriers.
  days: The promise, 3, 5, 7, 10 or 14 times 24 hours from payment.
  orders: Orders of the week that were watched from their payment on.
  delivered: Of them, those delivered within the days; of a time between two looks, the middle.
  cancelled: Of them, those cancelled within the days and before any delivery.
  unwatched: Orders besides these that were under way before anybody watched.
  share_delivered: >-
    delivered / orders, in 0..1; null until is_mature, and where the looks leave open of more than a
    tenth of the orders whether they were in time.
  share_low: >-
    Lower end of the 95 % Wilson interval of those that were in time for certain; null until
    is_mature.
  share_high: Upper end of the same of those that may have been.
  is_mature: Whether the whole week was so many days ago at the as-of time.
*/
with stages as (
    select
        cast(date_trunc('week', cohort_date) as date) as week_start,
        carrier,
        country,
        outcome,
        entered_after,
        left_after,
        left_after_low,
        left_after_high
    from intermediate.int_order_stages
    where stage = 'paid_to_delivered'
),

settings as (
    select report_time_zone from staging.build_settings
),

data_as_of as (
    select as_of from intermediate.int_data_as_of where resource = 'orders'
),

promises as (
    select days, days * 86400 as seconds
    from (values (3), (5), (7), (10), (14)) as p (days)
),

routes as (
    select
        stages.week_start,
        stages.carrier,
        stages.country,
        promises.days,
        count(case when entered_after < 0 then 1 end) as orders,
        count(case when entered_after >= 0 then 1 end) as unwatched,
        count(case when entered_after < 0 and outcome = 'ended' and left_after <= seconds then 1 end)
            as delivered,
        count(
            case when entered_after < 0 and outcome = 'cancelled' and left_after <= seconds then 1 end
        ) as cancelled,
        count(
            case when entered_after < 0 and outcome = 'ended' and left_after_high <= seconds then 1 end
        ) as in_time,
        -- Open: last seen before the days were over, as one that was deleted.
        count(
            case
                when entered_after < 0 and outcome = 'ended'
                    and coalesce(left_after_low, 0) <= seconds
                    then 1
                when entered_after < 0 and outcome = 'open' and coalesce(left_after_low, 0) < seconds
                    then 1
            end
        ) as perhaps_in_time
    from stages
    cross join promises
    group by stages.week_start, stages.carrier, stages.country, promises.days
),

members as (
    select routes.*, 'all' as dimension, 'all' as value from routes
    union all
    select routes.*, 'country' as dimension, country as value from routes
    union all
    select routes.*, 'carrier in country' as dimension, carrier || ' in ' || country as value
    from routes
),

sums as (
    select
        week_start,
        dimension,
        value,
        days,
        cast(sum(orders) as bigint) as orders,
        cast(sum(unwatched) as bigint) as unwatched,
        cast(sum(delivered) as bigint) as delivered,
        cast(sum(cancelled) as bigint) as cancelled,
        cast(sum(in_time) as bigint) as in_time,
        cast(sum(perhaps_in_time) as bigint) as perhaps_in_time
    from members
    group by week_start, dimension, value, days
),

weeks as (
    select
        sums.*,
        coalesce(
            cast(sums.week_start + 7 as timestamp) at time zone settings.report_time_zone
            + sums.days * interval '24 hours' <= data_as_of.as_of,
            false
        ) as is_mature
    from sums
    cross join settings
    cross join data_as_of
),

shares as (
    select
        weeks.*,
        case when is_mature and orders > 0 then cast(orders as double) end as n
    from weeks
)

select
    week_start,
    dimension,
    value,
    days,
    orders,
    delivered,
    cancelled,
    unwatched,
    case when (perhaps_in_time - in_time) * 10 <= orders then delivered / n end as share_delivered,
    wilson_low(in_time, n) as share_low,
    wilson_high(perhaps_in_time, n) as share_high,
    is_mature
from shares
