"""Orders whose cancellation was taken back: the list shows them on their way again."""

from __future__ import annotations

from model_support import Warehouse


def test_a_cancellation_that_was_taken_back_is_none(warehouse: Warehouse) -> None:
    """Broken: an order that was delivered after all is missing from the money and the parcels.

    Not taken back: what the list shows may follow a cancellation, or the list may lag behind.
    """
    shown = {
        "on its way": "processing",
        "arrived": "delivered",
        "waits again": "pending",
        "repaid": "refunded",
        "sent back": "returned",
        "held": "on_hold",
    }
    orders = [f"{name} | {status} | 03-10 10:00" for name, status in shown.items()]
    orders += ["told, lags | processing | 03-03 12:00", "told, back | processing | 03-06 10:00"]
    head = "order_id | status | _seen_at | created_at | total_amount | currency | _origin"
    rows = [f"{order} | 03-01 10:00 | 10 | USD | list" for order in orders]
    warehouse.given("orders", "\n".join([head, *rows]))
    looks = [
        f"{name} | {look}"
        for name, status in shown.items()
        for look in (
            "paid      | -           | 03-02 10:00 | list",
            "cancelled | 03-02 10:00 | 03-03 10:00 | list",
            f"{status} | 03-03 10:00 | 03-04 10:00 | list",
        )
    ]
    head = "order_id | status | not_before | first_seen_at | origin"
    warehouse.given("order_history", "\n".join([head, *looks]))
    warehouse.given(
        "webhook_logs",
        """
        webhook_log_id | order_id   | event_type      | event_at
        l1             | told, lags | order.cancelled | 03-03 10:00
        l2             | told, back | order.cancelled | 03-03 10:00
        """,
    )
    warehouse.looked_at("03-10 10:00")
    warehouse.expect(
        "analytics.fct_orders",
        """
        order_id    | milestone | is_cancelled | is_net_paid | is_open
        on its way  | paid      | false        | true        | true
        arrived     | delivered | false        | true        | false
        waits again | paid      | false        | true        | true
        repaid      | cancelled | true         | false       | false
        sent back   | cancelled | true         | false       | false
        held        | cancelled | true         | false       | false
        told, lags  | cancelled | true         | false       | false
        told, back  | paid      | false        | true        | true
        """,
    )
    warehouse.expect(
        "analytics.orders_daily",
        "orders | revenue | net_revenue\n8 | 80.00 | 40.00",
        where="date_basis = 'created'",
    )
    # It was cancelled once: its history says so, and its webhook may be missing.
    warehouse.expect(
        "analytics.order_status_history",
        "status    | is_last\ncancelled | false",
        where="status = 'cancelled' and order_id = 'arrived'",
    )
    events = warehouse.rows("analytics.webhook_gaps", "event_type", where="order_id = 'arrived'")
    assert ("order.cancelled",) in events
