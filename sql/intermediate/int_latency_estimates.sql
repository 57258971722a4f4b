/*
description: >-
  How long a stage takes, for each group of orders: quantiles of its curve with their 95 %
  intervals, widened by what the looks leave open.
grain: one row per group of the variant point
key: [group_id]
columns:
  group_id: The group, by its number in int_latency_groups.
  stage: = intermediate.int_latency_spells
  period: = intermediate.int_latency_groups
  dimension: = intermediate.int_latency_members
  value: = intermediate.int_latency_members
  orders: Orders that were in the stage in the period and were watched in it.
  ended: Of them, those that have ended it.
  cancelled: Of them, those that were cancelled in it.
  open: Of them, those that were still in it when last known, at the as-of time or when deleted.
  untimed: >-
    Orders besides these that left it before anybody watched, or at a time that nothing tells.
  imputed: Of those that have ended it, those whose beginning or end is known only by looks.
  final_share: >-
    Share that has ended it by the end of the curve, in 0..1; the rest is cancelled or open.
    Null when none was watched from the beginning of the stage.
  p50_hours: >-
    Hours by which half of all the orders had ended the stage (Aalen-Johansen with delayed entry,
    open orders censored, cancellation a competing risk). Null when p50_state is not reached,
    when the looks leave open that it is a tenth of what it seems, and when none of the orders was
    watched from the beginning of the stage: those that had left it by then are not among them.
  p50_hours_low: >-
    Lower end of the 95 % interval of p50_hours (log-log, by inversion), widened by what the looks
    leave open; null when none of the orders was watched from the beginning of the stage.
  p50_hours_high: Upper end of the same; null when nothing bounds it yet.
  p50_state: >-
    reached, not yet (the orders that are still open may get there), or never (they cannot, not
    counting those that have been in it twice as long as any that has ended it).
  p90_hours: Hours by which 90 % of all the orders had, as p50_hours.
  p90_hours_low: Lower end of its interval.
  p90_hours_high: Upper end of its interval.
  p90_state: As p50_state.
  p95_hours: >-
    Hours by which 95 % of all the orders had, as p50_hours; null from fewer than 100 orders, of
    which five would have to tell it.
  p95_hours_low: Lower end of its interval.
  p95_hours_high: Upper end of its interval.
  p95_state: As p50_state.
  naive_p50_hours: Median over the orders that have ended the stage, as if there were no others.
*/
with groups as (
    select group_id, stage, variant, period, dimension, value from intermediate.int_latency_groups
),

steps as (
    select group_id, moment, entered, ended, cancelled, gone, imputed, untimed
    from intermediate.int_latency_steps
),

-- A sum of floats may miss its last digit.
curves as (
    select
        group_id,
        seconds,
        incidence + 1e-9 as incidence,
        incidence_low + 1e-9 as incidence_low,
        incidence_high + 1e-9 as incidence_high
    from intermediate.int_latency_curves
),

totals as (
    select
        group_id,
        cast(sum(gone) as bigint) as orders,
        cast(sum(ended) as bigint) as ended,
        cast(sum(cancelled) as bigint) as cancelled,
        cast(sum(imputed) as bigint) as imputed,
        cast(sum(untimed) as bigint) as untimed,
        max(case when ended > 0 then moment end) as last_ended_moment,
        -- Of a group that nobody watched from the start, the beginning of the curve is not known:
        -- who had left by then is not in it, and only a bound from above is left.
        coalesce(bool_or(entered > 0 and moment < 0), false) as is_from_start
    from steps
    group by group_id
),

-- Open orders that may still end it: none has been in it twice as long as any that ended it.
hopeful as (
    select
        totals.group_id,
        sum(steps.gone - steps.ended - steps.cancelled) as orders
    from totals
    inner join steps on totals.group_id = steps.group_id
    where steps.moment <= 2 * totals.last_ended_moment
    group by totals.group_id
),

ended_by as (
    select
        group_id,
        moment,
        sum(ended) over (
            partition by group_id order by moment rows between unbounded preceding and current row
        ) as ended
    from steps
    where ended > 0
),

-- The median is the mean of the two in the middle, which are one and the same of an odd number.
naive as (
    select
        totals.group_id,
        (
            min(case when 2 * ended_by.ended >= totals.ended then ended_by.moment end)
            + min(case when 2 * ended_by.ended >= totals.ended + 1 then ended_by.moment end)
        ) / 4e0 / 3.6e3 as p50_hours
    from ended_by
    inner join totals on ended_by.group_id = totals.group_id
    group by totals.group_id
),

ends as (
    select
        group_id,
        max(incidence) - 1e-9 as final_share
    from curves
    group by group_id
),

shares as (
    select name, share
    from (values ('p50', 0.50e0), ('p90', 0.90e0), ('p95', 0.95e0)) as s (name, share)
),

crossings as (
    select
        curves.group_id,
        shares.name,
        min(case when curves.incidence >= shares.share then curves.seconds end) / 3.6e3 as hours,
        min(case when curves.incidence_high >= shares.share then curves.seconds end) / 3.6e3 as low,
        min(case when curves.incidence_low >= shares.share then curves.seconds end) / 3.6e3 as high
    from curves
    cross join shares
    group by curves.group_id, shares.name
),

variants as (
    select
        point.group_id,
        point.stage,
        point.period,
        point.dimension,
        point.value,
        shortest.group_id as shortest_id,
        longest.group_id as longest_id
    from groups as point
    left join groups as shortest
        on shortest.variant = 'low'
        and point.stage = shortest.stage
        and point.period = shortest.period
        and point.dimension = shortest.dimension
        and point.value = shortest.value
    left join groups as longest
        on longest.variant = 'high'
        and point.stage = longest.stage
        and point.period = longest.period
        and point.dimension = longest.dimension
        and point.value = longest.value
    where point.variant = 'point'
),

quantiles as (
    select
        variants.group_id,
        shares.name,
        case
            when not totals.is_from_start then null
            -- The looks cannot tell it from a tenth of itself.
            when shortest.hours * 10 <= point.hours
                and coalesce(longest.hours > shortest.hours, true) then null
            when shares.name = 'p95' and totals.orders < 100 then null
            else point.hours
        end as hours,
        case when totals.is_from_start then least(shortest.low, point.low) end as low,
        case
            when variants.longest_id is null then point.high
            -- Nothing bounds it where nothing bounds one of them.
            when longest.high is not null and point.high is not null
                then greatest(longest.high, point.high)
        end as high,
        case
            when point.hours is not null then 'reached'
            when totals.last_ended_moment is null then 'not yet'
            when totals.ended + coalesce(hopeful.orders, 0) < shares.share * totals.orders
                then 'never'
            else 'not yet'
        end as state
    from variants
    cross join shares
    inner join totals on variants.group_id = totals.group_id
    left join hopeful on variants.group_id = hopeful.group_id
    left join crossings as point
        on variants.group_id = point.group_id and shares.name = point.name
    left join crossings as shortest
        on variants.shortest_id = shortest.group_id and shares.name = shortest.name
    left join crossings as longest
        on variants.longest_id = longest.group_id and shares.name = longest.name
)

select
    variants.group_id,
    variants.stage,
    variants.period,
    variants.dimension,
    variants.value,
    totals.orders,
    totals.ended,
    totals.cancelled,
    totals.orders - totals.ended - totals.cancelled as open,
    totals.untimed,
    totals.imputed,
    case when totals.is_from_start then ends.final_share end as final_share,
    p50.hours as p50_hours,
    p50.low as p50_hours_low,
    p50.high as p50_hours_high,
    p50.state as p50_state,
    p90.hours as p90_hours,
    p90.low as p90_hours_low,
    p90.high as p90_hours_high,
    p90.state as p90_state,
    p95.hours as p95_hours,
    p95.low as p95_hours_low,
    p95.high as p95_hours_high,
    p95.state as p95_state,
    naive.p50_hours as naive_p50_hours
from variants
inner join totals on variants.group_id = totals.group_id
inner join quantiles as p50 on variants.group_id = p50.group_id and p50.name = 'p50'
inner join quantiles as p90 on variants.group_id = p90.group_id and p90.name = 'p90'
inner join quantiles as p95 on variants.group_id = p95.group_id and p95.name = 'p95'
left join ends on variants.group_id = ends.group_id
left join naive on variants.group_id = naive.group_id
