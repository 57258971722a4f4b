/*
description: >-
  The groups of orders that stage times are estimated for, numbered. Tens of millions of rows are
  sorted by group; a number makes that three times faster than names.
grain: one row per stage, variant, period, dimension and value
key: [stage, variant, period, dimension, value]
accepted:
  stage: [created_to_paid, paid_to_shipped, shipped_to_delivered, paid_to_delivered]
  variant: [point, low, high]
  period: [all, last_28_days, previous_28_days]
columns:
  group_id: Number of the group.
  stage: = intermediate.int_latency_spells
  variant: >-
    point; and, for a stage in which something is known by looks alone, low (each stay as short as
    the looks leave possible) and high (as long).
  period: >-
    all, last_28_days (what was seen in the 28 days before the as-of time) or previous_28_days (in
    the 28 days before these).
  dimension: = intermediate.int_latency_members
  value: = intermediate.int_latency_members
*/
with members as (
    select distinct stage, variant, period, dimension, value from intermediate.int_latency_members
)

select
    cast(row_number() over (order by stage, variant, period, dimension, value) as integer)
        as group_id,
    stage,
    variant,
    period,
    dimension,
    value
from members
