/*
description: >-
  How the share that has ended a stage grows with time, for each group: the Aalen-Johansen estimate
  with its 95 % band. Open orders are right-censored at the as-of time, cancellation is a competing
  risk, and orders that nobody watched from their beginning enter late (delayed entry).
grain: one row per group and time at which its curve is told
key: [group_id, seconds]
columns:
  group_id: The group, by its number in int_latency_groups.
  seconds: >-
    Whole seconds since the stage began. Of the groups `all` up to 2,000 times are told; of every
    group those at which the curve or its band first reaches 0.5, 0.9 and 0.95.
  at_risk: Orders that were still in the stage, and there to be seen, just before.
  incidence: Share that has ended it by then, in 0..1.
  incidence_low: Lower end of the 95 % interval of incidence (log-log); null where it is 1.
  incidence_high: Upper end of the same.
  still_in_it: Share that is still in it after that; the rest has been cancelled.
*/
with steps as (
    select group_id, moment, entered, ended, ended + cancelled as events, gone
    from intermediate.int_latency_steps
),

pictured as (
    select group_id from intermediate.int_latency_groups
    where dimension = 'all' and variant = 'point'
),

last_entries as (
    select group_id, max(moment) as moment
    from steps
    where entered > 0
    group by group_id
),

risks as (
    select
        group_id,
        moment,
        ended,
        events,
        gone,
        sum(cast(entered - gone as double)) over (
            partition by group_id order by moment rows between unbounded preceding and 1 preceding
        ) as at_risk
    from steps
),

-- An early event that leaves nobody at risk says nothing about those who enter later.
hazards as (
    select
        risks.group_id,
        risks.moment,
        risks.at_risk,
        case when risks.events < risks.at_risk or risks.moment > last_entries.moment then ended else 0 end
            as ended,
        case when risks.events < risks.at_risk or risks.moment > last_entries.moment then events else 0 end
            as events
    from risks
    inner join last_entries on risks.group_id = last_entries.group_id
    where risks.gone > 0
),

-- Where everybody leaves nobody comes after, so that the logarithm of zero is never needed.
survival as (
    select
        group_id,
        moment,
        at_risk,
        ended,
        events,
        case when events > 0 and events < at_risk then events / (at_risk * (at_risk - events)) else 0e0 end
            as leaving_variance,
        sum(case when events > 0 and events < at_risk then ln(1e0 - events / at_risk) else 0e0 end) over (
            partition by group_id order by moment rows between unbounded preceding and 1 preceding
        ) as log_still_in_it,
        sum(
            case when events > 0 and events < at_risk then events / (at_risk * (at_risk - events)) else 0e0 end
        ) over (
            partition by group_id order by moment rows between unbounded preceding and current row
        ) as leaving_variances
    from hazards
),

shares as (
    select
        group_id,
        moment,
        at_risk,
        ended,
        events,
        leaving_variance,
        leaving_variances,
        -- Share that is still in the stage just before.
        exp(coalesce(log_still_in_it, 0e0)) as still_in_it
    from survival
),

incidences as (
    select
        group_id,
        moment,
        at_risk,
        ended,
        leaving_variance,
        leaving_variances,
        still_in_it * (1 - events / at_risk) as still_in_it,
        still_in_it * still_in_it * ended * (at_risk - ended) / (at_risk * at_risk * at_risk)
            as ended_variance,
        still_in_it * ended / (at_risk * at_risk) as covariance,
        sum(still_in_it * ended / at_risk) over (
            partition by group_id order by moment rows between unbounded preceding and current row
        ) as incidence
    from shares
),

-- The delta method: the sum over all times s of (F(t) - F(s))² a(s) + b(s) - 2 (F(t) - F(s)) c(s),
-- multiplied out, so that two running sums are enough.
variances as (
    select
        group_id,
        moment,
        at_risk,
        still_in_it,
        incidence,
        incidence * incidence * leaving_variances
        - 2 * incidence
        * sum(incidence * leaving_variance + covariance) over (
            partition by group_id order by moment rows between unbounded preceding and current row
        )
        + sum(incidence * incidence * leaving_variance + ended_variance + 2 * incidence * covariance)
            over (
                partition by group_id order by moment rows between unbounded preceding and current row
            ) as variance
    from incidences
),

spreads as (
    select
        group_id,
        cast(moment / 2e0 as bigint) as seconds,
        at_risk,
        still_in_it,
        incidence,
        case
            when incidence > 0 and incidence < 1 - 1e-9
                then exp(1.959963984540054e0 * sqrt(greatest(variance, 0)) / (-ln(incidence) * incidence))
        end as spread
    from variances
),

bands as (
    select
        group_id,
        seconds,
        at_risk,
        still_in_it,
        incidence,
        case when incidence > 0 then power(incidence, spread) else 0e0 end as incidence_low,
        case
            when incidence >= 1 - 1e-9 then 1e0
            when incidence > 0 then power(incidence, 1 / spread)
            else 0e0
        end as incidence_high
    from spreads
),

-- A sum of floats may miss its last digit.
crossings as (
    select
        group_id,
        min(case when incidence >= 0.50 - 1e-9 then seconds end) as p50,
        min(case when incidence >= 0.90 - 1e-9 then seconds end) as p90,
        min(case when incidence >= 0.95 - 1e-9 then seconds end) as p95,
        min(case when incidence_high >= 0.50 - 1e-9 then seconds end) as p50_low,
        min(case when incidence_high >= 0.90 - 1e-9 then seconds end) as p90_low,
        min(case when incidence_high >= 0.95 - 1e-9 then seconds end) as p95_low,
        min(case when incidence_low >= 0.50 - 1e-9 then seconds end) as p50_high,
        min(case when incidence_low >= 0.90 - 1e-9 then seconds end) as p90_high,
        min(case when incidence_low >= 0.95 - 1e-9 then seconds end) as p95_high,
        max(seconds) as last_seconds
    from bands
    group by group_id
),

numbered as (
    select
        bands.group_id,
        bands.seconds,
        row_number() over (partition by bands.group_id order by bands.seconds) as number,
        count(*) over (partition by bands.group_id) as numbers
    from bands
    inner join pictured on bands.group_id = pictured.group_id
)

select
    bands.group_id,
    bands.seconds,
    cast(bands.at_risk as bigint) as at_risk,
    bands.incidence,
    bands.incidence_low,
    bands.incidence_high,
    bands.still_in_it
from bands
inner join crossings on bands.group_id = crossings.group_id
left join numbered on bands.group_id = numbered.group_id and bands.seconds = numbered.seconds
where floor(2e3 * numbered.number / numbered.numbers)
    > floor(2e3 * (numbered.number - 1) / numbered.numbers)
    or bands.seconds in (
        crossings.p50,
        crossings.p90,
        crossings.p95,
        crossings.p50_low,
        crossings.p90_low,
        crossings.p95_low,
        crossings.p50_high,
        crossings.p90_high,
        crossings.p95_high,
        crossings.last_seconds
    )
