"""Two installations on one machine: neither ever sees, moves or loads what is the other's."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import duckdb
import preloaded
from sync_world import START, settings_for, sync_completely

from pipelines.clock import ManualClock
from pipelines.destinations.duckdb import DuckDBDestination, destination_of
from pipelines.sandbox import Limits, Sandbox, SandboxConfig, WorldOptions
from pipelines.sync.writing import working_folder


def test_two_warehouses_in_one_folder_at_the_same_time(tmp_path: Path) -> None:
    """One partner's orders would end up in the other's file, and be marked as deleted there."""
    clock = ManualClock(START)
    worlds = {
        f"partner{seed}.duckdb": Sandbox(
            SandboxConfig(world=WorldOptions(orders=60, seed=seed), limits=Limits.off()),
            clock=clock,
        )
        for seed in (1, 2)
    }
    with ExitStack() as stack:
        served = {name: stack.enter_context(box.serve()) for name, box in worlds.items()}
        for _ in range(2):
            started = []
            for name, server in served.items():
                settings = settings_for(server.base_url, tmp_path, session_ledger=None)
                settings = replace(settings, warehouse_path=tmp_path / name)
                process = preloaded.process(sync_completely, settings, clock.now())
                process.start()
                started.append(process)
            for process in started:
                process.join(120)
                assert process.exitcode == 0
            clock.sleep(3_600)
        for name, sandbox in worlds.items():
            with duckdb.connect(str(tmp_path / name), read_only=True) as connection:
                rows = connection.execute("select order_id from printora_raw.orders").fetchall()
            truth = sandbox.truth.orders().column("order_id").to_pylist()
            assert {row[0] for row in rows} <= set(truth)
            assert len(rows) >= 60


def test_each_warehouse_has_a_working_folder_of_its_own(tmp_path: Path) -> None:
    """A run would drop the packages of another under its feet."""
    folders = {working_folder(tmp_path / name) for name in ("a.duckdb", "b.duckdb", "c/a.duckdb")}
    assert len(folders) == 3


def test_a_sync_takes_little_of_the_machine_it_runs_on(tmp_path: Path) -> None:
    """Its memory follows the list; and on 64 cores, each with its part, DuckDB is out of it."""
    target = destination_of(tmp_path / "a.duckdb")
    with DuckDBDestination(target, str(tmp_path / "dlt")) as destination:
        for _ in range(2):
            (found,) = destination.query(
                "select current_setting('threads'), current_setting('memory_limit')"
            )
            assert found == (2, "122.0 MiB")
            destination.release()  # and once it is opened anew
