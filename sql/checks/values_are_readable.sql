/*
description: >-
  Rows lack a value that the API or the ledger did give, because it could not be read: figures that
  need the column leave these rows out. Rounded amounts are not among them.
severity: warn
models:
  - analytics.fct_orders
  - analytics.fct_webhook_deliveries
  - analytics.fct_sessions
todo: >-
  Read reason and place in printora_raw.value_issues. A field that the API has changed is mended in
  pipelines/source; a bad line of the ledger where the ledger is written.
*/
select
    resource,
    column_name,
    reason,
    count(*) as rows,
    min(record_key) as first_key,
    min(place) as first_place
from staging.stg_printora__value_issues
where is_current and outcome = 'null'
group by resource, column_name, reason
