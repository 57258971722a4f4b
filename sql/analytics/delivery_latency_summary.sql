/*
description: >-
  How long each stage takes, over all orders and by carrier and country, for all time and for the
  last 28 days. Open orders are right-censored at the as-of time and cancellation is a competing risk
  (Aalen-Johansen), so that parcels that pile up make the figures of the last 28 days worse at once:
  these are of what was seen then, each order from the age that it had. The naive figure stands
  beside it.
grain: one row per stage, period, dimension and value
key: [stage, period, dimension, value]
accepted:
  stage: [created_to_paid, paid_to_shipped, shipped_to_delivered, paid_to_delivered]
  period: [all, last_28_days]
  dimension: [all, carrier, country, carrier in country]
  p50_state: [reached, not yet, never]
  p90_state: [reached, not yet, never]
  p95_state: [reached, not yet, never]
columns:
  stage: created_to_paid, paid_to_shipped, shipped_to_delivered or paid_to_delivered.
  period: all, or last_28_days (the 28 days before the as-of time, of whichever orders).
  dimension: all, carrier, country or carrier in country.
  value: all, the carrier, the country, or both as "DHL in DE"; unknown where the order has none.
  orders: Orders that were in the stage in the period and were watched in it.
  ended: Of them, those that have ended it.
  cancelled: Of them, those that were cancelled in it.
  open: Of them, those that were still in it when last known, at the as-of time or when deleted.
  untimed: >-
    Orders besides these that left it before anybody watched, or at a time that nothing tells.
  imputed: Of those that have ended it, those whose beginning or end is known only by looks.
  final_share: Share that has ended it by the end of the curve, in 0..1; the rest is cancelled or open.
  p50_hours: >-
    Hours by which half of all the orders had ended the stage (Aalen-Johansen with delayed entry,
    open orders censored, cancellation a competing risk). Null when p50_state is not reached, and
    when the looks leave open that it is a tenth of what it seems.
  p50_hours_low: >-
    Lower end of the 95 % interval of p50_hours (log-log, by inversion), widened by what the looks
    leave open.
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
  is_comparable: >-
    Whether every order of the stage and period has such a value. A carrier is known once a parcel
    is shipped, a country perhaps once it is paid for: in a stage that begins before, the slow orders
    are missing from each value and stand under unknown.
  standardised_p50_hours: >-
    Of a carrier, the mean of its medians by country, each country weighted by its share of all
    orders of the stage: where it delivers does not count. Null where a median is missing.
  benchmark_p50_hours: >-
    The same mean of the countries' medians over all carriers, to compare it with.
*/
with latency_groups as (
    select group_id, stage, period, dimension, value from intermediate.int_latency_groups
    where variant = 'point'
),

estimates as (
    select
        group_id,
        orders,
        ended,
        cancelled,
        open,
        untimed,
        imputed,
        final_share,
        p50_hours,
        p50_hours_low,
        p50_hours_high,
        p50_state,
        p90_hours,
        p90_hours_low,
        p90_hours_high,
        p90_state,
        p95_hours,
        p95_hours_low,
        p95_hours_high,
        p95_state,
        naive_p50_hours
    from intermediate.int_latency_estimates
),

rows_of as (
    select
        latency_groups.stage,
        latency_groups.period,
        latency_groups.dimension,
        latency_groups.value,
        estimates.orders,
        estimates.untimed,
        estimates.p50_hours
    from latency_groups
    inner join estimates on latency_groups.group_id = estimates.group_id
),

incomplete as (
    select distinct stage, period, dimension
    from rows_of
    where (value = 'unknown' or value like 'unknown in %' or value like '% in unknown')
        and orders + untimed > 0
),

carriers as (
    select stage, period, value as carrier from rows_of where dimension = 'carrier'
),

countries as (
    select stage, period, value as country, orders, p50_hours from rows_of where dimension = 'country'
),

routes as (
    select stage, period, value, orders, p50_hours
    from rows_of
    where dimension = 'carrier in country' and orders > 0
),

standardised as (
    select
        carriers.stage,
        carriers.period,
        carriers.carrier,
        case
            when count(*) = count(routes.p50_hours)
                then sum(routes.p50_hours * countries.orders) / sum(countries.orders)
        end as p50_hours,
        case
            when count(*) = count(countries.p50_hours)
                then sum(countries.p50_hours * countries.orders) / sum(countries.orders)
        end as benchmark_p50_hours
    from carriers
    inner join countries on carriers.stage = countries.stage and carriers.period = countries.period
    inner join routes
        on carriers.stage = routes.stage
        and carriers.period = routes.period
        and routes.value = carriers.carrier || ' in ' || countries.country
    group by carriers.stage, carriers.period, carriers.carrier
)

select
    latency_groups.stage,
    latency_groups.period,
    latency_groups.dimension,
    latency_groups.value,
    estimates.orders,
    estimates.ended,
    estimates.cancelled,
    estimates.open,
    estimates.untimed,
    estimates.imputed,
    estimates.final_share,
    estimates.p50_hours,
    estimates.p50_hours_low,
    estimates.p50_hours_high,
    estimates.p50_state,
    estimates.p90_hours,
    estimates.p90_hours_low,
    estimates.p90_hours_high,
    estimates.p90_state,
    estimates.p95_hours,
    estimates.p95_hours_low,
    estimates.p95_hours_high,
    estimates.p95_state,
    estimates.naive_p50_hours,
    incomplete.stage is null as is_comparable,
    standardised.p50_hours as standardised_p50_hours,
    standardised.benchmark_p50_hours
from latency_groups
inner join estimates on latency_groups.group_id = estimates.group_id
left join incomplete
    on latency_groups.stage = incomplete.stage
    and latency_groups.period = incomplete.period
    and latency_groups.dimension = incomplete.dimension
left join standardised
    on latency_groups.dimension = 'carrier'
    and latency_groups.stage = standardised.stage
    and latency_groups.period = standardised.period
    and latency_groups.value = standardised.carrier
where latency_groups.dimension in ('all', 'carrier', 'country', 'carrier in country')
