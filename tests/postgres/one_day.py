"""A day of runs, one each quarter of an hour, in which much goes wrong; time is handed in.

The world changes all day, and its API fails now and then. In some ticks worse happens: the shop
uses the hour's quota up, a run is killed at a request, or somebody holds the warehouse. After each
tick all that must never be wrong is looked at.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import httpx
import preloaded
from postgres_world import PostgresWorld
from sync_world import START, World, settings_for, write_ledger

from pipelines.cli.publishing import objection
from pipelines.client.governor import Limit
from pipelines.client.wire import V1_0
from pipelines.clock import ManualClock
from pipelines.errors import PrintoraError, WarehouseLocked
from pipelines.sandbox import Limits, Sandbox, SandboxConfig, WorldOptions
from pipelines.sandbox.faults import FaultPlan
from pipelines.settings import Settings
from pipelines.sync import SyncResult, sync
from pipelines.warehouse import ModelSettings, build, connect, load_project, publish, run_checks
from pipelines.warehouse.postgres import connect as open_database
from pipelines.warehouse.postgres_build import prepared
from pipelines.warehouse.postgres_lock import KEY
from pipelines.warehouse.publish import published_path

Trouble = Literal["quota", "killed", "locked"]
#: A day of 96 runs: the quota runs out once, two workers are killed, a lock is held once.
TROUBLES: Mapping[int, Trouble] = {9: "quota", 30: "killed", 47: "locked", 70: "killed"}
QUARTER = 900.0
#: Requests an hour, of which a fifth is the shop's.
QUOTA = 150
_OURS = 0.8 * QUOTA
_FAULTS = {"error_500": 0.02, "html_502": 0.01, "cut_connection": 0.01, "broken_json": 0.01}
_SNAPSHOT = "select max(last_sync_id) from analytics.data_freshness"


@dataclass
class Day:
    """One warehouse's day. ``good``: the sync of the last run whose models were built."""

    here: World
    good: str | None = None
    requests: list[int] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    complete: int = 0

    def run(self, ticks: int, troubles: Mapping[int, Trouble]) -> None:
        """Run a tick each quarter of an hour; then one without trouble, which must be exact."""
        chance = random.Random(3)  # noqa: S311 - the world's changes
        for tick in range(ticks):
            self._change(chance)
            self.here.sandbox.requests.clear()
            getattr(self, f"_tick_{troubles.get(tick, 'plain')}")()
            self.requests.append(self.here.sandbox.requests.count)
            self._look(tick)
            self.here.clock.sleep(START.timestamp() + (tick + 1) * QUARTER - self.here.clock.now())
        self.here.sandbox.faults.plan = FaultPlan()
        self.here.clock.sleep(3 * 3600)
        write_ledger(self.here.sandbox, self._folder)
        assert self.here.sync(full=True).outcome == "complete"
        self.here.assert_exact()

    # Ticks -----------------------------------------------------------------------------------

    def _tick_plain(self) -> None:
        try:
            self._run(sync(self.here.settings, clock=self.here.clock, listener=self._watch))
        except PrintoraError as error:
            self.failed.append(str(error))

    def _tick_quota(self) -> None:
        """Let the shop use up what is left of the hour."""
        settings = self.here.settings
        headers = {"Authorization": f"Bearer {settings.api_key}"}
        path = f"/api/v1/partners/{settings.partner_id}/orders?limit=1"
        faults = self.here.sandbox.faults
        plan, faults.plan = faults.plan, FaultPlan()
        with httpx.Client(base_url=settings.base_url, headers=headers) as shop:
            while shop.get(path).status_code != 429:
                self.here.clock.sleep(1.2)  # as the minute's limit allows
        faults.plan = plan
        self.here.sandbox.requests.clear()
        before = len(self.failed)
        result = sync(settings, clock=self.here.clock)
        assert result.stopped_by or result.outcome != "complete", "there was quota left"
        assert len(self.failed) == before
        if result.is_usable:
            self._run(result)

    def _tick_killed(self) -> None:
        seen, process = iter(range(10**6)), _Process()

        def hook(_: object) -> None:
            if next(seen) == 2:
                process.kill()

        self.here.sandbox.before_request = hook
        process.begin(_sync_in_process, self.here.settings, self.here.clock.now())
        process.end()
        self.here.sandbox.before_request = None

    def _tick_locked(self) -> None:
        with self._held():
            try:
                sync(self.here.settings, clock=self.here.clock)
            except WarehouseLocked:
                return
        raise AssertionError("a sync wrote into a warehouse that somebody held")

    @contextmanager
    def _held(self) -> Iterator[None]:
        process, path = _Process(), self.here.settings.warehouse_path
        process.begin(_hold, str(path), str(path.with_name("held")))
        while not path.with_name("held").exists():
            time.sleep(0.01)
        yield
        process.kill()
        process.end()

    def _run(self, result: SyncResult) -> None:
        """Build, as a run does after a sync."""
        if result.is_usable:
            self.good = result.sync_id if self._build() else self.good
        self._judge(result)

    def _build(self) -> bool:
        """Build, and tell whether readers may have it."""
        path, project = self.here.settings.warehouse_path, load_project()
        with connect(path) as connection:
            build(connection, project, ModelSettings())
            if objection(run_checks(connection, project)):
                return False
            publish(connection, project, published_path(path))
        return True

    # What must never be wrong -----------------------------------------------------------------

    def published(self) -> str | None:
        """Return the sync that readers read of."""
        path = published_path(self.here.settings.warehouse_path)
        if not path.exists():
            return None
        with connect(path, read_only=True) as connection:
            found: str | None = connection.execute(_SNAPSHOT).fetchall()[0][0]
            return found

    def _watch(self, event: object) -> None:
        """See, while a run lasts, that readers have what the last good one made."""
        del event
        assert self.published() == self.good

    def _look(self, tick: int) -> None:
        assert self.published() == self.good, f"tick {tick}: readers have an older snapshot"
        hour = sum(self.requests[-4:])
        assert hour <= _OURS, f"tick {tick}: {hour} requests within the hour"

    def _judge(self, result: SyncResult) -> None:
        """See that a certificate is true: all that there was then is there, as it was."""
        for name, part in result.resources.items():
            if part.complete_as_of is None:
                continue
            self.complete += 1
            stored = self.here.stored(name, deleted=None)
            listed = [row for row in stored.values() if not row.get("deleted_at")]
            assert part.rows_stored == len(listed), name
            then = self.here.truth(name, part.complete_as_of.timestamp())
            now = self.here.truth(name)
            for key in (key for key, row in then.items() if row == now.get(key)):
                assert key in stored, f"{name} {key} is lost"
                for column in self.here.columns(name):
                    assert stored[key][column] == then[key][column], (name, key, column)

    def _change(self, chance: random.Random) -> None:
        changes = self.here.sandbox.changes
        changes.churn(chance.randint(0, 3), chance.randint(0, 6))
        write_ledger(self.here.sandbox, self._folder)

    @property
    def _folder(self) -> Path:
        return Path(str(self.here.settings.session_ledger)).parent


class PostgresDay(Day):
    """The same in PostgreSQL, where the marts are what readers read."""

    def _build(self) -> bool:
        session = open_database(str(self.here.settings.postgres_url))
        with prepared(session, load_project(), ModelSettings()) as new:
            new.keeps_old = bool(objection(new.checks))
        session.close()
        return not new.keeps_old

    def published(self) -> str | None:
        """Return the sync that readers read of."""
        session = open_database(str(self.here.settings.postgres_url))
        with session, session.cursor() as cursor:
            cursor.execute("select to_regclass('analytics.data_freshness')")
            found = None
            if cursor.fetchone()[0]:
                cursor.execute(_SNAPSHOT)
                found = cursor.fetchone()[0]
        session.close()
        return found

    @contextmanager
    def _held(self) -> Iterator[None]:
        session = open_database(str(self.here.settings.postgres_url))
        with session, session.cursor() as cursor:
            cursor.execute("select pg_advisory_lock(%s, %s)", KEY)
        yield
        session.close()


@contextmanager
def day(folder: Path, orders: int, url: str | None = None) -> Iterator[Day]:
    """Serve a world whose API has an hour's quota, and fails now and then."""
    clock = ManualClock(START)
    limits = Limits(per_long=QUOTA, long_seconds=3_600.0)
    faults = FaultPlan(chances=_FAULTS)
    world = WorldOptions(orders=orders, attempt_failure=0.1)
    sandbox = Sandbox(SandboxConfig(world=world, limits=limits, faults=faults), clock=clock)
    write_ledger(sandbox, folder)
    contract = replace(V1_0, limits=(V1_0.limits[0], Limit("hour", 3_600, QUOTA)))
    with sandbox.serve() as server:
        settings = settings_for(server.base_url, folder, contract=contract, postgres_url=url)
        kind, world_kind = (PostgresDay, PostgresWorld) if url else (Day, World)
        yield kind(world_kind(sandbox, clock, settings))


class _Process:
    """A process that can be killed from another thread as soon as it runs."""

    _process: Any = None

    def begin(self, target: Callable[..., None], *arguments: Any) -> None:
        self._process = preloaded.process(target, *arguments)
        self._process.start()

    def end(self) -> None:
        self._process.join()
        assert self._process.exitcode == -signal.SIGKILL, "it was over before it could be killed"

    def kill(self) -> None:
        while self._process is None or self._process.pid is None:
            time.sleep(0.001)
        os.kill(self._process.pid, signal.SIGKILL)


def _sync_in_process(settings: Settings, now: float) -> None:
    sync(settings, clock=ManualClock(now))


def _hold(path: str, ready: str) -> None:
    """Keep a DuckDB file open, as a notebook does."""
    import duckdb

    with duckdb.connect(path, read_only=True):
        Path(ready).touch()
        time.sleep(600)
