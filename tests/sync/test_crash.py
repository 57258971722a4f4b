"""SIGKILL at every step of a sync, at every request, and at random moments.

Another machine goes on from each thing that a kill leaves: the warehouse is there, and dlt's
working folder is not. What it makes must be what a sync makes that nothing disturbed, down to the
history.

What a kill leaves at a step or a request is what is on the disk while the process is stopped there:
one sync, stopped everywhere, shows it all. ``PRINTORA_THOROUGH=1`` kills one for each instead; some
are killed in any case.
"""

# ruff: noqa: S608 - the names of tables are ours

from __future__ import annotations

import itertools
import os
import random
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import crash_child
import preloaded
import pytest
from sync_world import World, world, write_ledger
from thorough import THOROUGH

from pipelines.clock import ManualClock
from pipelines.sandbox import Limits
from pipelines.source.pseudonyms import Keys, key_file, write_keys

_RANDOM_KILLS = 4 if THOROUGH else 2
#: Of so many steps, one is met by a real kill.
_KILL_EVERY = 1 if THOROUGH else 16
#: What a second look notes by itself, and what no two runs have in common.
_OWN = {"_walk", "_dlt_load_id", "_dlt_id"}
_TABLES = ("orders", "webhook_logs", "sessions", "order_history", "webhook_log_history")

Tables = dict[str, set[tuple[Any, ...]]]
#: Rows by table, and those of ours.
Left = tuple[dict[str, int], Tables]


class Machine:
    """Copies of one warehouse in which syncs are killed, and the world that they read."""

    def __init__(self, here: World, before: Path, scratch: Path) -> None:
        self.here = here
        self._before = before
        self._scratch = scratch
        self._tries = 0
        started = time.monotonic()
        undisturbed, self.steps = self._finish_sync(self.copy())
        self.seconds = time.monotonic() - started
        self.expected = tables(undisturbed)
        self._met: set[tuple[bytes, ...]] = set()
        self._gone_on_from: list[Left] = []

    def copy(self) -> World:
        """Return the warehouse as it was before the sync, in a folder of its own."""
        self._tries += 1
        folder = self._scratch / f"try{self._tries}"
        shutil.copytree(self._before, folder)
        return self._world_in(folder)

    def _world_in(self, folder: Path) -> World:
        path = folder / self.here.settings.warehouse_path.name
        ledger = str(folder / "ledger.jsonl")
        settings = replace(self.here.settings, warehouse_path=path, session_ledger=ledger)
        return World(self.here.sandbox, ManualClock(self.here.clock.now()), settings)

    def start(self, there: World, end_at: int | None = None) -> Any:
        """Start a sync in a process of its own."""
        return self._start(crash_child.run, there, end_at)

    def _start(self, target: Callable[..., None], there: World, *options: Any) -> Any:
        folder = there.settings.warehouse_path.parent
        arguments = (there.settings.base_url, folder, there.clock.now(), folder / "steps.txt")
        process = preloaded.process(target, *arguments, *options)
        process.start()
        return process

    def photos(self, *, at_steps: bool) -> Iterator[World]:
        """Return what was on the disk at each step, or at each request, of one sync."""
        there = self.copy()
        folder = there.settings.warehouse_path.parent
        photos = self._scratch / f"photos{self._tries}"
        photos.mkdir()

        def stop(_: object) -> None:
            os.kill(int((folder / "pid").read_text()), signal.SIGSTOP)

        self.here.sandbox.before_request = None if at_steps else stop
        process = self._start(crash_child.photograph, there, photos, at_steps)
        process.join()
        self.here.sandbox.before_request = None
        assert process.exitcode == 0
        taken = sorted(photos.iterdir(), key=lambda photo: int(photo.name))
        return map(self._world_in, taken)

    def _finish_sync(self, there: World) -> tuple[World, list[str]]:
        process = self.start(there)
        process.join()
        assert process.exitcode == 0
        steps = (there.settings.warehouse_path.parent / "steps.txt").read_text().splitlines()
        return there, steps

    def assert_whole_again(self, there: World, killed_at: str) -> None:
        """Go on elsewhere and compare, unless a kill has left the same before."""
        path = there.settings.warehouse_path
        shutil.rmtree(path.parent / ".printora", ignore_errors=True)
        files = tuple(file.read_bytes() for file in sorted(path.parent.glob(f"{path.name}*")))
        if files not in self._met:
            self._met.add(files)
            left = left_in(there)
            if left not in self._gone_on_from:
                self._gone_on_from.append(left)
                self._go_on(there, killed_at)
        shutil.rmtree(path.parent)

    def _go_on(self, there: World, killed_at: str) -> None:
        result = there.sync()
        assert result.outcome == "complete", killed_at
        there.assert_exact()
        made = tables(there)
        wrong = {name: made[name] ^ rows for name, rows in self.expected.items()}
        assert not any(wrong.values()), (killed_at, wrong)


def left_in(here: World) -> Left:
    """Return the number of rows of every table, dlt's too, and the rows of ours.

    What is on its way is in tables of another schema, which each load empties first.
    """
    if not here.settings.warehouse_path.exists():
        return {}, {}
    with here.connect() as connection:
        names = connection.execute(
            "select table_name from duckdb_tables() where schema_name = 'printora_raw'"
        ).fetchall()
        counts = {
            name: connection.execute(f"select count(*) from printora_raw.{name}").fetchall()[0][0]
            for (name,) in names
        }
    return counts, tables(here, [name for name in _TABLES if name in counts])


def tables(here: World, names: Sequence[str] = _TABLES) -> Tables:
    """Return the rows of all raw tables, without what is each run's own."""
    found: Tables = {}
    with here.connect() as connection:
        for name in names:
            columns = [c[0] for c in connection.execute(f"describe printora_raw.{name}").fetchall()]
            kept = ", ".join(sorted(column for column in columns if column not in _OWN))
            rows = connection.execute(f"select {kept} from printora_raw.{name}").fetchall()
            found[name] = set(rows)
            assert len(found[name]) == len(rows), f"{name} has rows twice"
    return found


@pytest.fixture(
    scope="module",
    params=[
        # One worker makes each once for all of its tests.
        pytest.param(name, marks=pytest.mark.xdist_group(f"crash {name}"))
        for name in ("first load", "later sync")
    ],
)
def machine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Machine]:
    """A first load into nothing, or the sync after a busy hour."""
    scratch = tmp_path_factory.mktemp("crash")
    before = scratch / "before"
    before.mkdir()
    with world(before, 60, options={"attempt_failure": 0.2}, limits=Limits.off()) as here:
        # Each try would make a key of its own, and name people otherwise.
        write_keys(key_file(here.settings.warehouse_path), Keys.new())
        if request.param == "later sync":
            here.sync()
            here.clock.sleep(3600)
            changes = here.sandbox.changes
            changes.churn(6, 12)
            pending = [k for k, row in here.truth("orders").items() if row["status"] == "pending"]
            changes.move(pending[:2], "shipped", log=False)
            changes.delete_orders(pending[2:3])
            write_ledger(here.sandbox, before)
            here.clock.sleep(1)
        shutil.rmtree(before / ".printora", ignore_errors=True)
        yield Machine(here, before, scratch)


def test_killed_at_every_step(machine: Machine) -> None:
    """A power loss between two steps would lose rows, double them, or rewrite the history."""
    assert {"extract", "normalize", "load", "commit"} <= set(machine.steps)
    assert sum(step.startswith(("INSERT", "MERGE", "DELETE")) for step in machine.steps) > 5
    if not THOROUGH:
        photos = machine.photos(at_steps=True)
        for step, there in zip(machine.steps, photos, strict=True):
            machine.assert_whole_again(there, step)
    for number, step in list(enumerate(machine.steps))[::_KILL_EVERY]:
        there = machine.copy()
        process = machine.start(there, end_at=number)
        process.join()
        assert process.exitcode == -signal.SIGKILL, f"step {number} was not reached: {step}"
        machine.assert_whole_again(there, f"step {number}: {step}")


def test_killed_at_every_request(machine: Machine) -> None:
    """A machine that is lost while it waits for an answer would cost what was read before."""
    if not THOROUGH:
        photos = list(machine.photos(at_steps=False))
        assert len(photos) > 5
        for number, there in enumerate(photos):
            machine.assert_whole_again(there, f"request {number}")
        return
    for number in itertools.count():
        there = machine.copy()
        exit_code = _killed_at_request(machine, there, number)
        machine.assert_whole_again(there, f"request {number}")
        if exit_code == 0:
            break  # the sync makes no more requests than that
        assert exit_code == -signal.SIGKILL
    assert number > 5


def _killed_at_request(machine: Machine, there: World, number: int) -> int:
    """Sync in a process that is killed while it waits for an answer; return its exit code."""
    process: Any = None
    seen = iter(range(10**6))

    def hook(_: object) -> None:
        if next(seen) == number:
            while process is None:
                time.sleep(0.001)
            os.kill(process.pid, signal.SIGKILL)

    machine.here.sandbox.before_request = hook
    process = machine.start(there)
    process.join()
    machine.here.sandbox.before_request = None
    return int(process.exitcode)


def test_killed_at_random_moments(machine: Machine) -> None:
    """Between the steps that we can name there are others: a file half written, a table half."""
    chance = random.Random(11)  # noqa: S311 - moments
    killed = 0
    for _ in range(_RANDOM_KILLS):
        there, moment = machine.copy(), chance.uniform(0.1, 1.0) * machine.seconds
        process = machine.start(there)
        process.join(moment)
        process.kill()
        process.join()
        killed += process.exitcode == -signal.SIGKILL
        machine.assert_whole_again(there, f"after {moment:.3f} s of {machine.seconds:.3f}")
    assert killed, "every sync had ended before it could be killed"
