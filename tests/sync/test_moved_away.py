"""A DuckDB file that is moved away or replaced while it is loaded into: that is told."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipelines.destinations.batches import Batch
from pipelines.destinations.duckdb import DuckDBDestination, destination_of
from pipelines.errors import WarehouseError
from pipelines.source.schema import SYNC_RUNS
from pipelines.sync.certificate import ResourceCertificate
from pipelines.warehouse import connect

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def load(destination: DuckDBDestination, sync_id: str) -> None:
    """Load one row."""
    row = ResourceCertificate("orders", NOW, NOW).row(sync_id)
    destination.load({SYNC_RUNS: Batch([row])}, {"sync": sync_id})


@pytest.fixture(scope="module")
def one_load(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a warehouse into which something was loaded once."""
    path = tmp_path_factory.mktemp("loaded") / "w.duckdb"
    with opened(path) as destination:
        load(destination, "one")
    return path


@pytest.fixture
def path(one_load: Path, tmp_path: Path) -> Path:
    """Return a copy of it."""
    return Path(shutil.copyfile(one_load, tmp_path / "w.duckdb"))


def opened(path: Path) -> DuckDBDestination:
    """Return the destination; the file is there."""
    connect(path).close()
    return DuckDBDestination(destination_of(path), str(path.parent / "packages"))


def unlink(path: Path) -> None:
    """Remove the file, as somebody does who begins anew."""
    path.unlink()


def replace(path: Path) -> None:
    """Put an empty database in its place, which may well get the same inode."""
    path.unlink()
    connect(path).close()


@pytest.mark.parametrize(
    ("at", "harm"),
    [("open", replace), ("loaded", unlink), ("released", replace), ("editing", unlink)],
)
def test_what_happens_to_the_file_is_told(
    harm: Callable[[Path], None], at: str, path: Path
) -> None:
    """The run ends with code 0 and "Complete", and the rows are in a file that nobody has."""

    def run() -> Iterator[None]:
        with opened(path) as destination:
            if at == "loaded":
                load(destination, "two")
            if at == "released":
                destination.release()
            if at == "editing":
                with destination.editing():
                    harm(path)
            else:
                harm(path)
            yield
            destination.count(SYNC_RUNS)

    steps = run()
    next(steps)
    with pytest.raises(WarehouseError, match="moved away or replaced"):
        next(steps)


def test_a_file_that_was_removed_after_the_last_load_is_told(path: Path) -> None:
    """Nothing is asked of it any more, and what was loaded last is lost without a word."""

    def run() -> None:
        with opened(path) as destination:
            load(destination, "two")
            path.unlink()

    with pytest.raises(WarehouseError, match="moved away or replaced"):
        run()


def test_a_copy_of_before_is_not_the_same(path: Path) -> None:
    """A backup is put back while the run waits: what it loaded before is not in it."""
    before = shutil.copyfile(path, path.with_name("before"))
    with opened(path) as destination:
        load(destination, "two")
        destination.release()
        Path(before).replace(path)
        with pytest.raises(WarehouseError, match="moved away or replaced"):
            destination.count(SYNC_RUNS)


def test_a_file_that_was_written_anew_is_the_same(path: Path) -> None:
    """Getting rid of deleted bytes, which a sync does itself, would end it."""
    with opened(path) as destination:
        with destination.editing():
            copy = shutil.copyfile(path, path.with_name("anew"))
            Path(copy).replace(path)
        assert destination.count(SYNC_RUNS) == 1
        load(destination, "two")
        destination.release()
        assert destination.count(SYNC_RUNS) == 2
