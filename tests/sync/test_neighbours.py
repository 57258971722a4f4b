"""Two installations on one machine: neither ever sees, moves or loads what is the other's."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from contextlib import ExitStack
from pathlib import Path

import duckdb
from sync_world import START

from pipelines.clock import ManualClock
from pipelines.destinations.duckdb import DuckDBDestination, destination_of
from pipelines.sandbox import Limits, Sandbox, SandboxConfig, WorldOptions
from pipelines.sync.wiring import working_folder

_CHILD = """
    import sys
    from dataclasses import replace
    from pathlib import Path
    sys.path.insert(0, sys.argv[1])
    from sync_world import settings_for
    from pipelines.clock import ManualClock
    from pipelines.sync import sync
    folder = Path(sys.argv[3])
    settings = replace(settings_for(sys.argv[2], folder), session_ledger=None)
    settings = replace(settings, warehouse_path=folder / sys.argv[4])
    print(sync(settings, clock=ManualClock(float(sys.argv[5]))).outcome)
"""


def _start(base_url: str, folder: Path, name: str, now: float) -> subprocess.Popen[str]:
    arguments = [str(Path(__file__).parent), base_url, str(folder), name, str(now)]
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(_CHILD), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
    )


def test_two_warehouses_in_one_folder_at_the_same_time(tmp_path: Path) -> None:
    """One partner's orders would end up in the other's file, and be marked as deleted there."""
    clock = ManualClock(START)
    worlds = {
        f"partner{seed}.duckdb": Sandbox(
            SandboxConfig(world=WorldOptions(orders=250, seed=seed), limits=Limits.off()),
            clock=clock,
        )
        for seed in (1, 2)
    }
    with ExitStack() as stack:
        served = {name: stack.enter_context(box.serve()) for name, box in worlds.items()}
        for _ in range(2):
            started = {
                name: _start(server.base_url, tmp_path, name, clock.now())
                for name, server in served.items()
            }
            for process in started.values():
                output, errors = process.communicate(timeout=120)
                assert output.strip().endswith("complete"), errors
            clock.sleep(3_600)
        for name, sandbox in worlds.items():
            with duckdb.connect(str(tmp_path / name), read_only=True) as connection:
                rows = connection.execute("select order_id from printora_raw.orders").fetchall()
            truth = sandbox.truth.orders().column("order_id").to_pylist()
            assert {row[0] for row in rows} <= set(truth)
            assert len(rows) >= 250


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
