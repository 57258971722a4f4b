/*
description: Records could not be understood and are in no other table.
severity: warn
models:
  - analytics.data_freshness
todo: >-
  Read reason and place in printora_raw.quarantine. A field that the API has changed is mended in
  pipelines/source; a bad line of the ledger where the ledger is written.
*/
select resource, reason, count(*) as offenders, min(place) as first_place
from staging.stg_printora__quarantine
group by resource, reason
