/*
description: Each stay of an order in a stage, once for each group that it counts in.
grain: one row per row of int_latency_spells and dimension
materialized: view
columns:
  order_id: The order.
  stage: = intermediate.int_latency_spells
  period: = intermediate.int_latency_spells
  variant: = intermediate.int_latency_spells
  dimension: all, carrier, country, carrier in country, cohort_date or cohort_week.
  value: all, the carrier, the country, both ("DHL in DE"), or the date or Monday as text.
  outcome: = intermediate.int_latency_spells
  is_imputed: = intermediate.int_latency_spells
  entered: = intermediate.int_latency_spells
  gone: = intermediate.int_latency_spells
*/
with spells as (
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
        outcome,
        is_imputed,
        entered,
        gone
    from intermediate.int_latency_spells
),

dimensions as (
    select dimension
    from (
        values
            ('all'),
            ('carrier'),
            ('country'),
            ('carrier in country'),
            ('cohort_date'),
            ('cohort_week')
    ) as d (dimension)
)

select
    spells.order_id,
    spells.stage,
    spells.period,
    spells.variant,
    dimensions.dimension,
    case dimensions.dimension
        when 'all' then 'all'
        when 'carrier' then spells.carrier
        when 'country' then spells.country
        when 'carrier in country' then spells.carrier_in_country
        when 'cohort_date' then spells.cohort_date
        when 'cohort_week' then spells.cohort_week
    end as value,
    spells.outcome,
    spells.is_imputed,
    spells.entered,
    spells.gone
from spells
cross join dimensions
-- A cohort is of all time: the last 28 days would show a part of it.
where spells.period = 'all' or dimensions.dimension not in ('cohort_date', 'cohort_week')
