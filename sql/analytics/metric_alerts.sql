/*
description: >-
  Days on which a figure left the band of its own weekday: the mean of up to eight of the same weekday
  before, and three standard errors of chance or of what those days differed by, whichever is more.
  Of days that differ in nothing about one in 370 does. A day is judged when nothing can change it any
  more, and once there are four of its weekday; not where looks so far apart tell what happened that it
  may as well have been on another day.
grain: one row per date and metric that left its band
key: [date, metric]
not_null: [date, metric, value, expected, low, high, direction]
accepted:
  metric: [sessions, paid_within_48h_rate, deliveries, gaps]
  direction: [below, above]
columns:
  date: The date, in the report time zone.
  metric: >-
    sessions (created on the day, in the ledger), paid_within_48h_rate (the share of these that
    were paid within 48 hours), deliveries (parcels that arrived on it), gaps (events of the day that
    were lost for certain).
  value: What it was; for paid_within_48h_rate a share in 0..1.
  expected: What the same weekdays before were, in the mean.
  low: Lower end of the band.
  high: Upper end of the band.
  direction: below or above the band.
  weekdays: On how many days of the same weekday the band rests, 4 to 8.
*/
with dates as (
    select date, day_of_week, starts_at, ends_at from analytics.dim_dates
),

conversions as (
    select cohort_date, sessions, paid_within_48h_sessions, paid_within_48h_rate
    from analytics.session_conversion_daily
),

orders as (
    select delivered_at, delivered_at_source, delivered_not_before, delivered_not_after
    from analytics.fct_orders
    where delivered_at_source is not null
),

gaps as (
    select expected_at, not_before, not_after from analytics.webhook_gaps
    where explanation = 'none'
),

horizons as (
    select max(logged_from) as logged_from from intermediate.int_webhook_horizons
    where span = 1
),

settings as (
    select report_time_zone, retry_settled_minutes from staging.build_settings
),

data_as_of as (
    select
        max(case when resource = 'sessions' then as_of end) as sessions_as_of,
        max(case when resource = 'orders' then as_of end) as orders_as_of,
        max(case when resource = 'webhook_logs' then as_of end) as logs_as_of
    from intermediate.int_data_as_of
),

-- What was delivered before anybody watched has no date, and its days have too few.
watched as (
    select
        case
            when count(delivered_at) * 100 < count(*) * 99
                then max(case when delivered_at_source = 'unknown' then delivered_not_after end)
            else min(delivered_at)
        end as since
    from orders
),

first_cohort as (
    select min(cohort_date) as date from conversions
    where sessions > 0
),

delivered as (
    select cast(orders.delivered_at at time zone settings.report_time_zone as date) as date,
        count(*) as deliveries
    from orders
    cross join settings
    group by cast(orders.delivered_at at time zone settings.report_time_zone as date)
),

lost as (
    select cast(gaps.expected_at at time zone settings.report_time_zone as date) as date,
        count(*) as gaps
    from gaps
    cross join settings
    group by cast(gaps.expected_at at time zone settings.report_time_zone as date)
),

-- What looks more than two days apart tell, from its first day on and no more after its last.
vague as (
    select 'deliveries' as metric, delivered_not_before as not_before, delivered_not_after as not_after
    from orders
    where delivered_not_before + interval '48 hours' < delivered_not_after
    union all
    select 'gaps' as metric, not_before, not_after
    from gaps
    where not_before + interval '48 hours' < not_after
),

turns as (
    select
        vague.metric,
        cast(vague.not_before at time zone settings.report_time_zone as date) as date,
        1 as turn
    from vague
    cross join settings
    union all
    select
        vague.metric,
        cast(vague.not_after at time zone settings.report_time_zone as date) + 1 as date,
        -1 as turn
    from vague
    cross join settings
    union all
    select 'deliveries' as metric, date, 0 as turn from dates
    union all
    select 'gaps' as metric, date, 0 as turn from dates
),

turns_by_date as (
    select metric, date, sum(turn) as turn from turns group by metric, date
),

unsure as (
    select
        metric,
        date,
        sum(turn) over (
            partition by metric order by date rows between unbounded preceding and current row
        ) as events
    from turns_by_date
),

figures as (
    select
        'sessions' as metric,
        dates.date,
        dates.day_of_week,
        coalesce(conversions.sessions, 0) as hits,
        cast(null as bigint) as trials
    from dates
    cross join first_cohort
    cross join data_as_of
    left join conversions on dates.date = conversions.cohort_date
    where dates.date >= first_cohort.date and dates.ends_at <= data_as_of.sessions_as_of
    union all
    select
        'paid_within_48h_rate' as metric,
        dates.date,
        dates.day_of_week,
        conversions.paid_within_48h_sessions as hits,
        conversions.sessions as trials
    from dates
    inner join conversions on dates.date = conversions.cohort_date
    where conversions.paid_within_48h_rate is not null
    union all
    select
        'deliveries' as metric,
        dates.date,
        dates.day_of_week,
        coalesce(delivered.deliveries, 0) as hits,
        cast(null as bigint) as trials
    from dates
    cross join watched
    cross join data_as_of
    left join delivered on dates.date = delivered.date
    where dates.starts_at >= watched.since and dates.ends_at <= data_as_of.orders_as_of
    union all
    select
        'gaps' as metric,
        dates.date,
        dates.day_of_week,
        coalesce(lost.gaps, 0) as hits,
        cast(null as bigint) as trials
    from dates
    cross join horizons
    cross join settings
    cross join data_as_of
    left join lost on dates.date = lost.date
    where dates.starts_at >= horizons.logged_from
        and dates.ends_at + settings.retry_settled_minutes * interval '1 minute'
        <= data_as_of.logs_as_of
),

valued as (
    select
        figures.metric,
        figures.date,
        figures.day_of_week,
        figures.hits,
        figures.trials,
        figures.hits / cast(coalesce(figures.trials, 1) as double) as value
    from figures
    left join unsure on figures.metric = unsure.metric and figures.date = unsure.date
    where coalesce(unsure.events * 10 <= figures.hits, true)
),

before as (
    select
        metric,
        date,
        value,
        trials,
        count(*) over weekdays_before as weekdays,
        sum(value) over weekdays_before as values_before,
        sum(value * value) over weekdays_before as squares_before,
        sum(hits) over weekdays_before / cast(sum(trials) over weekdays_before as double) as share
    from valued
    window weekdays_before as (
        partition by metric, day_of_week order by date rows between 8 preceding and 1 preceding
    )
),

expectations as (
    select
        before.*,
        coalesce(share, values_before / weekdays) as expected,
        (squares_before - values_before * values_before / weekdays) / (weekdays - 1) as variance,
        -- Of a share, the binomial's; of a count, Poisson's, which is not 0 where none ever was.
        coalesce(share * (1 - share) / trials, (values_before + 1) / weekdays) as chance
    from before
    where weekdays >= 4
),

bands as (
    select
        metric,
        date,
        value,
        expected,
        3 * sqrt(greatest(variance, chance) * (1 + 1e0 / weekdays)) as spread,
        weekdays
    from expectations
)

select
    date,
    metric,
    value,
    expected,
    case when expected > spread then expected - spread else 0e0 end as low,
    expected + spread as high,
    case when value < expected then 'below' else 'above' end as direction,
    weekdays
from bands
where value < expected - spread or value > expected + spread
