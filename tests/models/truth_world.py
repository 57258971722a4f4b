"""A sandbox's history as raw tables, as looking at it now and then would have filled them.

What the models are then compared with comes from the same history, by another way: see truth_marts.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import duckdb
import pyarrow as pa
import truth_goods
import truth_troubles

from pipelines.clock import ManualClock
from pipelines.sandbox import Sandbox, SandboxConfig, WorldOptions
from pipelines.source.schema import TABLES
from pipelines.warehouse import ModelSettings
from pipelines.warehouse.raw import ensure_raw_tables

Row = dict[str, Any]

#: The clocks have changed in America (8 March) and Europe (29 March) in the 30 days before.
AS_OF = datetime(2026, 4, 2, 9, 30, tzinfo=UTC)
STEPS = ("created", "paid", "shipped", "delivered", "cancelled")


_TIMES = {step: f"{step}_at" for step in STEPS}


@dataclass(frozen=True)
class Scenario:
    """A world and how it was looked at."""

    name: str
    zone: str = "UTC"
    order_times: bool = True
    log_times: str = "all"
    lost: float = 0.0
    late: float = 0.0
    repeated: float = 0.0
    ledger_coverage: float = 1.0
    paid_word: str = "processing"
    looks: int = 1
    hours_between_looks: float = 31
    seed: int = 5
    troubled: bool = False
    days: float = 30
    logs_kept: float | None = None
    """For how many days the API lists a log; None: for ever."""


@dataclass
class History:
    """What truly happened, and what looking at it showed."""

    scenario: Scenario
    orders: list[Row] = field(default_factory=list)
    logs: list[Row] = field(default_factory=list)
    sessions: list[Row] = field(default_factory=list)
    looks: list[datetime] = field(default_factory=list)
    #: What happened, whether or not a log row tells of it.
    events: list[Row] = field(default_factory=list)
    #: The same orders half a year later: what became of them.
    fates: list[Row] = field(default_factory=list)

    @classmethod
    def of(cls, scenario: Scenario, orders: int = 500) -> History:
        """Let a sandbox live for thirty days, and take its truth."""
        options = WorldOptions(
            orders=orders,
            seed=scenario.seed,
            days=scenario.days,
            lost=scenario.lost,
            late=scenario.late,
            repeated=scenario.repeated,
            attempt_failure=0.15,
            days_between_outages=8,
        )
        sandbox = Sandbox(SandboxConfig(world=options), clock=ManualClock(AS_OF))
        truth = sandbox.truth
        looks = [
            AS_OF - timedelta(hours=scenario.hours_between_looks * n) for n in range(scenario.looks)
        ][::-1]
        history = cls(
            scenario,
            orders=[row | {"deleted_at": None} for row in truth.orders().to_pylist()],
            logs=truth.webhook_logs().to_pylist(),
            sessions=truth.sessions().to_pylist(),
            looks=looks,
            events=truth.events().to_pylist(),
        )
        known = {order["order_id"] for order in history.orders}
        later = truth.orders((AS_OF + timedelta(days=180)).timestamp()).to_pylist()
        history.fates = [order for order in later if order["order_id"] in known]
        if scenario.logs_kept is not None:
            oldest = looks[0] - timedelta(days=scenario.logs_kept)
            history.logs = [log for log in history.logs if log["created_at"] >= oldest]
        if scenario.troubled:
            history._trouble()
        return history

    def _trouble(self) -> None:
        self.logs = truth_troubles.unsettled(self.logs, self.scenario.seed)
        orders = truth_troubles.without_some(truth_troubles.several_currencies(self.orders))
        if len(self.looks) > 1:
            orders = truth_troubles.deleted_between(orders, self.looks[-2], AS_OF)
        self.orders = orders

    @property
    def settings(self) -> ModelSettings:
        """The settings to build with."""
        return ModelSettings(report_time_zone=self.scenario.zone)

    @cached_property
    def ledger(self) -> list[Row]:
        """The sessions that the partner has written down."""
        chance = random.Random(self.scenario.seed)  # noqa: S311 - a test's choice
        return [row for row in self.sessions if chance.random() < self.scenario.ledger_coverage]

    def seen(self, order: Row) -> datetime:
        """Return when the order was last looked at: what it did later, it alone did not show."""
        return order["last_seen_at"] if order["deleted_at"] else AS_OF

    def looks_at(self, order: Row) -> list[datetime]:
        """Return the looks at the list while the order was still in it."""
        return [look for look in self.looks if look <= self.seen(order)]

    def status(self, order: Row, at: datetime) -> str | None:
        """Return what the list showed of an order at a time; None before it was made."""
        for step in reversed(STEPS):
            reached = order[_TIMES[step]]
            if reached and reached <= at:
                words = {"created": "pending", "paid": self.scenario.paid_word}
                return words.get(step, step)
        return None

    def raw(self) -> dict[str, list[Row]]:
        """Return the rows of every raw table."""
        resources = ("orders", "webhook_logs", "sessions")
        return {
            "orders": [self._order(order) for order in self.orders],
            "webhook_logs": [self._log(log) for log in self.logs],
            "sessions": [
                {name: row[name] for name in ("session_id", "created_at", "mode")}
                | truth_goods.of_session(row["session_id"])
                | {"_seen_at": AS_OF}
                for row in self.ledger
            ],
            "order_history": [seen for order in self.orders for seen in self._seen(order)],
            "sync_runs": [
                {
                    "sync_id": "r1",
                    "resource": resource,
                    "ended_at": AS_OF,
                    "complete_as_of": AS_OF,
                    "outcome": "complete",
                    "evidence": "whole walk",
                }
                for resource in resources
            ],
        }

    def _order(self, order: Row) -> Row:
        seen = self.seen(order)
        kept = {k: v for k, v in order.items() if k not in ("deleted", "last_seen_at")}
        for step in STEPS[1:]:
            if not self.scenario.order_times or (order[f"{step}_at"] or seen) > seen:
                kept[f"{step}_at"] = None
        goods = truth_goods.of_order(order["order_id"]) if self.scenario.order_times else {}
        status = self.status(order, seen)
        return kept | goods | {"status": status, "_origin": "list", "_seen_at": seen}

    def _log(self, log: Row) -> Row:
        kept = {k: v for k, v in log.items() if k not in ("deleted", "deleted_at")}
        if self.scenario.log_times == "created":
            kept |= {"last_attempt_at": None, "delivered_at": None}
        return kept | truth_goods.of_event(log["order_id"]) | {"_seen_at": AS_OF}

    def _seen(self, order: Row) -> list[Row]:
        """Return the order's history as the looks saw it."""
        rows: dict[str, Row] = {}
        before = None
        for look in self.looks_at(order):
            status = self.status(order, look)
            if status and status not in rows:
                rows[status] = {
                    "order_id": order["order_id"],
                    "status": status,
                    "not_before": before,
                    "first_seen_at": look,
                    "origin": "list",
                }
            before = look if status else None
        return list(rows.values())


def loaded(scenario: Scenario, orders: int) -> tuple[duckdb.DuckDBPyConnection, History]:
    """Return a database in memory with a scenario's raw rows, and its history."""
    here, world = duckdb.connect(), History.of(scenario, orders=orders)
    here.execute("set TimeZone = 'UTC'")
    ensure_raw_tables(here)
    insert(here, world.raw())
    return here, world


def insert(connection: Any, raw: dict[str, list[Row]]) -> None:
    """Put the rows into the raw tables."""
    for table in TABLES:
        if rows := raw.get(table.name):
            names = {column.name for column in table.columns}
            tidy = [{k: v for k, v in row.items() if k in names} for row in rows]
            fields = [column.arrow for column in table.columns if column.name in tidy[0]]
            arrow = pa.Table.from_pylist(tidy, schema=pa.schema(fields))
            connection.register("given", arrow)
            connection.execute(f"insert into printora_raw.{table.name} by name from given")
            connection.unregister("given")
