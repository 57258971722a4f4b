"""One writer at a time on a lake, where nothing but objects is there to agree by."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from pipelines.clock import ManualClock, SystemClock
from pipelines.errors import WarehouseError, WarehouseLocked
from pipelines.warehouse.lake import Lake, open_lake
from pipelines.warehouse.lake_lock import FOLDER, LEASE_SECONDS, Lease, writer_lease, writer_of

#: Held, or Python would end them in order.
_killed: list[AbstractContextManager[Lease]] = []


@pytest.fixture(autouse=True)
def buried() -> Iterator[None]:
    """End what was left open while there is something to end."""
    yield
    while _killed:
        _killed.pop().__exit__(None, None, None)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """An empty lake."""
    return open_lake(f"file://{tmp_path}")


@pytest.fixture
def clock() -> ManualClock:
    """Everybody's clock; the file system has one, too."""
    return ManualClock(SystemClock().now())


def _abandoned(lake: Lake, clock: ManualClock) -> Lease:
    """Take the lease as a run does that is killed: it is never given back."""
    found: list[Lease] = []
    _killed.append(writer_lease(lake, clock=clock))
    thread = threading.Thread(target=lambda: found.append(_killed[-1].__enter__()))
    thread.start()
    thread.join()
    return found[0]


def test_a_second_writer_waits_and_is_refused(lake: Lake, clock: ManualClock) -> None:
    """Broken: two runs write at a time, and the older one's rows win."""
    first, waited = _abandoned(lake, clock), list[str]()
    began = clock.now()
    with (
        pytest.raises(WarehouseLocked, match=r"is writing to .* and did not end within 60"),
        writer_lease(lake, timeout=60, on_wait=waited.append, clock=clock),
    ):
        pass
    assert len(waited) == 1
    assert clock.now() - began == pytest.approx(60, abs=2)
    assert Path(sys.argv[0]).name in (writer_of(lake, clock) or "")
    first.check()
    first.release()
    assert writer_of(lake, clock) is None
    with writer_lease(lake, timeout=0, clock=clock) as mine, writer_lease(lake) as same:
        assert mine is same


def test_a_killed_writers_lease_ends(lake: Lake, clock: ManualClock) -> None:
    """Broken: a killed run keeps all others out for ever; or it wakes up, and writes beside one."""
    sleeper, began = _abandoned(lake, clock), clock.now()
    with writer_lease(lake, clock=clock) as lease:
        assert clock.now() - began == pytest.approx(LEASE_SECONDS, abs=2)
        with pytest.raises(WarehouseError, match="has taken over the right to write"):
            sleeper.check()
        lease.check()
    assert len(list((Path(lake.root) / FOLDER).iterdir())) == 1


def test_of_many_at_once_one_wins(lake: Lake, clock: ManualClock) -> None:
    """Broken: two runs that begin at the same moment both have the right."""
    won: list[int] = []
    barrier = threading.Barrier(8)

    def compete(number: int) -> None:
        barrier.wait()
        with writer_lease(lake, timeout=-1, clock=clock):
            won.append(number)
            barrier.wait()  # until the others have lost

    def lose(number: int) -> None:
        try:
            compete(number)
        except WarehouseLocked:
            barrier.wait()

    threads = [threading.Thread(target=lose, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1


def test_half_a_note_is_a_lease(lake: Lake) -> None:
    """Broken: an object that is just being written is taken for one that is free."""
    folder = Path(lake.root) / FOLDER
    folder.mkdir()
    (folder / "000000000007.json").write_text('{"holder')
    assert writer_of(lake) == "Another run"
