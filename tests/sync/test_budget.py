"""Runs that end early, and two of them at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import preloaded
import pytest
from sync_world import World, sync_completely, world

from pipelines.client.errors import Unauthorized
from pipelines.errors import WarehouseLocked
from pipelines.sandbox import Behaviour, FaultPlan, Limits
from pipelines.warehouse.lock import warehouse_lock


def rows_of(here: World) -> int:
    return len(here.truth("orders")) + len(here.truth("webhook_logs"))


def test_a_run_keeps_to_its_budget_and_the_next_goes_on(tmp_path: Path) -> None:
    """A run that ignores its budget, or begins anew each time, would never be done."""
    habits = Behaviour(page_clamp=40)
    with world(tmp_path, 120, behaviour=habits, limits=Limits.off()) as here:
        results = [here.sync(budget=12)]
        while results[-1].outcome != "complete":
            assert results[-1].requests <= 12
            assert results[-1].exit_code == 3
            assert results[-1].stopped_by
            assert here.stored("orders"), "what was read is not usable yet"
            results.append(here.sync(budget=12))
            assert len(results) < 20
        here.assert_exact()
        # Each run that goes on with the one list looks for what is new in the other.
        wasted = 8 * len(results)
        assert sum(result.requests for result in results) <= 1.1 * rows_of(here) / 40 + wasted


def test_a_full_sync_reads_everything_again(tmp_path: Path) -> None:
    """`--full` is what an operator has when nothing else is believed."""
    with world(tmp_path, 60, limits=Limits.off()) as here:
        here.sync()
        here.clock.sleep(60)
        result = here.sync(full=True)
        assert {part.evidence for part in result.resources.values()} == {
            "whole walk",
            "whole ledger",
        }
        assert not any(part.rows_new for part in result.resources.values())


def test_a_fault_in_the_middle_leaves_what_was_read(tmp_path: Path) -> None:
    """An API that fails for good would cost all that was read before."""
    habits = Behaviour(page_clamp=25)
    with world(tmp_path, 125, behaviour=habits, limits=Limits.off()) as here:
        here.sync(budget=10)
        before = len(here.stored("orders"))
        here.sandbox.set_faults(FaultPlan({"error_500": 1.0}))
        with pytest.raises(Exception, match="500"):
            here.sync()
        assert len(here.stored("orders")) == before
        here.sandbox.set_faults(FaultPlan({}))
        assert here.sync().outcome == "complete"
        here.assert_exact()


def test_a_first_sync_that_is_refused_leaves_no_warehouse(tmp_path: Path) -> None:
    """A mistyped key would leave an empty warehouse, and a key of pseudonyms that nobody has."""
    with world(tmp_path, 1, api_key="sk_test_revoked") as here:
        with pytest.raises(Unauthorized):
            here.sync()
        left = {path.name for path in tmp_path.glob("warehouse*")}
        assert left <= {"warehouse.duckdb.lock"}  # for which others may wait


def test_the_second_of_two_syncs_waits(tmp_path: Path) -> None:
    """Two writers of one file would end one of them with a lock error, or double its work."""
    with world(tmp_path, 60, limits=Limits.off()) as here:
        with warehouse_lock(here.settings.warehouse_path):
            second = preloaded.process(sync_completely, here.settings, here.clock.now())
            second.start()
            here.sync()
            second.join(1)
            assert second.exitcode is None
        second.join(120)
        assert second.exitcode == 0
        here.assert_exact()


def test_a_locked_warehouse_is_named(tmp_path: Path) -> None:
    """Somebody who holds the file in a notebook would get a traceback."""
    with world(tmp_path, 20, limits=Limits.off()) as here:
        here.sync()
        holder = subprocess.Popen(
            [
                *(sys.executable, "-c"),
                "import duckdb, sys, time; held = duckdb.connect(sys.argv[1]);"
                "print('held', flush=True); time.sleep(60)",
                str(here.settings.warehouse_path),
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert holder.stdout is not None
            holder.stdout.readline()
            with pytest.raises(WarehouseLocked, match=str(holder.pid)):
                here.sync()
        finally:
            holder.kill()
            holder.communicate()
