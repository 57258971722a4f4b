# ruff: noqa: E501 - a row of a table is one line
"""A payment and a cancellation between two looks: nothing tells whether it had been paid."""

from __future__ import annotations

import pytest
from model_support import Warehouse

SESSIONS = "\n".join(f"s{number} | 03-01 10:00" for number in range(1, 11))


@pytest.mark.parametrize(
    ("logs_until", "is_unknown"),
    [(None, "true"), ("03-02 12:00", "true"), ("03-09 00:00", "false")],
)
def test_what_was_cancelled_between_two_looks_may_have_been_paid(
    warehouse: Warehouse, logs_until: str | None, is_unknown: str
) -> None:
    """Broken: the more seldom one looks, the less the shop seems to sell; or logs are not believed."""
    warehouse.given("sessions", f"session_id | created_at\n{SESSIONS}")
    warehouse.given(
        "orders",
        """
        order_id | session_id | status    | total_amount | currency | created_at  | _seen_at
        o1       | s1         | paid      | 10           | USD      | 03-01 11:00 | 03-03 10:00
        o2       | s2         | cancelled | 10           | USD      | 03-01 11:00 | 03-03 10:00
        """,
    )
    warehouse.given(
        "order_history",
        """
        order_id | status    | not_before  | first_seen_at
        o1       | paid      | -           | 03-02 10:00
        o2       | pending   | -           | 03-02 10:00
        o2       | cancelled | 03-02 10:00 | 03-03 10:00
        """,
    )
    warehouse.looked_at("03-09 00:00")
    if logs_until:
        # The payment of before the first look is no matter: it showed the order unpaid.
        warehouse.given(
            "webhook_logs",
            "webhook_log_id | order_id | event_type | event_at | created_at\n"
            "l1 | o1 | order.paid | 03-02 09:00 | 03-02 09:00",
        )
        warehouse.connection.execute(
            f"update printora_raw.sync_runs set complete_as_of = '2026-{logs_until}:00+00' "  # noqa: S608
            "where resource = 'webhook_logs'"
        )
        warehouse._built.clear()
    warehouse.expect(
        "analytics.fct_orders",
        f"is_paid | is_payment_unknown\nfalse | {is_unknown}",
        where="order_id = 'o2'",
    )
    rate, high = {"true": ("-", "0.509838"), "false": ("0.1", "0.40415")}[is_unknown]
    warehouse.expect(
        "analytics.session_conversion_daily",
        f"""
        paid_rate | paid_rate_high | paid_within_48h_rate | paid_within_48h_rate_high
        0.1       | {high}         | {rate}               | {high}
        """,
    )
