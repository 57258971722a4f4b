/*
description: >-
  How the share of orders that have ended a stage grows with time (Aalen-Johansen): open orders are
  right-censored at the as-of time, and cancellation is a competing risk. It is the step function
  itself; nothing is smoothed.
grain: one row per stage and time at which an order ended it, was cancelled or was last seen open
key: [stage, hours]
columns:
  stage: created_to_paid, paid_to_shipped, shipped_to_delivered or paid_to_delivered.
  hours: Hours since the stage began.
  at_risk: Orders that were still in the stage just before.
  ended: Orders that ended it at exactly this time.
  cancelled: Orders that were cancelled at exactly this time.
  censored: Orders that were open at the as-of time after exactly so long.
  cumulative_incidence: Share of orders that have ended the stage by then, in 0..1.
  cumulative_cancelled: Share of orders that have been cancelled in the stage by then, in 0..1.
  naive_share: Share by then of the orders that have ended it, as a figure that ignores the others.
*/
with stages as (
    select stage, outcome, duration_us
    from intermediate.int_order_stages
    where outcome <> 'untimed'
),

times as (
    select
        stage,
        duration_us,
        count(*) as leaving,
        count(case when outcome = 'ended' then 1 end) as ended,
        count(case when outcome = 'cancelled' then 1 end) as cancelled
    from stages
    group by stage, duration_us
),

risks as (
    select
        stage,
        duration_us,
        ended,
        cancelled,
        leaving - ended - cancelled as censored,
        sum(leaving) over (
            partition by stage order by duration_us desc
            rows between unbounded preceding and current row
        ) as at_risk
    from times
),

survival as (
    select
        stage,
        duration_us,
        ended,
        cancelled,
        censored,
        at_risk,
        -- Kaplan-Meier of leaving the stage in any way, just before this time. Where everybody
        -- leaves nobody comes after, so that the logarithm of zero is never needed.
        exp(
            coalesce(
                sum(
                    case
                        when ended + cancelled < at_risk
                            then ln(1.0 - (ended + cancelled) / cast(at_risk as double))
                        else 0.0
                    end
                ) over (
                    partition by stage order by duration_us
                    rows between unbounded preceding and 1 preceding
                ),
                0.0
            )
        ) as still_in_it
    from risks
)

select
    stage,
    duration_us / 3600000000.0 as hours,
    cast(at_risk as bigint) as at_risk,
    ended,
    cancelled,
    censored,
    sum(still_in_it * ended / at_risk) over (
        partition by stage order by duration_us rows between unbounded preceding and current row
    ) as cumulative_incidence,
    sum(still_in_it * cancelled / at_risk) over (
        partition by stage order by duration_us rows between unbounded preceding and current row
    ) as cumulative_cancelled,
    sum(ended) over (
        partition by stage order by duration_us rows between unbounded preceding and current row
    ) / nullif(cast(sum(ended) over (partition by stage) as double), 0.0) as naive_share
from survival
