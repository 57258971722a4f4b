-- A world of $orders orders over a year, straight into the raw tables: the bulk of a large partner
-- without the hours that a load over the API would take. Chance is a hash, so it is the same world
-- at each run. Statements end with a line that holds only a semicolon.
create or replace macro chance(i, salt) as (hash(i, salt) % 1000003) / 1000003.0
;
create or replace temp table plan as
select
    i,
    created_at,
    created_at + to_microseconds(cast(1e6 * (5 + 300 * chance(i, 'pay') ** 3) as bigint)) as paid_at,
    created_at + to_microseconds(cast(3.6e9 * (6 + 60 * chance(i, 'ship')) as bigint)) as shipped_at,
    created_at
    + to_microseconds(cast(3.6e9 * (80 + 240 * chance(i, 'way') ** 2) as bigint)) as delivered_at,
    created_at + to_microseconds(cast(3.6e9 * 5 * chance(i, 'stop') as bigint)) as cancelled_at,
    chance(i, 'fate') < 0.93 as is_paid,
    chance(i, 'regret') < 0.05 as is_cancelled,
    ['USPS', 'UPS', 'FedEx', 'DHL', 'Canada Post', 'Royal Mail'][1 + cast(hash(i, 'carrier') % 6 as bigint)] as carrier,
    ['US', 'CA', 'GB', 'DE', 'FR', 'AU', 'BR'][1 + cast(hash(i, 'country') % 7 as bigint)] as country
from (
    select
        i,
        timestamptz '2025-06-01 00:00:00+00'
        + to_microseconds(cast(i * (365 * 86400e6 / $orders) as bigint)) as created_at
    from range($orders) as r (i)
)
;
create or replace temp table steps as
select i, 1 as step, 'created' as word, 'pending' as status, created_at as happened_at from plan
union all
select i, 2, 'paid', 'processing', paid_at from plan where is_paid
union all
select i, 3, 'shipped', 'shipped', shipped_at from plan where is_paid and not is_cancelled
union all
select i, 4, 'delivered', 'delivered', delivered_at from plan where is_paid and not is_cancelled
union all
select i, 5, 'cancelled', 'cancelled', cancelled_at from plan where is_cancelled and cancelled_at > paid_at
;
delete from steps where happened_at > timestamptz '2026-06-01 00:00:00+00'
;
insert into printora_raw.sessions by name
select
    'sess_' || md5(cast(i as varchar)) as session_id,
    timestamptz '2025-06-01 00:00:00+00'
    + to_microseconds(cast(greatest(i - 0.5, 0) * (365 * 86400e6 / ($orders * 2.9)) as bigint)) as created_at,
    'image' as mode,
    timestamptz '2026-06-01 00:00:00+00' as _seen_at
from range(cast($orders * 2.9 as bigint)) as r (i)
;
insert into printora_raw.orders by name
select
    'ord_' || i as order_id,
    'sess_' || md5(cast(cast(floor(i * 2.9) as bigint) as varchar)) as session_id,
    last.status,
    cast(14.95 + i % 90 as decimal(18, 4)) as total_amount,
    'USD' as currency,
    created_at,
    case when last.step >= 3 then carrier end as carrier,
    country,
    'list' as _origin,
    timestamptz '2026-06-01 00:00:00+00' as _seen_at
from plan
inner join (select i, arg_max(status, step) as status, max(step) as step from steps group by i) as last
    using (i)
;
insert into printora_raw.webhook_logs by name
select
    'log_' || i || '_' || step as webhook_log_id,
    'ord_' || i as order_id,
    'sess_' || md5(cast(cast(floor(i * 2.9) as bigint) as varchar)) as session_id,
    md5(cast(i as varchar)) as payload_session_id,
    'order.' || word as event_type,
    case when chance(i * 7 + step, 'fail') < 0.003 then 'failed' else 'sent' end as status,
    case when chance(i * 7 + step, 'fail') < 0.003 then 5 when chance(i * 7 + step, 'fail') < 0.03 then 2 else 1 end as attempts,
    happened_at as event_at,
    happened_at + interval '40 milliseconds' as created_at,
    '{"sessionId": "' || md5(cast(i as varchar)) || '", "event": "order.' || word
    || '", "data": {"order_id": "ord_' || i || '", "status": "' || status
    || '", "total_amount": 29.99, "currency": "USD", "carrier": "UPS", "items": [{"sku": "TEE", '
    || '"name": "T-shirt", "quantity": 2, "unit_price": 24.99}], "shipping_address": {"city": '
    || '"Berlin", "state": "Berlin", "country": "DE"}}}' as payload,
    timestamptz '2026-06-01 00:00:00+00' as _seen_at
from steps
where chance(i * 7 + step, 'lost') > 0.002
;
insert into printora_raw.order_history by name
select
    'ord_' || i as order_id,
    status,
    timestamptz '2026-06-01 00:00:00+00' as first_seen_at,
    happened_at as changed_at,
    'event' as origin
from steps
;
insert into printora_raw.webhook_log_history by name
select webhook_log_id, status, attempts, _seen_at as first_seen_at, 'list' as origin
from printora_raw.webhook_logs
;
insert into printora_raw.sync_runs by name
select
    'sync_1' as sync_id,
    resource,
    timestamptz '2026-06-01 00:00:00+00' as started_at,
    timestamptz '2026-06-01 00:10:00+00' as ended_at,
    'complete' as outcome,
    timestamptz '2026-06-01 00:00:00+00' as complete_as_of,
    'whole walk' as evidence
from (values ('orders'), ('webhook_logs'), ('sessions')) as r (resource)
;
drop table plan
;
drop table steps
;
