/*
description: >-
  Orders were made in sessions that the ledger does not have. The conversion rates are about the
  sessions in the ledger, so they say nothing about these.
severity: warn
models:
  - analytics.session_conversion_daily
todo: >-
  Find out which part of the partner's system creates sessions without writing them to the ledger.
  A whole day below 1 hints at a file that was not delivered.
*/
select cohort_date, sessions, unledgered_sessions, ledger_coverage
from analytics.session_conversion_daily
where ledger_coverage < 1
