/*
description: >-
  How many of the sessions created on a day became orders. Counts and rates are about sessions in
  the ledger; those that only an order or an event shows are counted beside them, because they are
  all converted and would make any rate look better. Rates of a cohort that can still convert are
  null; its counts are there.
grain: one row per date on which a session was created
key: [cohort_date]
columns:
  cohort_date: The date on which the sessions were created, in the report time zone (UTC unless set).
  sessions: Sessions in the ledger.
  ordered_sessions: Of them, those with an order.
  paid_sessions: Of them, those with an order that was paid, cancelled later or not.
  net_paid_sessions: Of them, those with an order that was paid and not cancelled.
  payment_unknown_sessions: >-
    Of them, those whose order was cancelled, and nothing tells whether it had been paid before. They
    are in no paid figure, but for the upper ends of its rates.
  mature_sessions: Of them, those that can no longer convert.
  order_rate: ordered_sessions / sessions; null until the cohort is mature.
  order_rate_low: Lower end of the 95 % Wilson interval of order_rate.
  order_rate_high: Upper end of the 95 % Wilson interval of order_rate.
  paid_rate: >-
    paid_sessions / sessions so far; null until the cohort is mature. Late payments still raise it: to
    compare young cohorts with old ones take paid_within_48h_rate. Null where more than a tenth are
    payment_unknown_sessions.
  paid_rate_low: Lower end of the 95 % Wilson interval of paid_rate.
  paid_rate_high: >-
    Upper end of the same, as if all of payment_unknown_sessions had paid.
  net_paid_rate: net_paid_sessions / sessions; null until the cohort is mature.
  is_mature: >-
    Whether the day was over and all its sessions were mature at the as-of time.
  is_proven: >-
    Whether a certificate proves that the orders are complete up to a time when the cohort was
    mature. Where it is false, orders may be missing and a rate may be too low.
  paid_within_48h_sessions: Of the sessions, those with an order paid within 48 hours of creation.
  paid_within_48h_rate: >-
    paid_within_48h_sessions / sessions, so that every cohort is compared at the same age; null until
    the day has been over for 48 hours, and where those of whom it is too unclear to tell are more than
    a tenth as many.
  paid_within_48h_rate_low: Lower end of its 95 % Wilson interval.
  paid_within_48h_rate_high: Upper end of the same, as if all of whom it is unclear had.
  currency: Currency of revenue; null without revenue.
  revenue: >-
    Total of the sessions' paid orders, cancelled later or not. Null on every day when any two paid
    orders of the ledger's sessions have two currencies, or one has none that is known: nobody shall
    add them up. session_revenue_daily has them one by one.
  net_revenue: Total of the sessions' paid orders that were not cancelled, as revenue.
  unledgered_sessions: Sessions of the day that the ledger does not have.
  ledger_coverage: >-
    Share of the day's sessions with an order that the ledger has, in 0..1; null without any. Below
    1 the ledger misses sessions, and the rates are about the sessions that it has.
*/
with sessions as (
    select
        cohort_date,
        source,
        is_ordered,
        is_converted,
        is_converted_net,
        is_payment_unknown,
        is_paid_within_48h,
        is_mature,
        case when is_converted then coalesce(currency, 'unknown') end as currency,
        revenue,
        net_revenue
    from analytics.fct_sessions
    where cohort_date is not null
),

settings as (
    select report_time_zone from staging.build_settings
),

data_as_of as (
    select as_of, is_proven from intermediate.int_data_as_of where resource = 'orders'
),

books as (
    select
        coalesce(
            min(currency) = max(currency)
            and min(currency) <> 'unknown'
            and count(currency) = count(case when currency is not null then revenue end),
            true
        ) as is_one_currency
    from sessions
    where source = 'ledger'
),

counts as (
    select
        cohort_date,
        count(case when source = 'ledger' then 1 end) as sessions,
        count(case when source = 'ledger' and is_ordered then 1 end) as ordered_sessions,
        count(case when source = 'ledger' and is_converted then 1 end) as paid_sessions,
        count(case when source = 'ledger' and is_converted_net then 1 end) as net_paid_sessions,
        count(case when source = 'ledger' and is_payment_unknown then 1 end)
            as payment_unknown_sessions,
        count(case when source = 'ledger' and is_mature then 1 end) as mature_sessions,
        bool_and(is_mature) as is_mature,
        count(case when source = 'ledger' and is_paid_within_48h then 1 end)
            as paid_within_48h_sessions,
        count(case when source = 'ledger' and is_paid_within_48h is null then 1 end)
            as unclear_sessions,
        min(case when source = 'ledger' then currency end) as currency,
        sum(case when source = 'ledger' then revenue end) as revenue,
        sum(case when source = 'ledger' then net_revenue end) as net_revenue,
        count(case when source <> 'ledger' then 1 end) as unledgered_sessions,
        count(case when is_ordered then 1 end) as all_ordered_sessions
    from sessions
    group by cohort_date
),

cohorts as (
    select
        counts.*,
        data_as_of.is_proven,
        books.is_one_currency,
        coalesce(
            cast(counts.cohort_date + 1 as timestamp) at time zone settings.report_time_zone
            + interval '48 hours' <= data_as_of.as_of,
            false
        ) as is_two_days_over,
        -- A day that is not over has sessions yet to come, however old the others are.
        counts.is_mature
        and coalesce(
            cast(counts.cohort_date + 1 as timestamp) at time zone settings.report_time_zone
            <= data_as_of.as_of,
            false
        ) as is_mature_cohort
    from counts
    cross join settings
    cross join data_as_of
    cross join books
),

rates as (
    select
        cohorts.*,
        paid_sessions + payment_unknown_sessions as perhaps_paid,
        paid_within_48h_sessions + unclear_sessions as perhaps_paid_within_48h,
        case when is_mature_cohort and sessions > 0 then cast(sessions as double) end as n,
        case
            when is_mature_cohort and is_two_days_over and sessions > 0
                then cast(sessions as double)
        end as n_48h
    from cohorts
)

select
    cohort_date,
    sessions,
    ordered_sessions,
    paid_sessions,
    net_paid_sessions,
    payment_unknown_sessions,
    mature_sessions,
    ordered_sessions / n as order_rate,
    wilson_low(ordered_sessions, n) as order_rate_low,
    wilson_high(ordered_sessions, n) as order_rate_high,
    case when 10 * payment_unknown_sessions <= sessions then paid_sessions / n end as paid_rate,
    wilson_low(paid_sessions, n) as paid_rate_low,
    wilson_high(perhaps_paid, n) as paid_rate_high,
    net_paid_sessions / n as net_paid_rate,
    is_mature_cohort as is_mature,
    is_mature_cohort and is_proven as is_proven,
    paid_within_48h_sessions,
    case when 10 * unclear_sessions <= paid_within_48h_sessions then paid_within_48h_sessions / n_48h end
        as paid_within_48h_rate,
    wilson_low(paid_within_48h_sessions, n_48h) as paid_within_48h_rate_low,
    wilson_high(perhaps_paid_within_48h, n_48h) as paid_within_48h_rate_high,
    case when is_one_currency then currency end as currency,
    case when is_one_currency then coalesce(revenue, cast(0 as decimal(38, 4))) end as revenue,
    case when is_one_currency then coalesce(net_revenue, cast(0 as decimal(38, 4))) end
        as net_revenue,
    unledgered_sessions,
    ordered_sessions / cast(nullif(all_ordered_sessions, 0) as double) as ledger_coverage
from rates
