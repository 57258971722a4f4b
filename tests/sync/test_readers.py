"""A program that reads the warehouse itself, now and then: a sync lets it end, and goes on."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from pipelines.clock import ManualClock
from pipelines.destinations.batches import Batch
from pipelines.destinations.duckdb import DuckDBDestination, destination_of
from pipelines.source.schema import SYNC_RUNS
from pipelines.sync import ResourceCertificate
from pipelines.warehouse import ensure_database

START = datetime(2026, 6, 1, 12, tzinfo=UTC)
_READ = (
    "import duckdb, sys; held = duckdb.connect(sys.argv[1], read_only=True);"
    "print('held', flush=True); sys.stdin.read()"
)


class Reading(ManualClock):
    """Time in which a reader that has the file open closes it once somebody waits."""

    def __init__(self, path: Path) -> None:
        super().__init__(START)
        self._path = path
        self.waits = 0
        self.read()

    def read(self) -> None:
        """Open the file in another process."""
        self._reader = subprocess.Popen(
            [sys.executable, "-c", _READ, str(self._path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._reader.stdout is not None
        assert self._reader.stdout.readline() == "held\n"

    def sleep(self, seconds: float) -> None:
        """Let the reader close the file."""
        self.waits += 1
        self._reader.communicate(timeout=30)
        super().sleep(seconds)


def test_a_reader_that_opens_and_closes_is_waited_for(tmp_path: Path) -> None:
    """A BI tool that asks now and then would end one sync in five, where dlt opens the file."""
    path = tmp_path / "printora.duckdb"
    ensure_database(path)
    clock = Reading(path)
    row = ResourceCertificate("orders", START, START).row("s1")
    with DuckDBDestination(destination_of(path), str(tmp_path / "dlt"), clock) as destination:
        assert destination.state == {}
        destination.release()
        clock.read()
        destination.load({SYNC_RUNS: Batch([row])}, {"version": 2})
        destination.release()
        clock.read()
        assert destination.count(SYNC_RUNS) == 1
    assert clock.waits == 3
