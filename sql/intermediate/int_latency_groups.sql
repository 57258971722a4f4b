/*
description: >-
  The groups of orders that stage times are estimated for, numbered. Tens of millions of rows are
  sorted by group; a number makes that three times faster than names.
grain: one row per stage, dimension and value
key: [stage, dimension, value]
columns:
  group_id: Number of the group.
  stage: created_to_paid, paid_to_shipped, shipped_to_delivered or paid_to_delivered.
  dimension: all, carrier, country or cohort_date.
  value: all, the carrier, the country or the date as text.
*/
with stages as (
    select stage, cohort_date, carrier, country from intermediate.int_order_stages
),

combinations as (
    select distinct stage, cohort_date, carrier, country from stages
),

every_group as (
    select stage, 'all' as dimension, 'all' as value from combinations
    union
    select stage, 'carrier' as dimension, carrier as value from combinations
    union
    select stage, 'country' as dimension, country as value from combinations
    union
    select stage, 'cohort_date' as dimension, cast(cohort_date as varchar) as value
    from combinations
)

select
    cast(row_number() over (order by stage, dimension, value) as integer) as group_id,
    stage,
    dimension,
    value
from every_group
