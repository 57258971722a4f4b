# ruff: noqa: E501 - a row of a table is one line
"""webhook_gaps where the logs reach back otherwise, or do not say what they are about."""

from __future__ import annotations

import pytest
from model_support import Warehouse

GAPS = "analytics.webhook_gaps"
ORDERS = """
    order_id | session_id | status | created_at  | paid_at     | _seen_at
    old      | s1         | paid   | 01-05 10:00 | 01-05 11:00 | 06-20 12:00
    between  | s2         | paid   | 03-05 10:00 | 03-05 11:00 | 06-20 12:00
    new      | s3         | paid   | 06-05 10:00 | 06-05 11:00 | 06-20 12:00
    newer    | s4         | paid   | 06-15 10:00 | 06-15 11:00 | 06-20 12:00
"""


def explained(warehouse: Warehouse) -> dict[str, str]:
    """Return why each order has no log of its payment."""
    rows = warehouse.rows(GAPS, "order_id", "explanation", where="event_type = 'order.paid'")
    return {row[0]: row[1] for row in rows}


@pytest.mark.parametrize("reported", ["1", "-"])
def test_logs_that_were_dropped_while_nobody_looked_were_not_lost(
    warehouse: Warehouse, reported: str
) -> None:
    """After a pause longer than logs are kept, months of events would be sent again."""
    warehouse.given("orders", ORDERS)
    warehouse.given(
        "webhook_logs",
        """
        webhook_log_id | order_id | event_type | event_at    | created_at  | _seen_at
        w1             | old      | order.paid | 01-05 11:00 | 01-05 11:00 | 01-20 12:00
        w2             | new      | order.paid | 06-05 11:00 | 06-05 11:00 | 06-20 12:00
        """,
    )
    warehouse.given(
        "sync_runs",
        f"""
        sync_id | resource     | ended_at    | complete_as_of | outcome  | rows_new | rows_read | rows_reported
        r1      | webhook_logs | 01-20 12:00 | 01-20 12:00    | complete | 1        | 1         | 1
        r2      | webhook_logs | 06-20 11:00 | -              | partial  | 1        | 1         | {reported}
        r3      | webhook_logs | 06-20 12:00 | 06-20 12:00    | complete | 0        | 1         | {reported}
        r4      | orders       | 06-20 12:00 | 06-20 12:00    | complete | 9        | 9         | 9
        """,
    )
    assert explained(warehouse) == {"between": "before the first log", "newer": "none"}
    # Listed beside what came new, an older log shows that nothing was dropped meanwhile.
    warehouse.connection.execute(
        "update printora_raw.sync_runs set rows_reported = 2, rows_read = 2 where sync_id >= 'r2'"
    )
    warehouse._built.clear()
    assert explained(warehouse) == {"between": "none", "newer": "none"}


def test_one_log_whose_clock_was_wrong_reaches_back_to_nothing(warehouse: Warehouse) -> None:
    """A log of 1970 about an order that nobody knows would make losses of all that was dropped."""
    warehouse.given("orders", ORDERS)
    logs = [f"w{n} | new | order.paid | 06-05 11:00 | 06-05 11:00" for n in range(150)]
    logs += ["x1 | - | order.paid | 1970-01-01 00:00 | 1970-01-01 00:00"]
    logs += ["x2 | unknown | order.paid | 2025-12-01 00:00 | 2025-12-01 00:00"]
    logs += ["x3 | old | order.paid | 01-05 11:00 | 01-06 11:00"]
    head = "webhook_log_id | order_id | event_type | event_at | created_at"
    warehouse.given("webhook_logs", "\n".join([head, *logs]))
    warehouse.looked_at("06-20 12:00")
    assert explained(warehouse) == {"between": "before the first log", "newer": "none"}


def test_a_log_that_only_names_the_session_is_a_log(warehouse: Warehouse) -> None:
    """An API whose logs name sessions would seem to have lost every event."""
    warehouse.given("orders", ORDERS)
    warehouse.given(
        "webhook_logs",
        """
        webhook_log_id | order_id | session_id | payload_session_id | event_type | event_at    | created_at
        w1             | -        | s1         | -                  | order.paid | 01-05 11:00 | 01-05 11:00
        w2             | -        | -          | s2                 | order.paid | 03-05 11:00 | 03-05 11:00
        w3             | new      | -          | -                  | order.paid | 01-01 11:00 | 01-01 11:00
        """,
    )
    warehouse.looked_at("06-20 12:00")
    assert explained(warehouse) == {"newer": "none"}


def test_a_log_that_names_nothing_may_be_the_one_that_is_missed(warehouse: Warehouse) -> None:
    """Nothing but a loss explains it: that is not so while a log of its time names no order."""
    warehouse.given("orders", ORDERS)
    warehouse.given(
        "webhook_logs",
        """
        webhook_log_id | order_id | event_type | event_at    | created_at
        w1             | old      | order.paid | 01-05 11:00 | 01-05 11:00
        w2             | -        | order.paid | 06-05 11:00 | 06-05 11:00
        """,
    )
    warehouse.looked_at("06-20 12:00")
    assert explained(warehouse) == {
        "between": "none",
        "new": "a log names no order",
        "newer": "none",
    }


@pytest.mark.parametrize(
    "record",
    [
        '{"orderId": "new", "event": "order.paid"}',
        '{"order_id": "new", "eventType": "ORDER.PAID"}',
        '{"payload": {"event": "order.paid", "data": {"order_id": "new"}}}',
    ],
)
def test_a_log_in_quarantine_is_no_loss(warehouse: Warehouse, record: str) -> None:
    """A log without an id of its own is set aside; the event was sent all the same."""
    warehouse.given("orders", ORDERS)
    warehouse.given(
        "webhook_logs",
        "webhook_log_id | order_id | event_type | event_at | created_at\n w1 | old | order.paid | 01-05 11:00 | 01-05 11:00",
    )
    warehouse.given(
        "quarantine",
        f"quarantine_id | resource | reason | record | _seen_at\n q1 | webhook_logs | no id | {record} | 06-20 12:00",
    )
    warehouse.looked_at("06-20 12:00")
    assert explained(warehouse) == {"between": "none", "newer": "none"}


@pytest.mark.parametrize("resent", [1, 3])
def test_what_was_sent_again_is_told_from_an_old_log_without_its_making(
    warehouse: Warehouse, resent: int
) -> None:
    """A small shop whose logs tell no time of their making would send all events of months again."""
    days = [(number, f"{3 + number // 28:02}-{1 + number % 28:02}") for number in range(0, 108, 3)]
    orders = [f"o{number:03} | s | paid | {day} 10:00 | 06-19 12:00" for number, day in days]
    warehouse.given(
        "orders", "\n".join([ORDERS.split("\n")[1].replace("paid_at     | ", ""), *orders])
    )
    logs = [(number, day) for number, day in days if number > 80 and number != 90]
    logs += [days[3], days[10], days[14]][:resent]
    rows = [f"w{number} | o{number:03} | order.paid | {day} 10:05" for number, day in logs]
    head = "webhook_log_id | order_id | event_type | event_at"
    warehouse.given("webhook_logs", "\n".join([head, *rows]))
    looks = [f"o{number:03} | paid | {day} 09:00 | {day} 12:00" for number, day in days]
    warehouse.given(
        "order_history", "\n".join(["order_id | status | not_before | first_seen_at", *looks])
    )
    warehouse.looked_at("06-20 12:00")
    lost = [order for order, why in explained(warehouse).items() if why == "none"]
    assert lost == ["o090"]


@pytest.mark.parametrize(("listed", "between"), [("2", "before the first log"), ("4", "none")])
def test_what_was_tried_again_is_listed_for_longer_than_what_was_dropped(
    warehouse: Warehouse, listed: str, between: str
) -> None:
    """One old log that is still listed after a pause makes losses of all that was dropped."""
    warehouse.given("orders", ORDERS)
    warehouse.given(
        "webhook_logs",
        """
        webhook_log_id | order_id | event_type | event_at    | created_at  | _seen_at
        w0             | old      | order.paid | 01-05 11:00 | 01-05 11:00 | 01-20 12:00
        w1             | old      | order.paid | 01-05 12:00 | 01-05 12:00 | 06-20 12:00
        w2             | new      | order.paid | 06-05 11:00 | 06-05 11:00 | 06-20 12:00
        x              | old      | order.paid | 01-05 13:00 | 01-05 13:00 | 01-20 12:00
        """,
    )
    warehouse.given(
        "webhook_log_history",
        """
        webhook_log_id | status   | first_seen_at
        w0             | sent     | 01-20 12:00
        x              | sent     | 01-20 12:00
        w1             | retrying | 01-20 12:00
        w1             | sent     | 06-20 12:00
        w2             | sent     | 06-20 12:00
        """,
    )
    warehouse.given(
        "sync_runs",
        f"""
        sync_id | resource     | ended_at    | complete_as_of | outcome  | rows_new | rows_read | rows_reported
        r1      | webhook_logs | 01-20 12:00 | 01-20 12:00    | complete | 3        | 3         | 3
        r2      | webhook_logs | 06-20 12:00 | 06-20 12:00    | complete | 1        | 2         | {listed}
        r4      | orders       | 06-20 12:00 | 06-20 12:00    | complete | 9        | 9         | 9
        """,
    )
    assert explained(warehouse) == {"between": between, "newer": "none"}
