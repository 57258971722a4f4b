"""The kinds of things to do: what is looked for in the marts, and what helps."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """One kind of thing to do. ``found`` is what was found, one and many; ``todo`` what helps.

    ``section`` of the page shows its rows.
    ``columns`` are those of ``query`` that are shown, by heading; ``order`` puts the worst first.
    """

    section: str
    anchor: str
    heading: str
    found: tuple[str, str]
    todo: str
    columns: dict[str, str]
    query: str
    order: str


KINDS = (
    Kind(
        "waiting",
        "late-orders",
        "Paid orders that are late",
        ("paid order is late", "paid orders are late"),
        "Ask after the oldest, and tell who waits.",
        {
            "order": "order_id",
            "waits for": "waits_for",
            "since": "entered_at",
            "late since": "overdue_at",
            "country": "country",
            "carrier": "carrier",
        },
        "select order_id, case stage when 'paid_to_shipped' then 'shipping' else 'delivery' end "
        "as waits_for, entered_at, overdue_at, country, carrier from analytics.orders_open "
        "where is_overdue and stage <> 'created_to_paid'",
        "overdue_at",
    ),
    Kind(
        "glance",
        "odd-days",
        "Days unlike their weekday, of the last four weeks",
        ("day was unlike its weekday", "days were unlike their weekday"),
        "See what happened on it: a campaign, an outage, a change of the shop.",
        {"day": "date", "of": "what", "was": "was", "usual": "usual"},
        """
        with shown as (
            select date, metric, case when metric like '%_rate' then ' %' else '' end as sign,
                case when metric like '%_rate' then 100 else 1 end * value as value,
                case when metric like '%_rate' then 100 else 1 end * low as low,
                case when metric like '%_rate' then 100 else 1 end * high as high
            from analytics.metric_alerts
            where date > (select max(date) from analytics.dim_dates) - 28
        )
        select date, case metric when 'paid_within_48h_rate' then 'sessions paid within 48 hours'
            when 'gaps' then 'lost webhooks' else metric end as what,
            cast(round(value) as bigint) || sign as was,
            cast(round(low) as bigint) || ' to ' || cast(round(high) as bigint) || sign as usual
        from shown
        """,
        "date desc",
    ),
    Kind(
        "webhooks",
        "lost-webhooks",
        "Webhook events that were never sent",
        ("webhook event was never sent", "webhook events were never sent"),
        "Your systems were not told: ask Printora to send again.",
        {"order": "order_id", "event": "event_type", "expected by": "expected_at"},
        "select order_id, event_type, expected_at from analytics.webhook_gaps "
        "where explanation = 'none'",
        "expected_at desc",
    ),
    Kind(
        "webhooks",
        "failed-webhooks",
        "Webhook deliveries that failed for good",
        ("webhook delivery has failed for good", "webhook deliveries have failed for good"),
        "Mend what the receiver answers, then ask for another try.",
        {
            "log": "webhook_log_id",
            "order": "order_id",
            "event": "event_type",
            "when": "event_at",
            "attempts": "attempts",
            "last answer": "response_status",
        },
        "select webhook_log_id, order_id, event_type, event_at, attempts, response_status "
        "from analytics.fct_webhook_deliveries as logs where status = 'failed' and not exists ("
        "select 1 from analytics.fct_webhook_deliveries as others where others.status = 'sent' "
        "and others.order_id = logs.order_id and others.event_type = logs.event_type)",
        "event_at desc",
    ),
    Kind(
        "sessions",
        "ledger-gaps",
        "Sessions with an order that the ledger lacks",
        ("session with an order is in no ledger", "sessions with an order are in no ledger"),
        "No rate counts them: see that every session is written down when it is created.",
        {"session": "session_id", "first order": "first_order_at", "orders": "orders"},
        "select session_id, first_order_at, orders from analytics.fct_sessions "
        "where is_ordered and source <> 'ledger'",
        "first_order_at desc",
    ),
    Kind(
        "data",
        "quarantine",
        "Records that could not be read",
        ("record could not be read", "records could not be read"),
        "They are in no figure: see what they look like, and tell Printora.",
        {"resource": "resource", "why": "reason", "where": "place", "when": "seen_at"},
        "select resource, reason, place, seen_at from staging.stg_printora__quarantine",
        "seen_at desc",
    ),
)
