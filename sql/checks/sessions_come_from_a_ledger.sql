/*
description: >-
  No session ledger is set. Only sessions that became orders are known, so that nothing can be said
  about conversion.
severity: warn
models:
  - analytics.session_conversion_daily
todo: >-
  Set SOURCES__PRINTORA__SESSION_LEDGER to the list of sessions that your backend created, and run
  again.
*/
select resource, last_outcome, last_reason
from analytics.data_freshness
where resource = 'sessions' and last_outcome = 'skipped'
