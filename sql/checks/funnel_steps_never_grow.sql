/*
description: A step of the funnel has more sessions than the one before it, so a rate would pass 1.
severity: error
models:
  - analytics.session_conversion_daily
todo: A join doubles sessions. Look at fct_sessions for the day.
*/
select cohort_date, sessions, ordered_sessions, paid_sessions, net_paid_sessions
from analytics.session_conversion_daily
where ordered_sessions > sessions
    or paid_sessions > ordered_sessions
    or net_paid_sessions > paid_sessions
    or mature_sessions > sessions
    or ledger_coverage > 1
    or not paid_rate between paid_rate_low - 1e-9 and paid_rate_high + 1e-9
