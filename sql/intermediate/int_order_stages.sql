/*
description: >-
  Each stage that an order has begun, how it went by the as-of time, and between which ages somebody
  was watching. Nothing after the as-of time counts, or the orders that a partial load happened to
  read would look faster than the others; and what was over before anybody watched does not count
  either, or the slow ones, which are still here to be seen, would stand alone.
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
  outcome: ended, cancelled (which makes an end impossible) or open (still in it when last known).
  is_imputed: Whether it ended, and the beginning or the end is known only to lie between two looks.
  started_at: When it began; the middle where only bounds are known.
  started_not_before: It did not begin before this.
  started_not_after: It had begun by then.
  entered_after: >-
    Age in seconds from which it was watched, so that an end is known; -1 since its beginning.
  entered_after_low: The same age if the stage was as short as the looks leave possible.
  entered_after_high: The same age if it was as long.
  left_after: >-
    Whole seconds from the beginning to the outcome; the middle where only bounds are known, null
    when it was over before anybody watched, or at a time that nothing tells.
  left_after_low: The fewest seconds that the looks leave possible; null likewise.
  left_after_high: The most.
  left_by: It had ended or was cancelled by then; null while open.
*/
with times as (
    select
        order_id,
        created_at,
        created_date,
        paid_at,
        paid_at_source,
        paid_not_before,
        paid_not_after,
        paid_date,
        shipped_at,
        shipped_at_source,
        shipped_not_before,
        shipped_not_after,
        delivered_at,
        delivered_at_source,
        delivered_not_before,
        delivered_not_after,
        cancelled_at,
        cancelled_at_source,
        cancelled_not_before,
        cancelled_not_after,
        watched_from,
        observed_until
    from intermediate.int_order_times
),

parcels as (
    select order_id, carrier, country from intermediate.int_order_parcels
),

horizons as (
    select
        max(case when event_type = 'order.paid' then logged_from end) as paid_from,
        max(case when event_type = 'order.shipped' then logged_from end) as shipped_from,
        max(case when event_type = 'order.delivered' then logged_from end) as delivered_from,
        max(case when event_type = 'order.cancelled' then logged_from end) as cancelled_from
    from intermediate.int_webhook_horizons
    where span = 1
),

unknown as (
    select
        count(case when paid_at_source = 'unknown' then 1 end) as paid,
        count(case when shipped_at_source = 'unknown' then 1 end) as shipped,
        count(case when delivered_at_source = 'unknown' then 1 end) as delivered,
        count(case when cancelled_at_source = 'unknown' then 1 end) as cancelled,
        count(paid_at_source) as all_paid,
        count(shipped_at_source) as all_shipped,
        count(delivered_at_source) as all_delivered,
        count(cancelled_at_source) as all_cancelled
    from times
),

-- Where at most a hundredth of a step's times is unknown, or so few that chance moves a share by five
-- times as much, it is told from the first order on.
missed as (
    select
        paid * 100 > all_paid and paid * paid * 25 > all_paid as paid,
        shipped * 100 > all_shipped and shipped * shipped * 25 > all_shipped as shipped,
        delivered * 100 > all_delivered and delivered * delivered * 25 > all_delivered as delivered,
        cancelled * 100 > all_cancelled and cancelled * cancelled * 25 > all_cancelled as cancelled
    from unknown
),

orders as (
    select
        times.*,
        coalesce(parcels.carrier, 'unknown') as carrier,
        coalesce(parcels.country, 'unknown') as country,
        -- Since when the step's time is known, by its event or by two looks; null: always.
        case when missed.paid then least(horizons.paid_from, times.watched_from) end as paid_from,
        case when missed.shipped then least(horizons.shipped_from, times.watched_from) end
            as shipped_from,
        case when missed.delivered then least(horizons.delivered_from, times.watched_from) end
            as delivered_from,
        case when missed.cancelled then least(horizons.cancelled_from, times.watched_from) end
            as cancelled_from
    from times
    inner join parcels on times.order_id = parcels.order_id
    cross join horizons
    cross join missed
),

stages as (
    select
        order_id,
        'created_to_paid' as stage,
        created_date as cohort_date,
        carrier,
        country,
        created_at as started_at,
        created_at as started_not_before,
        created_at as started_not_after,
        paid_at as end_at,
        paid_not_before as end_not_before,
        paid_not_after as end_not_after,
        paid_at_source is not null as is_ended,
        greatest(paid_from, cancelled_from) as watched_from,
        cancelled_at,
        cancelled_not_before,
        cancelled_not_after,
        cancelled_at_source is not null as is_cancelled,
        observed_until
    from orders
    union all
    select
        order_id,
        'paid_to_shipped' as stage,
        paid_date as cohort_date,
        carrier,
        country,
        paid_at as started_at,
        paid_not_before as started_not_before,
        paid_not_after as started_not_after,
        shipped_at as end_at,
        shipped_not_before as end_not_before,
        shipped_not_after as end_not_after,
        shipped_at_source is not null as is_ended,
        greatest(shipped_from, cancelled_from) as watched_from,
        cancelled_at,
        cancelled_not_before,
        cancelled_not_after,
        cancelled_at_source is not null as is_cancelled,
        observed_until
    from orders
    union all
    select
        order_id,
        'shipped_to_delivered' as stage,
        coalesce(paid_date, created_date) as cohort_date,
        carrier,
        country,
        shipped_at as started_at,
        shipped_not_before as started_not_before,
        shipped_not_after as started_not_after,
        delivered_at as end_at,
        delivered_not_before as end_not_before,
        delivered_not_after as end_not_after,
        delivered_at_source is not null as is_ended,
        greatest(delivered_from, cancelled_from) as watched_from,
        cancelled_at,
        cancelled_not_before,
        cancelled_not_after,
        cancelled_at_source is not null as is_cancelled,
        observed_until
    from orders
    union all
    select
        order_id,
        'paid_to_delivered' as stage,
        paid_date as cohort_date,
        carrier,
        country,
        paid_at as started_at,
        paid_not_before as started_not_before,
        paid_not_after as started_not_after,
        delivered_at as end_at,
        delivered_not_before as end_not_before,
        delivered_not_after as end_not_after,
        delivered_at_source is not null as is_ended,
        greatest(delivered_from, cancelled_from) as watched_from,
        cancelled_at,
        cancelled_not_before,
        cancelled_not_after,
        cancelled_at_source is not null as is_cancelled,
        observed_until
    from orders
),

outcomes as (
    select
        stages.*,
        case
            when end_at <= coalesce(cancelled_at, end_at) and end_at <= observed_until
                then 'ended'
            -- It got that far, so that a later cancellation is not one of this stage.
            when is_ended and end_at is null then 'ended'
            when cancelled_at <= observed_until and (end_at is null or cancelled_at < end_at)
                then 'cancelled'
            when is_cancelled and cancelled_at is null then 'cancelled'
            else 'open'
        end as outcome
    from stages
    where started_at <= observed_until and cohort_date is not null
),

exits as (
    select
        order_id,
        stage,
        cohort_date,
        carrier,
        country,
        started_at,
        started_not_before,
        started_not_after,
        watched_from,
        outcome,
        case outcome when 'ended' then end_at when 'cancelled' then cancelled_at else observed_until end
            as left_at,
        case
            outcome when 'ended' then end_not_before
            when 'cancelled' then cancelled_not_before
            else observed_until
        end as left_not_before,
        least(
            case
                outcome when 'ended' then end_not_after
                when 'cancelled' then cancelled_not_after
            end,
            observed_until
        ) as left_not_after
    from outcomes
),

ages as (
    select
        exits.*,
        -- Both bounds, or none: what was over before anybody watched never enters.
        (left_at is not null or watched_from is not null)
        and (
            watched_from is null
            or coalesce(left_not_before >= watched_from and left_not_after > watched_from, false)
        ) as is_watched,
        date_diff('microsecond', started_not_before, watched_from) / 1e6 as watched_after_high,
        date_diff('microsecond', started_at, watched_from) / 1e6 as watched_after,
        date_diff('microsecond', started_not_after, watched_from) / 1e6 as watched_after_low,
        date_diff('microsecond', started_not_after, left_not_before) / 1e6 as low,
        date_diff('microsecond', started_at, left_at) / 1e6 as point,
        date_diff('microsecond', started_not_before, left_not_after) / 1e6 as high
    from exits
),

seconds as (
    select
        ages.*,
        cast(case when watched_after_low > 0 then floor(watched_after_low) else -1 end as bigint)
            as entered_after_low,
        cast(case when watched_after > 0 then floor(watched_after) else -1 end as bigint)
            as entered_after,
        cast(case when watched_after_high > 0 then floor(watched_after_high) else -1 end as bigint)
            as entered_after_high
    from ages
)

select
    order_id,
    stage,
    cohort_date,
    carrier,
    country,
    outcome,
    coalesce(outcome = 'ended' and is_watched and low < high and left_at is not null, false)
        as is_imputed,
    started_at,
    started_not_before,
    started_not_after,
    entered_after,
    entered_after_low,
    entered_after_high,
    -- Two clocks may put an end before its beginning; that is no time at all, not less than none.
    case
        when is_watched and left_at is not null
            then greatest(
                cast(
                    floor(
                        case
                            when outcome <> 'open' and low < high then (greatest(low, 0) + high) / 2
                            else point
                        end
                    ) as bigint
                ),
                entered_after + 1
            )
    end as left_after,
    case when is_watched then greatest(cast(floor(low) as bigint), entered_after_low + 1) end
        as left_after_low,
    case when is_watched then greatest(cast(floor(high) as bigint), entered_after_high + 1) end
        as left_after_high,
    case when outcome <> 'open' then left_not_after end as left_by
from seconds
