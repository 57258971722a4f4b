/*
description: >-
  How many of the orders that are paid by now will arrive on each of the next 14 days, if things go
  on as in the last 28: each open order by its age, those that wait to be shipped by when they should
  be. Orders that are yet to be made are not in it, so that the later days have fewer.
grain: one row per date, the 14 after that of the as-of time
key: [date]
columns:
  date: The date, in the report time zone.
  expected_deliveries: >-
    Expected deliveries; null where the last 28 days saw none to learn from, and where more than a
    quarter of the orders under way are untold_orders.
  low: >-
    Lower end of their 95 % interval, of chance and of what is not known of the orders' ages, as if
    none of untold_orders arrived.
  high: >-
    Upper end of the same, as if as many of untold_orders arrived as fit into a day of the last 28:
    as many as were paid for or delivered on one, in the mean.
  untold_orders: >-
    Orders under way that will by then have been in their stage longer than anybody watched one in
    the last 28 days; they are not in expected_deliveries.
*/
with orders as (
    select
        stage,
        cast(floor(age_hours) as integer) as hours_old,
        count(*) as orders,
        count(*) - count(entered_at) as undated
    from analytics.orders_open
    where stage in ('paid_to_shipped', 'shipped_to_delivered')
    group by stage, cast(floor(age_hours) as integer)
),

settings as (
    select report_time_zone from staging.build_settings
),

data_as_of as (
    select as_of from intermediate.int_data_as_of where resource = 'orders' and as_of is not null
),

groups as (
    select group_id, stage from intermediate.int_latency_groups
    where variant = 'point'
        and period = 'last_28_days'
        and dimension = 'all'
        and stage in ('paid_to_shipped', 'shipped_to_delivered')
),

estimates as (
    select group_id, ended from intermediate.int_latency_estimates
),

curves as (
    select
        group_id,
        cast(ceil(seconds / 3.6e3) as integer) as hour,
        max(incidence) as incidence,
        min(still_in_it) as still_in_it
    from intermediate.int_latency_curves
    group by group_id, cast(ceil(seconds / 3.6e3) as integer)
),

learnt as (
    select sum(estimates.ended) as deliveries
    from groups
    inner join estimates on groups.group_id = estimates.group_id
    where groups.stage = 'shipped_to_delivered' and estimates.ended > 0
),

digits as (
    select digit from (values (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) as d (digit)
),

hours as (
    select thousands.digit * 1000 + hundreds.digit * 100 + tens.digit * 10 + ones.digit as hour
    from digits as thousands
    cross join digits as hundreds
    cross join digits as tens
    cross join digits as ones
),

-- The curves at every hour of more than a year.
shares as (
    select
        groups.stage,
        hours.hour,
        coalesce(
            max(curves.incidence) over (
                partition by groups.stage order by hours.hour
                rows between unbounded preceding and current row
            ),
            0e0
        ) as share,
        coalesce(
            min(curves.still_in_it) over (
                partition by groups.stage order by hours.hour
                rows between unbounded preceding and current row
            ),
            1e0
        ) as still_in_it
    from groups
    cross join hours
    left join curves on groups.group_id = curves.group_id and hours.hour = curves.hour
),

dates as (
    select
        days.hour as number,
        cast(data_as_of.as_of at time zone settings.report_time_zone as date) + days.hour as date,
        data_as_of.as_of,
        settings.report_time_zone
    from hours as days
    cross join data_as_of
    cross join settings
    where days.hour <= 14
),

minutes as (
    select
        number,
        date,
        date_diff('minute', as_of, cast(date as timestamp) at time zone report_time_zone)
            as minutes_to_first,
        date_diff('minute', as_of, cast(date + 1 as timestamp) at time zone report_time_zone)
            as minutes_to_last
    from dates
),

-- Hours from now; today is what is left of it.
hours_ahead as (
    select
        number,
        date,
        case when number = 0 then 0 else cast(floor(minutes_to_first / 6e1 + 0.5e0) as integer) end
            as first_hour,
        cast(floor(minutes_to_last / 6e1 + 0.5e0) as integer) as last_hour
    from minutes
),

days as (
    select hours_ahead.*, -((first_hour + last_hour) // 2) as age_of_middle from hours_ahead
),

-- The share that leaves the stage on each day, by hours in it: what is yet to begin is below 0.
rises as (
    select stage, number, hours_old, sum(share) as rise
    from (
        select shares.stage, days.number, shares.hour - days.last_hour as hours_old, shares.share
        from shares
        cross join days
        union all
        select shares.stage, days.number, shares.hour - days.first_hour as hours_old, -shares.share as share
        from shares
        cross join days
    ) as ends
    group by stage, number, hours_old
),

chances as (
    select
        orders.stage,
        rises.number,
        orders.orders,
        orders.undated,
        case when shares.still_in_it > 1e-9 then rises.rise / shares.still_in_it else 0e0 end
            as chance
    from orders
    inner join shares on orders.stage = shares.stage and orders.hours_old = shares.hour
    inner join rises on orders.stage = rises.stage and orders.hours_old = rises.hours_old
),

leaving as (
    select
        stage,
        number,
        sum(orders * chance) as expected,
        sum(orders * chance * (1 - chance)) as variance,
        sum(undated * chance) as undated
    from chances
    group by stage, number
),

-- What is shipped on a day is shipped at its middle.
shipped_later as (
    select
        rises.number,
        sum(leaving.expected * rises.rise) as expected,
        sum(leaving.undated * rises.rise) as undated
    from leaving
    inner join days on leaving.number = days.number
    inner join rises on rises.stage = 'shipped_to_delivered' and days.age_of_middle = rises.hours_old
    where leaving.stage = 'paid_to_shipped'
    group by rises.number
),

curve_ends as (
    select groups.stage, max(curves.hour) as hour
    from groups
    inner join curves on groups.group_id = curves.group_id
    group by groups.stage
),

untold as (
    select
        days.number,
        sum(orders.orders) as open_orders,
        sum(
            case
                when orders.hours_old + days.last_hour > coalesce(curve_ends.hour, 0) then orders.orders
                else 0
            end
        ) as orders
    from orders
    left join curve_ends on orders.stage = curve_ends.stage
    cross join days
    group by days.number
),

passages as (
    select 'paid' as passage, paid_at as passed_at from analytics.fct_orders
    union all
    select 'delivered' as passage, delivered_at as passed_at from analytics.fct_orders
),

-- Since the first of them that is known: before that nobody may have watched.
paces as (
    select
        passages.passage,
        count(*)
        / greatest(date_diff('minute', min(passages.passed_at), max(data_as_of.as_of)) / 1.44e3, 1e0)
            as orders_a_day
    from passages
    cross join data_as_of
    where passages.passed_at > data_as_of.as_of - interval '672 hours'
        and passages.passed_at <= data_as_of.as_of
    group by passages.passage
),

most as (
    select max(orders_a_day) as orders_a_day from paces
),

sums as (
    select
        days.number,
        days.date,
        coalesce(leaving.expected, 0e0) + coalesce(shipped_later.expected, 0e0) as expected,
        coalesce(leaving.variance, 0e0) + coalesce(shipped_later.expected, 0e0) as variance,
        coalesce(leaving.undated, 0e0) + coalesce(shipped_later.undated, 0e0) as undated,
        cast(coalesce(untold.orders, 0) as bigint) as untold_orders,
        coalesce(untold.open_orders, 0) as open_orders
    from days
    left join leaving
        on leaving.stage = 'shipped_to_delivered' and days.number = leaving.number
    left join shipped_later on days.number = shipped_later.number
    left join untold on days.number = untold.number
    where days.number > 0
),

-- Chance; that the curve is an estimate; and that who is there may be older than is known.
spreads as (
    select
        sums.*,
        sums.variance + sums.expected * sums.expected / learnt.deliveries + sums.undated * sums.undated
            as spread,
        -- Of those of whom the curve says nothing, as large a share as of all in a day.
        sums.untold_orders * least(most.orders_a_day / nullif(sums.open_orders, 0), 1e0) as room
    from sums
    cross join learnt
    cross join most
)

select
    date,
    case when spread is not null and untold_orders * 4 <= open_orders then expected end as expected_deliveries,
    case when spread is not null then greatest(expected - 0.5e0 - 1.96e0 * sqrt(spread), 0e0) end as low,
    expected + coalesce(room, 0e0) + 0.5e0 + 1.96e0 * sqrt(spread + coalesce(room, 0e0)) as high,
    untold_orders
from spreads
