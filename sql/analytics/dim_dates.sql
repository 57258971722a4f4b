/*
description: >-
  Every date from the first that the data knows to that of the last look, without holes, so that a
  day on which nothing happened shows as such.
grain: one row per date
key: [date]
columns:
  date: The date, in the report time zone.
  year: The year.
  quarter: The quarter, 1 to 4.
  month: The month, 1 to 12.
  month_start: First date of the month.
  day_of_month: The day of the month, 1 to 31.
  iso_year: The year that the ISO week belongs to.
  iso_week: The ISO week, 1 to 53.
  week_start: The Monday of the week.
  day_of_week: 1 for Monday to 7 for Sunday.
  day_name: The day's name in English.
  is_weekend: Whether it is a Saturday or a Sunday.
  starts_at: The moment at which the date begins in the report time zone.
  ends_at: The moment at which it ends.
  hours: Its length, 23 or 25 hours when the clocks change.
  is_over: >-
    Whether it had ended at the as-of time of the orders, so that all orders of it are known. A session
    of it may still convert: cohorts say when they are mature.
*/
with sessions as (
    select cohort_date from analytics.fct_sessions
),

orders as (
    select created_date, paid_date from analytics.fct_orders
),

deliveries as (
    select event_date from analytics.fct_webhook_deliveries
),

settings as (
    select report_time_zone from staging.build_settings
),

data_as_of as (
    select
        max(case when resource = 'orders' then as_of end) as orders_as_of,
        max(as_of) as as_of,
        max(looked_until) as looked_until
    from intermediate.int_data_as_of
),

known_dates as (
    select min(cohort_date) as first_date from sessions
    union all
    select min(created_date) as first_date from orders
    union all
    select min(paid_date) as first_date from orders
    union all
    select min(event_date) as first_date from deliveries
),

-- What is dated after the last look has not happened, whatever a ledger or a clock says.
last_day as (
    select
        cast(
            greatest(data_as_of.as_of, data_as_of.looked_until) at time zone settings.report_time_zone
            as date
        ) as last_date
    from data_as_of
    cross join settings
),

bounds as (
    select
        least(min(known_dates.first_date), last_day.last_date) as first_date,
        last_day.last_date
    from known_dates
    cross join last_day
    group by last_day.last_date
),

digits as (
    select digit from (values (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) as d (digit)
),

-- The last ten thousand days, should a wrong time reach back further.
offsets as (
    select thousands.digit * 1000 + hundreds.digit * 100 + tens.digit * 10 + ones.digit as days
    from digits as thousands
    cross join digits as hundreds
    cross join digits as tens
    cross join digits as ones
),

dates as (
    select bounds.last_date - offsets.days as date
    from bounds
    cross join offsets
    where bounds.last_date - offsets.days >= bounds.first_date
),

weeks as (
    select date, cast(date_trunc('week', date) as date) as monday from dates
),

days as (
    select
        weeks.date,
        weeks.monday,
        cast(extract(isodow from weeks.date) as integer) as day_of_week,
        cast(weeks.date as timestamp) at time zone settings.report_time_zone as starts_at,
        cast(weeks.date + 1 as timestamp) at time zone settings.report_time_zone as ends_at,
        data_as_of.orders_as_of
    from weeks
    cross join settings
    cross join data_as_of
)

select
    date,
    cast(extract(year from date) as integer) as year,
    cast(extract(quarter from date) as integer) as quarter,
    cast(extract(month from date) as integer) as month,
    cast(date_trunc('month', date) as date) as month_start,
    cast(extract(day from date) as integer) as day_of_month,
    -- The ISO week belongs to the year of its Thursday.
    cast(extract(year from monday + 3) as integer) as iso_year,
    cast(extract(week from date) as integer) as iso_week,
    monday as week_start,
    day_of_week,
    case day_of_week
        when 1 then 'Monday'
        when 2 then 'Tuesday'
        when 3 then 'Wednesday'
        when 4 then 'Thursday'
        when 5 then 'Friday'
        when 6 then 'Saturday'
        when 7 then 'Sunday'
    end as day_name,
    day_of_week >= 6 as is_weekend,
    starts_at,
    ends_at,
    date_diff('minute', starts_at, ends_at) / 6e1 as hours,
    coalesce(ends_at <= orders_as_of, false) as is_over
from days
