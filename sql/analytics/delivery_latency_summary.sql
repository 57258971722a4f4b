/*
description: >-
  How long each stage takes, over all orders and by carrier and country, for all time, for the last
  28 days and for the 28 days before. Open orders are right-censored at the as-of time and cancellation is a competing risk
  (Aalen-Johansen), so that parcels that pile up make the figures of the last 28 days worse at once:
  these are of what was seen then, each order from the age that it had. The naive figure stands
  beside it.
grain: one row per stage, period, dimension and value
key: [stage, period, dimension, value]
accepted:
  stage: [created_to_paid, paid_to_shipped, shipped_to_delivered, paid_to_delivered]
  period: [all, last_28_days, previous_28_days]
  dimension: [all, carrier, country, carrier in country]
  p50_state: [reached, not yet, never]
  p90_state: [reached, not yet, never]
  p95_state: [reached, not yet, never]
columns:
  stage: created_to_paid, paid_to_shipped, shipped_to_delivered or paid_to_delivered.
  period: >-
    all, last_28_days (the 28 days before the as-of time, of whichever orders) or previous_28_days
    (the 28 days before these, what came after them left out).
  dimension: all, carrier, country or carrier in country.
  value: all, the carrier, the country, or both as "DHL in DE"; unknown where the order has none.
  orders: = intermediate.int_latency_estimates
  ended: = intermediate.int_latency_estimates
  cancelled: = intermediate.int_latency_estimates
  open: = intermediate.int_latency_estimates
  untimed: = intermediate.int_latency_estimates
  imputed: = intermediate.int_latency_estimates
  final_share: = intermediate.int_latency_estimates
  p50_hours: = intermediate.int_latency_estimates
  p50_hours_low: = intermediate.int_latency_estimates
  p50_hours_high: = intermediate.int_latency_estimates
  p50_state: = intermediate.int_latency_estimates
  p90_hours: = intermediate.int_latency_estimates
  p90_hours_low: = intermediate.int_latency_estimates
  p90_hours_high: = intermediate.int_latency_estimates
  p90_state: = intermediate.int_latency_estimates
  p95_hours: = intermediate.int_latency_estimates
  p95_hours_low: = intermediate.int_latency_estimates
  p95_hours_high: = intermediate.int_latency_estimates
  p95_state: = intermediate.int_latency_estimates
  naive_p50_hours: = intermediate.int_latency_estimates
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
with estimates as (
    select
        stage,
        period,
        dimension,
        value,
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
    where dimension in ('all', 'carrier', 'country', 'carrier in country')
),

incomplete as (
    select distinct stage, period, dimension
    from estimates
    where (value = 'unknown' or value like 'unknown in %' or value like '% in unknown')
        and orders + untimed > 0
),

carriers as (
    select stage, period, value as carrier from estimates where dimension = 'carrier'
),

countries as (
    select stage, period, value as country, orders, p50_hours from estimates where dimension = 'country'
),

routes as (
    select stage, period, value, orders, p50_hours
    from estimates
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
    estimates.stage,
    estimates.period,
    estimates.dimension,
    estimates.value,
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
from estimates
left join incomplete
    on estimates.stage = incomplete.stage
    and estimates.period = incomplete.period
    and estimates.dimension = incomplete.dimension
left join standardised
    on estimates.dimension = 'carrier'
    and estimates.stage = standardised.stage
    and estimates.period = standardised.period
    and estimates.value = standardised.carrier
