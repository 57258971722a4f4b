"""A destination that fails once: nothing that was read is lost, and each row is counted once."""

# ruff: noqa: S608 - the names of tables are ours

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fast
import pytest
from fast import FastDestination, FastWorld, fast_world

from pipelines.client.errors import ServerFault
from pipelines.destinations.base import DATASET
from pipelines.destinations.where import Row
from pipelines.errors import WarehouseLocked
from pipelines.lists import LISTS
from pipelines.source.records import Rejected
from pipelines.source.schema import SYNC_RUNS, Table
from pipelines.sync import driver, sifting, unread
from pipelines.sync.findings import Findings

ORDERS, HABITS = 60, {"page_clamp": 10}
SPECS = {spec.name: spec for spec in LISTS}


def failing(at: int) -> Callable[[Any], None]:
    """Fail at one call."""
    number = iter(range(10**9))

    def step(_: Any) -> None:
        if next(number) == at:
            raise WarehouseLocked("another process reads the warehouse")

    return step


def assert_nothing_is_lost(here: FastWorld) -> None:
    """Hold tables, history and counts against what the API has, after the next sync."""
    assert here.sync().outcome == "complete"
    here.assert_exact()
    ask = here.connection.execute
    for spec in (SPECS["orders"], SPECS["webhook_logs"]):
        table, history = f"{DATASET}.{spec.table.name}", f"{DATASET}.{spec.history.name}"
        states = f"select {spec.key}, status from"
        assert not ask(f"{states} {table} except {states} {history}").fetchall(), spec.name
        new = f"select sum(rows_new) from {DATASET}.{SYNC_RUNS.name} where resource = ?"
        rows = ask(f"select count(*) from {table}").fetchone()
        assert ask(new, [spec.name]).fetchone() == rows, spec.name


@pytest.fixture(autouse=True)
def _few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let few rows be read by column, and loaded soon."""
    monkeypatch.setattr(driver, "FLUSH_ROWS", 50)
    for module in (sifting, unread):
        monkeypatch.setattr(module, "FEW", 8)


@pytest.mark.parametrize("at", range(13))
def test_a_load_that_fails_once_loses_no_row_and_no_history(at: int, tmp_path: Path) -> None:
    """776 of 1,200 orders would never have a first observation, and others be counted twice."""
    with fast_world(tmp_path, ORDERS, HABITS) as here:
        with pytest.raises(WarehouseLocked):
            here.sync(cut=failing(at))
        assert_nothing_is_lost(here)


@pytest.mark.parametrize("at", range(8))
def test_a_question_that_fails_once_before_a_load_loses_no_row(
    at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows of a thousand records would be dropped, and the scan go on behind them."""
    step = failing(at)

    class Flaky(FastDestination):
        def by_key(
            self, table: Table, keys: Collection[str], columns: Collection[str]
        ) -> list[Row]:
            step(table)
            return super().by_key(table, keys, columns)

    monkeypatch.setattr(fast, "FastDestination", Flaky)
    with fast_world(tmp_path, ORDERS, HABITS) as here:
        with pytest.raises(WarehouseLocked):
            here.sync()
        assert_nothing_is_lost(here)


def test_a_bad_record_that_two_pages_show_is_counted_once() -> None:
    """A certificate would count a record as often as it was met between two loads."""
    findings, bad = Findings(), Rejected("orders", "no id", "0", "{}")
    for _ in range(2):
        findings.add("orders", bad, datetime(2026, 6, 1, tzinfo=UTC))
        findings.clear()
    assert findings.quarantined["orders"] == 1


def test_a_list_that_fails_keeps_the_ledgers_lines(tmp_path: Path) -> None:
    """What was read of the ledger would be thrown away, and be read once more."""
    with fast_world(tmp_path, 5) as here:
        here.sync()
        (new,) = here.sandbox.changes.create_sessions()
        with pytest.raises(ServerFault):
            here.sync(refuse=("/", 500))
        assert new in here.stored("sessions")
