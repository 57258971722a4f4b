/*
description: >-
  How the share of orders that have ended a stage grows with time (Aalen-Johansen with delayed
  entry): open orders are right-censored at the as-of time, and cancellation is a competing risk. It
  is the step function itself at up to 2,000 of its times; nothing is smoothed.
grain: one row per stage, period and time
key: [stage, period, hours]
accepted:
  stage: [created_to_paid, paid_to_shipped, shipped_to_delivered, paid_to_delivered]
  period: [all, last_28_days, previous_28_days]
columns:
  stage: created_to_paid, paid_to_shipped, shipped_to_delivered or paid_to_delivered.
  period: all, last_28_days or previous_28_days, as in delivery_latency_summary.
  hours: Hours since the stage began, in whole seconds and above a day in whole minutes.
  at_risk: Orders that were still in the stage, and watched, just before.
  ended: Orders that ended it at this time, or since the row before.
  cancelled: Orders that were cancelled at this time, or since the row before.
  censored: Orders that were last seen open at this time, or since the row before.
  cumulative_incidence: Share of orders that have ended the stage by then, in 0..1.
  cumulative_incidence_low: Lower end of its 95 % interval (log-log); null where the share is 1.
  cumulative_incidence_high: Upper end of its 95 % interval.
  cumulative_cancelled: Share of orders that have been cancelled in the stage by then, in 0..1.
  naive_share: Share by then of the orders that have ended it, as a figure that ignores the others.
*/
with curves as (
    select group_id, seconds, at_risk, incidence, incidence_low, incidence_high, still_in_it
    from intermediate.int_latency_curves
),

groups as (
    select group_id, stage, period from intermediate.int_latency_groups
    where dimension = 'all' and variant = 'point'
),

steps as (
    select group_id, moment, ended, cancelled, gone from intermediate.int_latency_steps
    where gone > 0
),

gone_by as (
    select
        steps.group_id,
        steps.moment,
        sum(steps.ended) over (
            partition by steps.group_id order by steps.moment
            rows between unbounded preceding and current row
        ) as ended,
        sum(steps.cancelled) over (
            partition by steps.group_id order by steps.moment
            rows between unbounded preceding and current row
        ) as cancelled,
        sum(steps.gone) over (
            partition by steps.group_id order by steps.moment
            rows between unbounded preceding and current row
        ) as gone
    from steps
    inner join groups on steps.group_id = groups.group_id
),

told as (
    select
        groups.stage,
        groups.period,
        curves.seconds,
        curves.at_risk,
        gone_by.ended,
        gone_by.cancelled,
        gone_by.gone - gone_by.ended - gone_by.cancelled as censored,
        curves.incidence,
        curves.incidence_low,
        curves.incidence_high,
        curves.still_in_it
    from groups
    inner join curves on groups.group_id = curves.group_id
    inner join gone_by
        on curves.group_id = gone_by.group_id and 2 * curves.seconds = gone_by.moment
),

befores as (
    select
        told.*,
        lag(ended, 1, 0) over (partition by stage, period order by seconds) as ended_before,
        lag(cancelled, 1, 0) over (partition by stage, period order by seconds) as cancelled_before,
        lag(censored, 1, 0) over (partition by stage, period order by seconds) as censored_before,
        max(ended) over (partition by stage, period) as ended_at_last
    from told
)

select
    stage,
    period,
    seconds / 3.6e3 as hours,
    at_risk,
    cast(ended - ended_before as bigint) as ended,
    cast(cancelled - cancelled_before as bigint) as cancelled,
    cast(censored - censored_before as bigint) as censored,
    incidence as cumulative_incidence,
    incidence_low as cumulative_incidence_low,
    incidence_high as cumulative_incidence_high,
    1 - incidence - still_in_it as cumulative_cancelled,
    ended / nullif(cast(ended_at_last as double), 0e0) as naive_share
from befores
