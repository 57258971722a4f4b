/*
description: >-
  How long a stage takes, for each group of orders: the Aalen-Johansen estimate, in which open
  orders are right-censored at the as-of time and cancellation is a competing risk.
grain: one row per group
key: [group_id]
columns:
  group_id: The group, by its number in int_latency_groups.
  orders: Orders that have begun the stage, as far as it is known when.
  ended: Of them, those that have ended it.
  cancelled: Of them, those that were cancelled in it.
  open: Of them, those that were still in it at the as-of time.
  untimed: Orders besides these that ended it or were cancelled in it at a time that nothing tells.
  p50_hours: Hours by which half of the orders had ended the stage; null when not reached.
  p90_hours: Hours by which 90 % of the orders had; null when not reached.
  p95_hours: Hours by which 95 % of the orders had; null when not reached.
  naive_p50_hours: Median over the orders that have ended the stage, as if there were no others.
*/
with stages as (
    select
        stage,
        cast(cohort_date as varchar) as cohort_date,
        carrier,
        country,
        -- In the order in which those that leave at the same time count: see at_risk.
        cast(
            case outcome when 'open' then 0 when 'cancelled' then 1 when 'ended' then 2 else 3 end
            as tinyint
        ) as outcome,
        duration_us
    from intermediate.int_order_stages
),

latency_groups as (
    select group_id, stage, dimension, value from intermediate.int_latency_groups
),

members as (
    select latency_groups.group_id, stages.outcome, stages.duration_us
    from stages
    inner join latency_groups
        on latency_groups.dimension = 'all' and latency_groups.stage = stages.stage
    union all
    select latency_groups.group_id, stages.outcome, stages.duration_us
    from stages
    inner join latency_groups
        on latency_groups.dimension = 'carrier'
        and latency_groups.stage = stages.stage
        and latency_groups.value = stages.carrier
    union all
    select latency_groups.group_id, stages.outcome, stages.duration_us
    from stages
    inner join latency_groups
        on latency_groups.dimension = 'country'
        and latency_groups.stage = stages.stage
        and latency_groups.value = stages.country
    union all
    select latency_groups.group_id, stages.outcome, stages.duration_us
    from stages
    inner join latency_groups
        on latency_groups.dimension = 'cohort_date'
        and latency_groups.stage = stages.stage
        and latency_groups.value = stages.cohort_date
),

counts as (
    select
        group_id,
        count(case when outcome < 3 then 1 end) as orders,
        count(case when outcome = 2 then 1 end) as ended,
        count(case when outcome = 1 then 1 end) as cancelled,
        count(case when outcome = 0 then 1 end) as open,
        count(case when outcome = 3 then 1 end) as untimed,
        percentile_cont(0.5) within group (order by case when outcome = 2 then duration_us end)
            / 3600000000.0 as naive_p50_hours
    from members
    group by group_id
),

ranked as (
    select
        group_id,
        outcome,
        duration_us,
        -- One order at a time, and those that end or are cancelled before those censored at the
        -- same time: the estimate is the same as with ties taken together.
        row_number() over (partition by group_id order by duration_us desc, outcome) as at_risk
    from members
    where outcome < 3
),

survival as (
    select
        group_id,
        outcome,
        duration_us,
        at_risk,
        -- Logarithm of the share that is still in the stage just before. Where the last one leaves
        -- nobody comes after, so that the logarithm of zero is never needed.
        sum(case when outcome > 0 and at_risk > 1 then ln(1.0 - 1.0 / at_risk) else 0.0 end) over (
            partition by group_id order by at_risk desc
            rows between unbounded preceding and 1 preceding
        ) as log_still_in_it
    from ranked
),

incidence as (
    select
        group_id,
        duration_us,
        sum(case when outcome = 2 then exp(coalesce(log_still_in_it, 0.0)) / at_risk end) over (
            partition by group_id order by at_risk desc
            rows between unbounded preceding and current row
        ) as share_ended
    from survival
),

quantiles as (
    select
        group_id,
        -- A sum of floats may miss its last digit.
        min(case when share_ended >= 0.50 - 1e-9 then duration_us end) / 3600000000.0 as p50_hours,
        min(case when share_ended >= 0.90 - 1e-9 then duration_us end) / 3600000000.0 as p90_hours,
        min(case when share_ended >= 0.95 - 1e-9 then duration_us end) / 3600000000.0 as p95_hours
    from incidence
    group by group_id
)

select
    counts.group_id,
    counts.orders,
    counts.ended,
    counts.cancelled,
    counts.open,
    counts.untimed,
    quantiles.p50_hours,
    quantiles.p90_hours,
    quantiles.p95_hours,
    counts.naive_p50_hours
from counts
left join quantiles on counts.group_id = quantiles.group_id
