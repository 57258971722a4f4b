"""The writer's lock, with real processes: it is waited for, told, and never left over."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from warehouse_support import run_python, start_python

from pipelines.clock import ManualClock, SystemClock
from pipelines.errors import WarehouseError, WarehouseLocked
from pipelines.warehouse import warehouse_lock
from pipelines.warehouse.lock import holder_of

_HOLD = """
import sys
from pathlib import Path
from pipelines.warehouse import warehouse_lock
with warehouse_lock(Path(sys.argv[1]), command="printora run"):
    print("held", flush=True)
    sys.stdin.readline()
"""


def test_a_run_waits_for_another_process_and_says_for_whom(path: Path) -> None:
    """Two runs at once would fail on DuckDB's lock, in the middle of one of them."""
    told: list[str] = []
    with start_python(_HOLD, path) as other:
        assert other.stdout is not None
        other.stdout.readline()

        class Impatient(SystemClock):
            """Lets the other process go as soon as somebody waits."""

            def sleep(self, seconds: float) -> None:
                assert other.stdin is not None
                if not other.stdin.closed:
                    other.stdin.close()
                super().sleep(seconds)

        with warehouse_lock(path, timeout=30, on_wait=told.append, clock=Impatient()):
            assert other.wait(timeout=30) == 0
    assert len(told) == 1
    assert f"`printora run` (PID {other.pid}, since 20" in told[0]


def test_waiting_ends_with_who_holds_it(path: Path) -> None:
    """A hung run must be found and ended by somebody who has only this text."""
    clock = ManualClock(0)
    with start_python(_HOLD, path) as other:
        assert other.stdout is not None
        other.stdout.readline()
        message = rf"`printora run` \(PID {other.pid}, since .*did not end within 90 seconds"
        with (
            pytest.raises(WarehouseLocked, match=message),
            warehouse_lock(path, timeout=90, clock=clock),
        ):
            pytest.fail("Two runs hold the lock.")
        other.communicate("\n", timeout=30)
    assert 90 <= clock.now() < 91


def test_a_killed_run_leaves_no_lock(path: Path) -> None:
    """A lock that outlives its run has to be removed by hand, at night."""
    with start_python(_HOLD, path) as other:
        assert other.stdout is not None
        other.stdout.readline()
        other.kill()
        other.wait(timeout=30)
    assert holder_of(path) is not None
    with warehouse_lock(path, timeout=0):
        holder = holder_of(path)
        assert holder is not None
        assert holder.pid == os.getpid()


def test_a_run_takes_it_around_parts_that_take_it_too(path: Path) -> None:
    """The main job holds it from the first request to the last check, and so does each part."""
    with warehouse_lock(path, timeout=0):
        with warehouse_lock(path, timeout=0):
            pass
        assert holder_of(path) is not None
        assert run_python(_TRY, path) == "locked\n"
    assert holder_of(path) is None
    assert run_python(_TRY, path) == "free\n"


_TRY = """
import sys
from pathlib import Path
from pipelines.errors import WarehouseLocked
from pipelines.warehouse import warehouse_lock
try:
    with warehouse_lock(Path(sys.argv[1]), timeout=0):
        print("free")
except WarehouseLocked:
    print("locked")
"""


def test_threads_of_one_process_wait_too(path: Path) -> None:
    """Dagster's in-process runs are threads of one server: the lock must hold between them."""
    outcome: list[str] = []

    def contend() -> None:
        try:
            with warehouse_lock(path, timeout=0):
                outcome.append("free")
        except WarehouseLocked:
            outcome.append("locked")

    with warehouse_lock(path, timeout=0):
        thread = threading.Thread(target=contend)
        thread.start()
        thread.join(30)
    assert outcome == ["locked"]


def test_an_error_inside_frees_it(path: Path) -> None:
    """A failed run must not stop the next one in the same process."""
    with pytest.raises(ZeroDivisionError), warehouse_lock(path, timeout=0):
        _ = 1 / 0
    with warehouse_lock(path, timeout=0):
        pass


def test_one_name_of_a_file_locks_its_other_names(path: Path, tmp_path: Path) -> None:
    """A link or a relative path leads to the same database, and so to the same lock."""
    (tmp_path / "link").symlink_to(tmp_path)
    with warehouse_lock(path, timeout=0):
        assert run_python(_TRY, tmp_path / "link" / path.name) == "locked\n"


def test_a_folder_that_cannot_be_written_is_explained(tmp_path: Path) -> None:
    """A `PermissionError` on a name that the user never wrote tells nothing."""
    (tmp_path / "printora.duckdb.lock").mkdir()
    with (
        pytest.raises(WarehouseError, match="No lock file can be made beside"),
        warehouse_lock(tmp_path / "printora.duckdb", timeout=0),
    ):
        pytest.fail("A folder was locked.")
