/*
description: >-
  The groups of orders that stage times are estimated for, numbered. Tens of millions of rows are
  sorted by group; a number makes that three times faster than names.
grain: one row per stage, variant, period, dimension and value
key: [stage, variant, period, dimension, value]
accepted:
  stage: [created_to_paid, paid_to_shipped, shipped_to_delivered, paid_to_delivered]
  variant: [point, low, high]
  period: [all, last_28_days]
columns:
  group_id: Number of the group.
  stage: created_to_paid, paid_to_shipped, shipped_to_delivered or paid_to_delivered.
  variant: >-
    point; and, for a stage in which something is known by looks alone, low (each stay as short as
    the looks leave possible) and high (as long).
  period: all, or last_28_days (what was seen in the 28 days before the as-of time).
  dimension: all, carrier, country, carrier in country, cohort_date or cohort_week.
  value: all, the carrier, the country, both ("DHL in DE"), or the date or Monday as text.
*/
with spells as (
    select stage, variant, period, cohort_date, cohort_week, carrier, country, carrier_in_country
    from intermediate.int_latency_spells
),

combinations as (
    select distinct
        stage,
        variant,
        period,
        cohort_date,
        cohort_week,
        carrier,
        country,
        carrier_in_country
    from spells
),

every_group as (
    select stage, variant, period, 'all' as dimension, 'all' as value from combinations
    union
    select stage, variant, period, 'carrier' as dimension, carrier as value from combinations
    union
    select stage, variant, period, 'country' as dimension, country as value from combinations
    union
    select stage, variant, period, 'carrier in country' as dimension, carrier_in_country as value
    from combinations
    union
    select stage, variant, period, 'cohort_date' as dimension, cohort_date as value
    from combinations
    where period = 'all'
    union
    select stage, variant, period, 'cohort_week' as dimension, cohort_week as value
    from combinations
    where period = 'all'
)

select
    cast(row_number() over (order by stage, variant, period, dimension, value) as integer)
        as group_id,
    stage,
    variant,
    period,
    dimension,
    value
from every_group
