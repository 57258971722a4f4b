/*
description: >-
  How long each stage took those that ended it, in a period that no pile-up can move: of orders that
  began it in half a year, up to two weeks before the newest of them ended it. What is stuck has not
  ended, so that it is in none of these; and while nothing ends, the period stands still.
grain: one row per stage, country or all countries, and hours
key: [stage, reference, hours]
accepted:
  stage: [created_to_paid, paid_to_shipped, shipped_to_delivered]
columns:
  stage: created_to_paid, paid_to_shipped or shipped_to_delivered.
  reference: The country of the shipping address, unknown, or all countries.
  hours: Whole hours, of which the last had begun.
  ended: Orders that took so many.
  ended_by: Orders that took so many or fewer.
  orders: All orders of the reference.
*/
with stages as (
    select stage, country, started_at, left_after, left_by
    from intermediate.int_order_stages
    where outcome = 'ended'
        and stage <> 'paid_to_delivered'
        and entered_after < 0
        and left_after is not null
),

members as (
    select stage, country as reference, started_at, left_after, left_by from stages
    union all
    select stage, 'all countries' as reference, started_at, left_after, left_by from stages
),

newest as (
    select stage, reference, max(left_by) as ended_at
    from members
    group by stage, reference
),

durations as (
    select
        members.stage,
        members.reference,
        cast(floor(members.left_after / 3.6e3) as integer) + 1 as hours,
        count(*) as ended
    from members
    inner join newest on members.stage = newest.stage and members.reference = newest.reference
    where members.started_at <= newest.ended_at - interval '336 hours'
        and members.started_at > newest.ended_at - interval '4704 hours'
    group by members.stage, members.reference, cast(floor(members.left_after / 3.6e3) as integer) + 1
)

select
    stage,
    reference,
    hours,
    ended,
    cast(
        sum(ended) over (
            partition by stage, reference order by hours
            rows between unbounded preceding and current row
        ) as bigint
    ) as ended_by,
    cast(sum(ended) over (partition by stage, reference) as bigint) as orders
from durations
