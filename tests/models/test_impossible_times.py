# ruff: noqa: E501 - a row of a table is one line
"""One wrong date in a row of the API: it costs that date, and neither a build nor a chart."""

from __future__ import annotations

import pytest
from model_support import Warehouse, project

from pipelines.warehouse.checks import run_checks

TIMES = ("created_at", "paid_at", "shipped_at", "delivered_at")
GOOD = ("03-01 10:00", "03-01 11:00", "03-02 10:00", "03-05 10:00")


def shop(wrong: str, *columns: str) -> Warehouse:
    """Give orders, one each with one wrong date and two without, and logs, of which one has one."""
    warehouse = Warehouse()
    good = dict(zip(TIMES, GOOD, strict=True))
    orders = [good, *(good | {column: wrong} for column in columns), good]
    rows = (
        f"o{number} | delivered | 10 | USD | 03-10 10:00 | {' | '.join(order.values())}"
        for number, order in enumerate(orders, start=1)
    )
    head = f"order_id | status | total_amount | currency | _seen_at | {' | '.join(TIMES)}"
    warehouse.given("orders", "\n".join([head, *rows]))
    warehouse.given(
        "webhook_logs",
        f"""
        webhook_log_id | order_id | event_type      | status | attempts | event_at    | created_at  | delivered_at | _seen_at
        l1             | o1       | order.delivered | sent   | 1        | 03-05 10:00 | 03-05 10:00 | 03-05 10:00  | 03-10 10:00
        l2             | o3       | order.delivered | sent   | 1        | {wrong}     | {wrong}     | {wrong}      | 03-10 10:00
        """,
    )
    warehouse.looked_at("03-10 10:00")
    return warehouse


@pytest.mark.parametrize("wrong", ["2076-03-05 10:00", "1971-01-01 00:00"])
def test_one_wrong_date_stops_no_build(wrong: str) -> None:
    """A year that was mistyped once would leave every mart as it was, sync after sync."""
    warehouse = shop(wrong, *TIMES)
    warehouse.build()
    sums = warehouse.rows(
        "analytics.orders_daily", "sum(orders)", "sum(revenue)", where="date_basis = 'created'"
    )
    assert sums == [("6", "60.00")]
    if wrong.startswith("2"):
        dates = warehouse.rows("analytics.dim_dates", "min(date)", "max(date)", "count(*)")
        assert dates == [("03-01", "03-10", "10")]
        days = [
            *warehouse.rows("analytics.orders_daily", "max(date)"),
            *warehouse.rows("analytics.webhook_health_daily", "max(event_date)"),
            *warehouse.rows("analytics.delivery_latency_weekly", "max(week_start)"),
        ]
        assert max(day[0] for day in days) <= "03-10"
        found = run_checks(warehouse.connection, project())
        assert "times_do_not_lie_in_the_future" in {r.check.name for r in found if not r.passed}


def test_what_is_dated_later_than_it_was_read_has_happened_at_an_unknown_time() -> None:
    """A date of delivery that is only expected must not count as one, nor take the delivery away."""
    warehouse = shop("2076-03-05 10:00", "delivered_at")
    warehouse.expect(
        "analytics.fct_orders",
        """
        order_id | milestone | delivered_at | delivered_at_source | delivered_not_after
        o1       | delivered | 03-05 10:00  | order               | 03-05 10:00
        o2       | delivered | -            | unknown             | 03-10 10:00
        o3       | delivered | 03-05 10:00  | order               | 03-05 10:00
        """,
    )
    warehouse.connection.execute(
        "update printora_raw.orders set status = 'shipped' where order_id = 'o2'"
    )
    warehouse._built.clear()
    warehouse.expect(
        "analytics.fct_orders",
        "order_id | milestone | is_open\n o2 | shipped | true",
        where="order_id = 'o2'",
    )
