/*
description: >-
  A certificate proves a time after the end of its own sync: a clock was wrong while it was made,
  so that what it says is not believed beyond that end.
severity: error
models:
  - analytics.data_freshness
todo: >-
  Run a sync again: the newest certificate counts. If it is of the future too, the API's Date header
  or this machine's clock is wrong.
*/
select resource, as_of, complete_as_of, lag_seconds, last_ended_at
from analytics.data_freshness
where complete_as_of > as_of or lag_seconds < 0
