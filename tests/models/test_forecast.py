# ruff: noqa: E501 - a row of a table is one line
"""The forecast where parcels are under way longer than anybody has watched one."""

from __future__ import annotations

import pytest
from calibration_support import FORECAST, built, intervals
from model_support import Warehouse
from truth_world import History, Scenario


@pytest.mark.parametrize(
    "scenario",
    [
        Scenario("logs of a week", order_times=False, days=60, logs_kept=7),
        Scenario("a shop of six days", days=6),
    ],
    ids=lambda scenario: scenario.name,
)
def test_what_is_older_than_the_curve_has_room_in_the_forecast(scenario: Scenario) -> None:
    """Broken: parcels of which nothing is known are counted as if none of them arrived."""
    history = History.of(scenario, 300)
    found = [i for i in intervals(history, built(history)) if i.figure == "forecast"]
    assert len(found) == 14
    missed = [interval for interval in found if not interval.holds]
    assert len(missed) <= 1, missed
    # Room for them is not room for anything: no day may have as many as all that are paid.
    assert max(interval.high or 0 for interval in found) < 250


def test_the_forecast_counts_those_of_whom_it_says_nothing(warehouse: Warehouse) -> None:
    """Broken: most of the parcels are left out, and the figure stands there as that of all."""
    arrived = "\n".join(
        f"d{n} | delivered | 03-0{n} 10:00 | 03-0{n} 10:00 | 03-0{n} 10:00 | 03-0{n + 3} 10:00 | 03-10 10:00"
        for n in range(1, 6)
    )
    under_way = "\n".join(
        f"w{n} | shipped | 03-0{n} 10:00 | 03-0{n} 10:00 | 03-0{n} 10:00 | - | 03-10 10:00"
        for n in (7, 8, 9)
    )
    head = "order_id | status | created_at | paid_at | shipped_at | delivered_at | _seen_at"
    warehouse.given("orders", f"{head}\n{arrived}\n{under_way}")
    warehouse.looked_at("03-10 10:00")
    warehouse.expect(
        FORECAST,
        """
        date  | untold_orders | expected_deliveries
        03-11 | 2             | -
        03-12 | 3             | -
        03-13 | 3             | -
        """,
        where="date < date '2026-03-14'",
    )
    rows = warehouse.connection.execute(f"select low, high from {FORECAST}").fetchall()  # noqa: S608
    assert all(low <= high and high >= 0.5 for low, high in rows)
