/*
description: >-
  Each stay of an order in a stage as the estimator takes it: from which age on it was there to be
  seen, and at which age it left. In a period of 28 days an order is there from the age that it had at
  their beginning, and is open at the age that it had at their end.
grain: one row per order, stage, period and variant
key: [order_id, stage, period, variant]
columns:
  order_id: The order.
  stage: created_to_paid, paid_to_shipped, shipped_to_delivered or paid_to_delivered.
  period: all, last_28_days or previous_28_days.
  variant: point, low or high, as in int_latency_groups.
  cohort_date: Its date of payment or creation, as text.
  cohort_week: The Monday of its week, as text.
  carrier: Who carries the parcel, or unknown.
  country: Country of the shipping address, or unknown.
  carrier_in_country: Both, as "DHL in DE".
  outcome: ended, cancelled or open.
  is_imputed: Whether it ended at a time that only looks bound.
  entered: >-
    Age in seconds, above a day in whole minutes, after which it was there to be seen; -1 for since
    its beginning.
  gone: >-
    Age in seconds, above a day in whole minutes, by which it had left; null when that is not known.
*/
with stages as (
    select
        order_id,
        stage,
        cast(cohort_date as varchar) as cohort_date,
        cast(cast(date_trunc('week', cohort_date) as date) as varchar) as cohort_week,
        carrier,
        country,
        carrier || ' in ' || country as carrier_in_country,
        outcome,
        is_imputed,
        started_at,
        started_not_before,
        started_not_after,
        entered_after,
        entered_after_low,
        entered_after_high,
        left_after,
        left_after_low,
        left_after_high,
        left_by
    from intermediate.int_order_stages
),

data_as_of as (
    select as_of from intermediate.int_data_as_of where resource = 'orders'
),

periods as (
    select 'all' as period, cast(null as timestamptz) as since, cast(null as timestamptz) as until
    union all
    select
        'last_28_days' as period,
        as_of - interval '672 hours' as since,
        cast(null as timestamptz) as until
    from data_as_of
    union all
    select
        'previous_28_days' as period,
        as_of - interval '1344 hours' as since,
        as_of - interval '672 hours' as until
    from data_as_of
),

uncertain as (
    select distinct stage
    from stages
    where left_after_low < left_after_high or (left_after is null and left_after_low is not null)
),

variants as (
    select
        stages.*,
        'point' as variant,
        started_at as began_at,
        entered_after as entered,
        left_after as gone
    from stages
    union all
    select
        stages.*,
        'low' as variant,
        started_not_after as began_at,
        entered_after_low as entered,
        left_after_low as gone
    from stages
    inner join uncertain on stages.stage = uncertain.stage
    union all
    select
        stages.*,
        'high' as variant,
        started_not_before as began_at,
        entered_after_high as entered,
        left_after_high as gone
    from stages
    inner join uncertain on stages.stage = uncertain.stage
),

aged as (
    select
        variants.*,
        periods.period,
        case
            when variants.began_at < periods.since
                then greatest(
                    variants.entered,
                    cast(
                        floor(date_diff('microsecond', variants.began_at, periods.since) / 1e6)
                        as bigint
                    )
                )
            else variants.entered
        end as entered_in_period,
        cast(
            floor(date_diff('microsecond', variants.began_at, periods.until) / 1e6) as bigint
        ) as period_over_after
    from variants
    cross join periods
    where (periods.since is null or variants.left_by is null or variants.left_by > periods.since)
        and coalesce(variants.began_at < periods.until, true)
),

cut as (
    select
        aged.*,
        coalesce(gone > period_over_after, false) as is_cut,
        case when gone > period_over_after then period_over_after else gone end as gone_in_period
    from aged
)

select
    order_id,
    stage,
    period,
    variant,
    cohort_date,
    cohort_week,
    carrier,
    country,
    carrier_in_country,
    case when is_cut then 'open' else outcome end as outcome,
    is_imputed and not is_cut as is_imputed,
    -- Minutes where a second more is nothing: down for who enters and up for who leaves, so that
    -- everybody is at risk in between.
    cast(
        case
            when entered_in_period > 86400 then entered_in_period // 60 * 60
            else coalesce(entered_in_period, -1)
        end as integer
    ) as entered,
    cast(
        case
            when gone_in_period > 86400 then (gone_in_period + 59) // 60 * 60
            else gone_in_period
        end as integer
    ) as gone
from cut
where gone is null or gone_in_period > entered_in_period
