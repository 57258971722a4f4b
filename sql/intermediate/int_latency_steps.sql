/*
description: >-
  Who enters and who leaves each group, second by second, so that the estimator's windows are over
  seconds and not over orders.
grain: one row per group, second, and whether orders enter or leave
key: [group_id, moment]
columns:
  group_id: The group, by its number in int_latency_groups.
  moment: >-
    Twice the age in whole seconds; one more where orders enter, because they are at risk only after
    that second.
  entered: Orders that enter at it.
  ended: Orders that end the stage at it.
  cancelled: Orders that are cancelled at it.
  gone: Orders that leave at it in any way, or were last seen open.
  imputed: Of those that end, those whose time only looks bound.
  untimed: Orders that never enter, because nobody watched or nothing tells when they left.
*/
with stays as (
    select stage, period, variant, dimension, value, outcome, is_imputed, entered, gone
    from intermediate.int_latency_members
),

groups as (
    select group_id, stage, variant, period, dimension, value from intermediate.int_latency_groups
),

members as (
    select groups.group_id, stays.outcome, stays.is_imputed, stays.entered, stays.gone
    from stays
    inner join groups
        on stays.dimension = groups.dimension
        and stays.stage = groups.stage
        and stays.variant = groups.variant
        and stays.period = groups.period
        and stays.value = groups.value
)

select
    group_id,
    2 * cast(gone as bigint) as moment,
    0 as entered,
    cast(count(case when outcome = 'ended' then 1 end) as integer) as ended,
    cast(count(case when outcome = 'cancelled' then 1 end) as integer) as cancelled,
    cast(count(*) as integer) as gone,
    cast(count(case when is_imputed then 1 end) as integer) as imputed,
    0 as untimed
from members
where gone is not null
group by group_id, gone
union all
select
    group_id,
    2 * cast(entered as bigint) + 1 as moment,
    cast(count(gone) as integer) as entered,
    0 as ended,
    0 as cancelled,
    0 as gone,
    0 as imputed,
    cast(count(*) - count(gone) as integer) as untimed
from members
group by group_id, entered
