/*
description: A derived column holds a value that its description does not name, so filters miss it.
severity: error
models:
  - analytics.fct_sessions
  - analytics.fct_orders
  - analytics.fct_webhook_deliveries
  - analytics.delivery_latency_summary
  - analytics.webhook_gaps
  - analytics.data_freshness
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
select 'fct_orders.shipped_at_source' as what, shipped_at_source as value, count(*) as rows
from analytics.fct_orders
where shipped_at_source not in ('order', 'event', 'interval', 'unknown')
group by shipped_at_source
union all
select 'fct_orders.delivered_at_source' as what, delivered_at_source as value, count(*) as rows
from analytics.fct_orders
where delivered_at_source not in ('order', 'event', 'interval', 'unknown')
group by delivered_at_source
union all
select 'fct_orders.cancelled_at_source' as what, cancelled_at_source as value, count(*) as rows
from analytics.fct_orders
where cancelled_at_source not in ('order', 'event', 'interval', 'unknown')
group by cancelled_at_source
union all
select
    'fct_webhook_deliveries.delivered_at_source' as what,
    delivered_at_source as value,
    count(*) as rows
from analytics.fct_webhook_deliveries
where delivered_at_source not in ('log', 'schedule', 'interval')
group by delivered_at_source
union all
select 'delivery_latency_summary.stage' as what, stage as value, count(*) as rows
from analytics.delivery_latency_summary
where stage not in (
    'created_to_paid', 'paid_to_shipped', 'shipped_to_delivered', 'paid_to_delivered'
)
group by stage
union all
select 'delivery_latency_summary.dimension' as what, dimension as value, count(*) as rows
from analytics.delivery_latency_summary
where dimension not in ('all', 'carrier', 'country')
group by dimension
union all
select 'webhook_gaps.implied_by' as what, implied_by as value, count(*) as rows
from analytics.webhook_gaps
where implied_by is null
    or implied_by not in ('order time', 'event', 'status', 'later milestone')
group by implied_by
union all
select 'webhook_gaps.explanation' as what, explanation as value, count(*) as rows
from analytics.webhook_gaps
where explanation is null
    or explanation not in (
        'none', 'type never logged', 'before the first log', 'may be older than the first log'
    )
group by explanation
union all
select 'data_freshness.evidence' as what, evidence as value, count(*) as rows
from analytics.data_freshness
where evidence is null
    or evidence not in ('counts equal', 'whole walk', 'whole ledger', 'not proven')
group by evidence
