/*
description: >-
  What is proven complete lies more than a day behind the last sync: syncs run, and prove nothing
  new. (Whether a sync has run at all lately is a question of the clock: `printora status` knows.)
severity: warn
models:
  - analytics.data_freshness
todo: Look at last_reason and at the budget; a whole walk may need more requests than it gets.
*/
select resource, complete_as_of, last_ended_at, lag_seconds
from analytics.data_freshness
where lag_seconds > 24 * 3600
