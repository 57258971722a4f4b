# ruff: noqa: E501 - a row of a table is one line
"""Open orders: how old, when they should be on, and late against what they cannot move."""

from __future__ import annotations

from datetime import datetime, timedelta

from model_support import Warehouse, moment
from truth_world import Row, insert

OPEN = "analytics.orders_open"


def _parcels(count: int, drift: float = 0) -> list[Row]:
    """Return parcels shipped one each four hours that take 48 to 57 of them, and ever more."""
    return [
        {
            "order_id": f"parcel {number}",
            "status": "delivered",
            "created_at": shipped,
            "paid_at": shipped,
            "shipped_at": shipped,
            "delivered_at": delivered,
            "country": "DE",
            "_seen_at": delivered,
        }
        for number in range(count)
        for shipped in [moment("01-01 00:00") + timedelta(hours=4 * number)]
        for delivered in [shipped + timedelta(hours=48 + number % 10 + drift * number)]
    ]


def _stopped(rows: list[Row], at: datetime) -> list[Row]:
    """Let nothing arrive after a time."""
    return [
        row | {"delivered_at": None, "status": "shipped"} if row["delivered_at"] > at else row
        for row in rows
    ]


def test_a_parcel_is_late_when_nine_of_ten_were_faster(warehouse: Warehouse) -> None:
    """Broken: nobody knows which of a hundred open orders to look after."""
    insert(warehouse.connection, {"orders": _parcels(250)})
    warehouse.given(
        "orders",
        """
        order_id | status  | created_at  | paid_at     | shipped_at  | country | carrier
        young    | shipped | 02-27 00:00 | 02-27 00:00 | 02-28 12:00 | DE      | DHL
        late     | shipped | 02-20 00:00 | 02-20 00:00 | 02-20 00:00 | DE      | DHL
        other    | shipped | 02-20 00:00 | 02-20 00:00 | 02-27 00:00 | BR      | UPS
        unpaid   | pending | 02-20 00:00 | -           | -           | DE      | -
        """,
    )
    warehouse.looked_at("03-01 00:00")
    warehouse.expect(
        OPEN,
        """
        order_id | stage                | entered_at  | age_hours | expected_at | overdue_at  | is_overdue | overdue_by    | country | carrier
        young    | shipped_to_delivered | 02-28 12:00 | 12        | 03-02 17:00 | 03-02 21:00 | false      | country       | DE      | DHL
        late     | shipped_to_delivered | 02-20 00:00 | 216       | -           | 02-22 09:00 | true       | country       | DE      | DHL
        other    | shipped_to_delivered | 02-27 00:00 | 48        | 03-01 05:00 | 03-01 09:00 | false      | all countries | BR      | UPS
        unpaid   | created_to_paid      | 02-20 00:00 | 216       | -           | 02-20 01:00 | true       | country       | DE      | -
        """,
    )


def test_a_pile_up_does_not_move_what_it_is_measured_by(warehouse: Warehouse) -> None:
    """Broken: nothing arrives for weeks, the bar rises with it, and the list of the late is empty."""
    rows = _parcels(400, drift=0.2)
    insert(warehouse.connection, {"orders": _stopped(rows, moment("02-15 00:00"))})
    warehouse.looked_at("02-17 00:00")
    where = "shipped_at <= timestamptz '2026-02-16 00:00:00+00'"
    of = f"order_id in (select order_id from analytics.fct_orders where {where})"  # noqa: S608
    before = warehouse.rows(OPEN, "order_id", "overdue_at", where=of)
    warehouse.connection.execute("update printora_raw.sync_runs set complete_as_of = null")
    warehouse.given("sync_runs", _certificate("03-08 00:00"))
    assert warehouse.rows(OPEN, "order_id", "overdue_at", where=of) == before
    (late,) = warehouse.rows(OPEN, "count(*)", where="is_overdue")
    assert int(late[0]) > 100


def _certificate(at: str) -> str:
    return f"""
        sync_id | resource | ended_at | complete_as_of | outcome  | evidence
        r2      | orders   | {at}     | {at}           | complete | whole walk
    """


def test_a_promise_is_counted_from_the_payment(warehouse: Warehouse) -> None:
    """Broken: an order that waits to be shipped for the whole promise is not late yet."""
    warehouse.settings = {"delivery_promise_days": 5}
    warehouse.given(
        "orders",
        """
        order_id | status  | created_at  | paid_at     | shipped_at
        shipped  | shipped | 02-20 00:00 | 02-25 00:00 | 02-28 00:00
        paid     | paid    | 02-20 00:00 | 02-20 00:00 | -
        unpaid   | pending | 02-20 00:00 | -           | -
        """,
    )
    warehouse.looked_at("03-01 00:00")
    warehouse.expect(
        OPEN,
        """
        order_id | overdue_at  | is_overdue | overdue_by
        shipped  | 03-02 00:00 | false      | promise
        paid     | 02-25 00:00 | true       | promise
        unpaid   | -           | -          | -
        """,
    )


def test_what_was_under_way_at_the_first_look_is_at_least_so_old(warehouse: Warehouse) -> None:
    """Broken: it has no age at all, and never becomes late."""
    insert(warehouse.connection, {"orders": _parcels(250)})
    warehouse.given("orders", "order_id | status | created_at \n o1 | shipped | 2025-12-20 00:00")
    warehouse.given(
        "order_history", "order_id | status | first_seen_at \n o1 | shipped | 02-20 00:00"
    )
    warehouse.looked_at("03-01 00:00")
    warehouse.expect(
        OPEN,
        """
        entered_at | age_hours | overdue_at  | is_overdue
        -          | 216       | 02-22 09:00 | true
        """,
    )
