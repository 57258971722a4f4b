/*
description: A derived column holds a value that its description does not name, so filters miss it.
severity: error
models:
  - analytics.fct_sessions
  - analytics.fct_orders
  - analytics.delivery_latency_summary
todo: A model writes it, not the API. Correct the model or its description.
*/
select 'fct_sessions.status' as what, status as value, count(*) as rows
from analytics.fct_sessions
where status is null or status not in ('pending', 'active', 'completed', 'expired', 'cancelled')
group by status
union all
select 'fct_sessions.source' as what, source as value, count(*) as rows
from analytics.fct_sessions
where source is null or source not in ('ledger', 'order', 'event')
group by source
union all
select 'fct_orders.milestone' as what, milestone as value, count(*) as rows
from analytics.fct_orders
where milestone is null
    or milestone not in ('created', 'paid', 'shipped', 'delivered', 'cancelled')
group by milestone
union all
select 'fct_orders.paid_at_source' as what, paid_at_source as value, count(*) as rows
from analytics.fct_orders
where paid_at_source not in ('order', 'event', 'interval', 'unknown')
group by paid_at_source
union all
select 'delivery_latency_summary.stage' as what, stage as value, count(*) as rows
from analytics.delivery_latency_summary
where stage not in (
    'created_to_paid', 'paid_to_shipped', 'shipped_to_delivered', 'paid_to_delivered'
)
group by stage
