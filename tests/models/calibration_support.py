"""How often the marts' intervals hold what happened, in worlds of every documented shape."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from model_support import Warehouse
from truth_world import AS_OF, History, Row, Scenario, insert

SUMMARY = "analytics.delivery_latency_summary"
SLA = "analytics.delivery_sla_weekly"
OPEN = "analytics.orders_open"
FORECAST = "analytics.delivery_forecast_daily"
STAGES = {
    "created_to_paid": ("created_at", "paid_at"),
    "paid_to_shipped": ("paid_at", "shipped_at"),
    "shipped_to_delivered": ("shipped_at", "delivered_at"),
    "paid_to_delivered": ("paid_at", "delivered_at"),
}

#: Every documented shape: what the orders tell, what the logs tell, and since when somebody looks.
SHAPES = {
    "all is told": Scenario("full"),
    "six fields, all logs": Scenario("logs", order_times=False, lost=0.002),
    "six fields, logs of 30 days": Scenario("kept", order_times=False, days=90, logs_kept=30),
    "no logs, looked at hourly since a week": Scenario(
        "hourly", order_times=False, lost=1.0, days=60, looks=168, hours_between_looks=1
    ),
    "no logs, looked at daily since three weeks": Scenario(
        "daily", order_times=False, lost=1.0, days=60, looks=21, hours_between_looks=24
    ),
}


class Interval(NamedTuple):
    """An interval of a mart, and what happened; a bound that is null bounds nothing."""

    figure: str
    of: tuple[object, ...]
    low: float | None
    truth: float
    high: float | None

    @property
    def holds(self) -> bool:
        """Whether the truth lies in it."""
        low = self.low is None or self.low <= self.truth
        return low and (self.high is None or self.truth <= self.high)


def built(history: History, **more: list[Row]) -> Warehouse:
    """Load what the looks at the world showed, and more rows; what is asked for is built."""
    raw = history.raw()
    warehouse = Warehouse()
    insert(warehouse.connection, {table: raw[table] + more.get(table, []) for table in raw})
    return warehouse


def intervals(
    history: History, warehouse: Warehouse, fates: list[Row] | None = None
) -> Iterator[Interval]:
    """Return every interval that the marts tell over all orders, with what happened.

    ``fates``: the orders that quantiles and shares are held against, if not the world's own.
    """
    warehouse.build(SUMMARY, SLA, FORECAST)
    orders = fates or history.fates
    yield from _quantiles(orders, figures(warehouse))
    rows = _rows(warehouse, SLA, "dimension = 'all' and is_mature and orders >= 20")
    for row in rows:
        of = (row["week_start"], row["days"])
        truth = true_share(orders, row["week_start"], row["days"])
        yield Interval("share in time", of, row["share_low"], truth, row["share_high"])
    arrived = [
        order["delivered_at"].date()
        for order in history.fates
        if order["delivered_at"] and order["paid_at"] <= AS_OF < order["delivered_at"]
    ]
    for row in _rows(warehouse, FORECAST, "low is not null"):
        truth = arrived.count(row["date"])
        yield Interval("forecast", (row["date"],), row["low"], truth, row["high"])


def _quantiles(fates: list[Row], found: dict[str, Row]) -> Iterator[Interval]:
    for stage, row in found.items():
        for name, share in (("p50", 0.5), ("p90", 0.9)):
            low, high = row[f"{name}_hours_low"], row[f"{name}_hours_high"]
            yield Interval(name, (stage,), low, true_hours(fates, stage, share), high)


def figures(warehouse: Warehouse, where: str = "period = 'all'") -> dict[str, Row]:
    """Return the row of each stage over all orders."""
    warehouse.build(SUMMARY)
    rows = _rows(warehouse, SUMMARY, f"dimension = 'all' and {where}")
    return {row["stage"]: row for row in rows}


def _rows(warehouse: Warehouse, mart: str, where: str) -> list[Row]:
    relation = warehouse.connection.sql(f"from {mart} where {where}")
    rows: list[Row] = relation.to_arrow_table().to_pylist()
    return rows


def true_hours(fates: list[Row], stage: str, share: float) -> float:
    """Return by when that share of all orders ended the stage, those that never do included."""
    start, end = STAGES[stage]
    begun = [order for order in fates if order[start]]
    ended = sorted(order[end] - order[start] for order in begun if order[end])
    hours: float = ended[int(share * len(begun))] / timedelta(hours=1)
    return hours


def true_share(fates: list[Row], week: date, days: int) -> float:
    """Return which share of the orders paid in a week was delivered within the days."""
    start = datetime(week.year, week.month, week.day, tzinfo=UTC)
    paid = [
        order
        for order in fates
        if order["paid_at"] and start <= order["paid_at"] < start + timedelta(7)
    ]
    took = [order["delivered_at"] - order["paid_at"] for order in paid if order["delivered_at"]]
    return sum(1 for way in took if way <= timedelta(days)) / len(paid)
