"""Syncs into a lake of Delta tables, compared with what the API really has."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import lake_child
import preloaded
import pytest
from lake_world import LakeWorld, lake_world, placed
from postgres_world import tables
from sync_world import write_ledger

from pipelines.clock import ManualClock
from pipelines.destinations.lake import LakeDestination
from pipelines.sandbox import Limits
from pipelines.source.pseudonyms import Keys, key_file, write_keys

RUNS = "printora_raw.sync_runs"
pytestmark = pytest.mark.long


@pytest.fixture
def here(tmp_path: Path) -> Iterator[LakeWorld]:
    """A world that was loaded once."""
    with lake_world(tmp_path, options={"attempt_failure": 0.2}, limits=Limits.off()) as loaded:
        # Each machine would make a key of its own, and name people otherwise.
        write_keys(key_file(loaded.settings.warehouse_path), Keys.new())
        assert loaded.sync().outcome == "complete"
        yield loaded


def _busy_hour(here: LakeWorld) -> None:
    here.clock.sleep(3600)
    here.sandbox.changes.churn(6, 12)
    write_ledger(here.sandbox, here.settings.warehouse_path.parents[1])


def _assert_goes_on(here: LakeWorld) -> None:
    assert here.sync().outcome == "complete"
    here.assert_exact()
    here.assert_mirrored()


def test_a_mirror_that_is_lost_or_stale_or_damaged_is_made_anew(here: LakeWorld) -> None:
    """Broken: what a mirror of another time knows is certified, or a lost one ends the syncs."""
    here.assert_exact()
    mirror = here.settings.warehouse_path
    old = mirror.read_bytes()
    _busy_hour(here)
    _assert_goes_on(here)
    for content in (None, old, b"no database"):
        mirror.unlink()
        if content is not None:
            mirror.write_bytes(content)
        _assert_goes_on(here)


def test_two_machines_take_turns(here: LakeWorld, tmp_path: Path) -> None:
    """Broken: a machine trusts its mirror, although another one has loaded since."""
    elsewhere = tmp_path / "other" / "mirror.duckdb"
    elsewhere.parent.mkdir()
    shutil.copy(key_file(here.settings.warehouse_path), key_file(elsewhere))
    settings = replace(here.settings, warehouse_path=elsewhere)
    other = LakeWorld(here.sandbox, here.clock, settings)
    for machine in (other, here):
        here.clock.sleep(3600)
        here.sandbox.changes.churn(6, 12)
        write_ledger(here.sandbox, tmp_path)
        _assert_goes_on(machine)


def test_upkeep_changes_no_row(here: LakeWorld, tmp_path: Path) -> None:
    """Broken: merging files loses rows, or makes each sync after it copy the whole lake."""
    for _ in range(2):
        _busy_hour(here)
        assert here.sync().outcome == "complete"
    before, mirror = tables(here), here.settings.warehouse_path
    files = len(here.lake.table(RUNS).file_uris())
    with LakeDestination(str(here.settings.lake_url), mirror, str(tmp_path / "dlt")) as lake:
        lake.compact(kept_hours=0)
    assert tables(here) == before
    assert len(here.lake.table(RUNS).file_uris()) == 1 < files
    assert len(list((tmp_path / "bucket" / "printora_raw" / "sync_runs").glob("*.parquet"))) == 1
    made = mirror.stat().st_ino
    _assert_goes_on(here)
    assert mirror.stat().st_ino == made, "the mirror was copied anew"


def test_rows_that_are_deleted_there_are_read_again(here: LakeWorld) -> None:
    """Broken: the mirror still knows of rows that readers do not find, and certifies them."""
    here.clock.sleep(60)

    def delete(event: object) -> None:
        here.lake.table("printora_raw.orders").delete("status = 'delivered'")

    result = here.sync(listener=delete)
    assert result.resources["orders"].outcome == "partial"
    assert result.resources["orders"].rows_stored == len(here.stored("orders"))
    here.clock.sleep(60)
    _assert_goes_on(here)


def test_killed_at_steps(here: LakeWorld, tmp_path: Path) -> None:
    """Broken: a power loss between two tables of a load loses rows, or rewrites the history."""
    here.clock.sleep(3600)
    here.sandbox.changes.churn(6, 12)
    pending = [key for key, row in here.truth("orders").items() if row["status"] == "pending"]
    here.sandbox.changes.delete_orders(pending[:1])
    write_ledger(here.sandbox, tmp_path)
    here.clock.sleep(1)
    undisturbed = _copy(here, tmp_path)
    assert _killed(undisturbed, None) == 0
    steps = (_folder(undisturbed) / "steps.txt").read_text().splitlines()
    assert {"load", "run", "complete_load", "merge"} <= set(steps)
    last = {step: number for number, step in enumerate(steps)}
    for step in ("load", "run", "complete_load", "merge"):
        there = _copy(here, tmp_path)
        assert _killed(there, last[step]) == -signal.SIGKILL, step
        shutil.rmtree(_folder(there) / "bucket" / "_printora_lock")  # its lease is over
        assert there.sync().outcome == "complete", step
        there.assert_exact()
        there.assert_mirrored()
        assert tables(there) == tables(undisturbed), step


def _copy(here: LakeWorld, scratch: Path) -> LakeWorld:
    """Give another machine a lake as this one is, and a mirror and a key of its own."""
    folder = scratch / f"try{len(list(scratch.glob('try*')))}"
    for part in ("bucket", "local"):
        shutil.copytree(_folder(here) / part, folder / part)
    shutil.copy(_folder(here) / "ledger.jsonl", folder)
    clock = ManualClock(here.clock.now())
    return LakeWorld(here.sandbox, clock, placed(here.settings, folder))


def _killed(there: LakeWorld, at: int | None) -> int:
    """Sync in a process that does not live to take a step; return its exit code."""
    folder = _folder(there)
    arguments = (there.settings.base_url, folder, there.clock.now(), folder / "steps.txt", at)
    process = preloaded.process(lake_child.run, *arguments)
    process.start()
    process.join()
    return int(process.exitcode)


def _folder(there: LakeWorld) -> Path:
    return there.settings.warehouse_path.parents[1]
