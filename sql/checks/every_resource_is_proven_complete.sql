/*
description: >-
  The last sync could not prove that a table holds all that the API had. Counts and rates may be too
  low, and what is missing is not missing at random.
severity: error
blocking: false
models:
  - analytics.data_freshness
todo: >-
  Read last_reason. After a partial sync run `printora sync` again: it goes on where it stopped.
  docs/sync.md explains the evidence.
*/
select resource, last_outcome, evidence, complete_as_of, last_ended_at, last_reason
from analytics.data_freshness
where last_sync_id is not null and last_outcome <> 'skipped' and not is_complete
