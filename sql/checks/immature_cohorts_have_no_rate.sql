/*
description: >-
  A cohort that can still convert shows a rate, or a mature one shows none: young days would look
  worse than they are.
severity: error
models:
  - analytics.session_conversion_daily
todo: Correct the model; nothing in the data can cause it.
*/
select cohort_date, is_mature, sessions, payment_unknown_sessions, order_rate, paid_rate
from analytics.session_conversion_daily
where (paid_rate is not null)
    <> (is_mature and sessions > 0 and 10 * payment_unknown_sessions <= sessions)
    or (order_rate is not null) <> (is_mature and sessions > 0)
