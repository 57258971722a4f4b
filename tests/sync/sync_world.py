"""A sandbox, the settings that reach it, and the comparison of a warehouse with its truth."""

# ruff: noqa: S608 - the names of tables are ours

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from pipelines.client.wire import CONTRACTS
from pipelines.clock import ManualClock
from pipelines.sandbox import (
    DEFAULT_KEY,
    DEFAULT_PARTNER,
    Behaviour,
    Limits,
    Sandbox,
    SandboxConfig,
    WorldOptions,
)
from pipelines.settings import Settings
from pipelines.sync import SyncResult, sync

START = datetime(2026, 6, 1, 12, tzinfo=UTC)
Rows = dict[str, dict[str, Any]]

#: What every shape of the API shows of each table.
_ALWAYS = {
    "orders": ("session_id", "status", "total_amount", "currency", "created_at"),
    "webhook_logs": ("order_id", "session_id", "event_type", "status", "attempts"),
    "sessions": ("created_at",),
}
#: And what only the richer ones do.
_FULL_ORDER = ("country", "state", "city", "carrier")
_ORDER_TIMES = ("paid_at", "shipped_at", "delivered_at", "cancelled_at")
_KEYS = {"orders": "order_id", "webhook_logs": "webhook_log_id", "sessions": "session_id"}


@dataclass
class World:
    """One partner: a sandbox that is being served, and a warehouse."""

    sandbox: Sandbox
    clock: ManualClock
    settings: Settings
    certificates: list[SyncResult] = field(default_factory=list)

    def sync(self, **options: Any) -> SyncResult:
        """Run one sync; note its certificate."""
        result = sync(self.settings, clock=self.clock, **options)
        self.certificates.append(result)
        return result

    def query(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Query the warehouse."""
        with self.connect() as connection:
            return connection.execute(sql, parameters).fetchall()

    @contextmanager
    def connect(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open the warehouse."""
        with duckdb.connect(str(self.settings.warehouse_path), read_only=True) as connection:
            connection.execute("set TimeZone = 'UTC'")
            yield connection

    def stored(self, table: str, *, deleted: bool | None = False) -> Rows:
        """Return a raw table's rows by key; ``deleted``: only those that are marked, or not."""
        with self.connect() as connection:
            try:
                found = connection.sql(f"select * from printora_raw.{table}").to_arrow_table()
            except duckdb.CatalogException:
                return {}
        rows = {row[_KEYS[table]]: row for row in found.to_pylist()}
        assert len(rows) == found.num_rows, f"a key of {table} is stored twice"
        if deleted is None or table == "sessions":
            return rows
        return {key: row for key, row in rows.items() if bool(row["deleted_at"]) is deleted}

    def truth(self, table: str, at: float | None = None) -> Rows:
        """Return what the API has, by key."""
        rows = self.sandbox.truth.table(table, at).to_pylist()
        return {row[_KEYS[table]]: row for row in rows if not row.get("deleted")}

    def columns(self, table: str) -> tuple[str, ...]:
        """Return the columns that the API shows in its present shape and the truth knows."""
        behaviour, columns = self.sandbox.behaviour, list(_ALWAYS[table])
        if table == "orders" and behaviour.fields == "full":
            columns += _FULL_ORDER + (_ORDER_TIMES if behaviour.order_times else ())
        if table == "webhook_logs":
            columns += ["event_at"] if behaviour.payload != "none" else []
            columns += ["created_at"] if behaviour.log_times != "none" else []
            columns += ["last_attempt_at", "delivered_at"] if behaviour.log_times == "all" else []
        return tuple(columns)

    def differences(self, table: str) -> list[str]:
        """Return where the warehouse differs from the truth, row by row and column by column."""
        stored, truth = self.stored(table), self.truth(table)
        found = [f"{key} is missing" for key in truth.keys() - stored.keys()]
        found += [f"{key} is not there any more" for key in stored.keys() - truth.keys()]
        for key in sorted(truth.keys() & stored.keys()):
            for column in self.columns(table):
                have, want = stored[key][column], truth[key][column]
                if have != want:
                    origin = stored[key].get("_origin", "")
                    found.append(f"{key}.{column} is {have}, not {want} {origin}")
        return sorted(found)

    def assert_exact(self, *tables: str) -> None:
        """Compare the warehouse with the truth."""
        for table in tables or ("orders", "webhook_logs", "sessions"):
            assert self.differences(table)[:5] == [], table


def settings_for(base_url: str, folder: Path, **changes: Any) -> Settings:
    """Return the settings of the sandbox's partner."""
    settings = Settings(
        api_key=DEFAULT_KEY,
        partner_id=DEFAULT_PARTNER,
        base_url=base_url,
        contract=CONTRACTS["1.0"],
        warehouse_path=folder / "warehouse.duckdb",
        session_ledger=str(folder / "ledger.jsonl"),
    )
    return replace(settings, **changes)


@contextmanager
def world(
    folder: Path,
    orders: int = 300,
    *,
    options: dict[str, Any] | None = None,
    behaviour: Behaviour | None = None,
    limits: Limits | None = None,
    skew: float = 0.0,
    **settings: Any,
) -> Iterator[World]:
    """Serve a sandbox whose time is handed in. Its limits are on: no test may meet a 429."""
    clock = ManualClock(START)
    config = SandboxConfig(
        world=WorldOptions(orders=orders, **(options or {})),
        behaviour=behaviour or Behaviour(),
        limits=limits or Limits(),
        skew=skew,
    )
    sandbox = Sandbox(config, clock=clock)
    write_ledger(sandbox, folder)
    with sandbox.serve() as server:
        yield World(sandbox, clock, settings_for(server.base_url, folder, **settings))


def sync_completely(settings: Settings, now: float) -> None:
    """Sync in a process of its own, which fails unless it comes to complete."""
    os.chdir(settings.warehouse_path.parent)
    result = sync(settings, clock=ManualClock(now))
    assert result.outcome == "complete", result


def write_ledger(sandbox: Sandbox, folder: Path) -> None:
    """Write the partner's list of sessions as it is now."""
    sandbox.ledger.write(folder / "ledger.jsonl")
