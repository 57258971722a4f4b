"""Loaded by many syncs or by one: the same world gives the same marts."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from model_support import project, undescribed

# The served sandbox is that of the sync's tests.
sys.path.insert(0, str(Path(__file__).parents[1] / "sync"))

from sync_world import world, write_ledger
from thorough import THOROUGH

from pipelines.sandbox import Behaviour, Limits
from pipelines.sync import sync
from pipelines.warehouse import ModelSettings
from pipelines.warehouse.build import build
from pipelines.warehouse.connection import connect

#: How many requests it took is not about the world.
_OF_THE_SYNC = {"last_sync_id", "last_seen_at", "last_outcome", "last_ended_at", "lag_seconds"}
_OF_THE_SYNC |= {"evidence", "rows_reported", "rows_stored", "as_of", "complete_as_of"}
MARTS = [model for model in project().models if model.schema == "analytics"]


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep dlt's working folder and its telemetry out of the machine."""
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path / "dlt"))
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    monkeypatch.setenv("RUNTIME__LOG_LEVEL", "ERROR")


@pytest.mark.parametrize("order_times", [True, False] if THOROUGH else [False])
def test_many_syncs_give_the_marts_of_one(tmp_path: Path, order_times: bool) -> None:
    """What a sync only heard of by an event must end up as if the list had been read whole."""
    behaviour = Behaviour(order_times=order_times)
    options = {"lost": 0.0, "late": 0.0}
    with world(
        tmp_path,
        150,
        behaviour=behaviour,
        limits=Limits.off(),
        options=options,
        pseudonym_key="the same key for the one warehouse and the other",
    ) as here:
        for hours in (0, 30, 80):
            here.clock.sleep(hours * 3600)
            write_ledger(here.sandbox, tmp_path)
            here.sync()
        # Deliveries that were still being tried are settled for both.
        here.clock.sleep(4 * 3600)
        write_ledger(here.sandbox, tmp_path)
        here.sync()
        as_of = datetime.fromtimestamp(here.clock.now()).astimezone()
        at_once = replace(here.settings, warehouse_path=tmp_path / "at_once.duckdb")
        sync(at_once, clock=here.clock)
        assert marts(here.settings.warehouse_path, as_of) == marts(at_once.warehouse_path, as_of)


def marts(path: Path, as_of: datetime) -> dict[str, list[tuple[str, ...]]]:
    """Build the marts as of the same time and return them as text."""
    with connect(path) as connection:
        connection.execute(
            "update printora_raw.sync_runs set complete_as_of = ? where complete_as_of is not null",
            [as_of],
        )
        build(connection, undescribed(), ModelSettings())
        found = {}
        for model in MARTS:
            names = [c.name for c in model.columns if c.name not in _OF_THE_SYNC]
            query = f"select {', '.join(names)} from {model.qualified}"  # noqa: S608
            rows = connection.execute(query).fetchall()
            found[model.name] = sorted(tuple(_text(value) for value in row) for row in rows)
        return found


def _text(value: Any) -> str:
    return f"{value:.9f}" if isinstance(value, float) else str(value)
