"""Days that left the band of their own weekday, and no others."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from model_support import Warehouse, moment, shown
from truth_marts import Marts
from truth_world import AS_OF, History, Row, Scenario, insert

ALERTS = "analytics.metric_alerts"
FIRST = moment("01-05 00:00")
COLUMNS = ("date", "metric", "value", "direction")
EVERY = (*COLUMNS, "expected", "low", "high", "weekdays")


def _days(counts: list[int], paid: float = 0.5) -> dict[str, list[Row]]:
    """Return so many sessions a day from Monday, 5 January on, of which a share pays at once."""
    starts = [
        FIRST + timedelta(days=day, minutes=number)
        for day, count in enumerate(counts)
        for number in range(count)
    ]
    sessions = [
        {"session_id": f"s{number}", "created_at": at, "_seen_at": at}
        for number, at in enumerate(starts)
    ]
    orders = [
        {
            "order_id": f"o{number}",
            "session_id": f"s{number}",
            "status": "delivered",
            "created_at": at,
            "paid_at": at,
            "delivered_at": at + timedelta(days=3),
            "_seen_at": at + timedelta(days=3),
        }
        for number, at in enumerate(starts)
        if (number * paid) % 1 < paid
    ]
    return {"sessions": sessions, "orders": orders}


def _alerts(warehouse: Warehouse, raw: dict[str, list[Row]], days: int) -> list[tuple[str, ...]]:
    insert(warehouse.connection, raw)
    end = FIRST + timedelta(days=days, hours=1)
    warehouse.looked_at(f"{end:%m-%d %H:%M}")
    return warehouse.rows(ALERTS, *COLUMNS)


def test_a_quiet_sunday_is_no_alert_and_a_quiet_monday_is(warehouse: Warehouse) -> None:
    """Broken: every weekend is an alarm, or none is because the band has room for weekends."""
    week = [60, 60, 60, 60, 60, 20, 20]
    counts = [*(week * 6), 20, *week[1:]]
    assert _alerts(warehouse, _days(counts), len(counts)) == [
        ("02-16", "sessions", "20", "below"),
        ("02-19", "deliveries", "10", "below"),
    ]


def test_a_checkout_that_fails_is_an_alert_of_the_rate(warehouse: Warehouse) -> None:
    """Broken: as many sessions as ever, hardly any pays, and nobody is told."""
    raw = _days([60] * 49)
    failed = moment("02-16 00:00")
    raw["orders"] = [
        order
        for order in raw["orders"]
        if not failed <= order["created_at"] < failed + timedelta(1)
        or order["order_id"].endswith("0")
    ]
    found = _alerts(warehouse, raw, 49)
    assert found[0] == ("02-16", "paid_within_48h_rate", "0.1", "below")


def test_a_day_that_is_not_over_is_not_judged(warehouse: Warehouse) -> None:
    """Broken: each morning is an alarm."""
    assert _alerts(warehouse, _days([60] * 42), 42) == []


def test_lost_webhooks_in_a_heap_are_an_alert(warehouse: Warehouse) -> None:
    """Broken: the receiver was down for a day, and it takes a look at the right table to see it."""
    raw = _days([20] * 49)
    down = moment("02-16 00:00")
    raw["webhook_logs"] = [
        {
            "webhook_log_id": f"{order['order_id']} {step}",
            "order_id": order["order_id"],
            "event_type": f"order.{step}",
            "event_at": order[f"{step}_at"],
            "created_at": order[f"{step}_at"],
            "_seen_at": order[f"{step}_at"],
        }
        for order in raw["orders"]
        for step in ("created", "paid", "delivered")
        if not down <= order[f"{step}_at"] < down + timedelta(1)
    ]
    found = _alerts(warehouse, raw, 46)
    assert [alert for alert in found if alert[1] == "gaps"] == [("02-16", "gaps", "30", "above")]


def test_each_alert_is_the_truth(warehouse: Warehouse) -> None:
    """Broken: a wrong zone, weekday or baseline; here a day without a ledger, one without logs."""
    history = History.of(Scenario("alerts", zone="America/New_York", days=84), 800)
    day = AS_OF - timedelta(days=9)
    history.sessions = [s for s in history.sessions if abs(s["created_at"] - day) > timedelta(1)]
    history.logs = [log for log in history.logs if abs(log["event_at"] - day) > timedelta(1)]
    insert(warehouse.connection, history.raw())
    warehouse.settings = {"report_time_zone": "America/New_York"}
    truth = [tuple(shown(row[name]) for name in EVERY) for row in Marts(history).metric_alerts()]
    assert {row[1] for row in truth} >= {"sessions", "gaps"}
    assert warehouse.rows(ALERTS, *EVERY) == sorted(truth)


@pytest.mark.parametrize("mean", [2, 80])
def test_chance_alone_is_hardly_ever_an_alert(warehouse: Warehouse, mean: int) -> None:
    """Broken: alarms that come by themselves are switched off. Half a year in which nothing is."""
    counts = np.random.default_rng(3).poisson(mean, 180).tolist()
    found = _alerts(warehouse, _days(counts), 180)
    assert len(found) <= 4


def test_a_pause_of_the_looks_is_no_alert(warehouse: Warehouse) -> None:
    """Broken: the parcels of five days lie on the middle one: an alarm, and so are the others."""
    history = History.of(Scenario("daily", order_times=False, lost=1.0, days=70), 900)
    ago = [n for n in range(68, -1, -1) if not 9 < n < 14]
    history = replace(history, looks=[AS_OF - timedelta(days=n) for n in ago])
    insert(warehouse.connection, history.raw())
    paused = "date between date '2026-03-18' and date '2026-03-24'"
    assert warehouse.rows(ALERTS, *COLUMNS, where=f"metric = 'deliveries' and {paused}") == []
