/*
description: >-
  Every date from the first that the data knows to the as-of date, without holes, so that a day on
  which nothing happened shows as such.
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
  is_over: Whether it had ended at the as-of time, so that nothing more can happen on it.
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
    select max(as_of) as as_of from intermediate.int_data_as_of
),

known_dates as (
    select min(cohort_date) as first_date, max(cohort_date) as last_date from sessions
    union all
    select min(created_date) as first_date, max(created_date) as last_date from orders
    union all
    select min(paid_date) as first_date, max(paid_date) as last_date from orders
    union all
    select min(event_date) as first_date, max(event_date) as last_date from deliveries
    union all
    select
        cast(data_as_of.as_of at time zone settings.report_time_zone as date) as first_date,
        cast(data_as_of.as_of at time zone settings.report_time_zone as date) as last_date
    from data_as_of
    cross join settings
),

bounds as (
    select min(first_date) as first_date, max(last_date) as last_date from known_dates
),

dates as (
    select cast(series.day as date) as date
    from bounds
    cross join lateral generate_series(
        cast(bounds.first_date as timestamp),
        cast(bounds.last_date as timestamp),
        interval '1 day'
    ) as series (day)
),

days as (
    select
        dates.date,
        cast(dates.date as timestamp) at time zone settings.report_time_zone as starts_at,
        cast(dates.date + 1 as timestamp) at time zone settings.report_time_zone as ends_at,
        data_as_of.as_of
    from dates
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
    cast(extract(isoyear from date) as integer) as iso_year,
    cast(extract(week from date) as integer) as iso_week,
    cast(date_trunc('week', date) as date) as week_start,
    cast(extract(isodow from date) as integer) as day_of_week,
    case cast(extract(isodow from date) as integer)
        when 1 then 'Monday'
        when 2 then 'Tuesday'
        when 3 then 'Wednesday'
        when 4 then 'Thursday'
        when 5 then 'Friday'
        when 6 then 'Saturday'
        when 7 then 'Sunday'
    end as day_name,
    extract(isodow from date) >= 6 as is_weekend,
    starts_at,
    ends_at,
    date_diff('minute', starts_at, ends_at) / 60.0 as hours,
    coalesce(ends_at <= as_of, false) as is_over
from days
