"""Whether the warehouse is still the file that a run began with.

A file that is moved away while a run lasts is made anew, empty, by whatever opens it next; marts of
nothing would be built there, and called a success.
"""

from __future__ import annotations

from pathlib import Path

from pipelines.errors import WarehouseError
from pipelines.warehouse.connection import READER_TIMEOUT, connect, ensure_database
from pipelines.warehouse.foreign import refuse_foreign


class SameFile:
    """The file at a path, by its place on the disk. Where there is none yet, it is made.

    Raises:
        WarehouseSettingError: it is somebody else's database.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        ensure_database(path)
        self._place = place_of(path)
        self._syncs = _syncs(path)

    def check(self) -> None:
        """See that it is still there.

        A sync may write the file anew, to get rid of deleted bytes: all earlier syncs are in it.

        Raises:
            WarehouseError: it was moved away or replaced.
        """
        place = place_of(self._path)
        if place is None or not self._holds_what_it_held(is_moved=place != self._place):
            raise moved_away(self._path)
        self._place = place

    def _holds_what_it_held(self, *, is_moved: bool) -> bool:
        """Count the certificates: a new file may well get the number of one that was removed."""
        if is_moved:
            return bool(self._syncs) and _syncs(self._path) > self._syncs
        return not self._syncs or _syncs(self._path) >= self._syncs


def moved_away(path: Path) -> WarehouseError:
    """Return the error of a run whose file was moved away or replaced."""
    return WarehouseError(
        f"{path} was moved away or replaced while this run lasted.",
        hint="What it loaded is in two files now. Put the one that was moved back in its "
        "place, and run again: what is missing there is read again.",
    )


def place_of(path: Path) -> tuple[int, int] | None:
    """Return where a file is on the disk; None: nowhere. It stays its own while it is open."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _syncs(path: Path) -> int:
    """Count the certificates in it."""
    with connect(path, read_only=True, wait_seconds=READER_TIMEOUT) as connection:
        refuse_foreign(path, connection)
        there = connection.execute(
            "select 1 from duckdb_tables() "
            "where schema_name = 'printora_raw' and table_name = 'sync_runs'"
        ).fetchone()
        if there is None:
            return 0
        row = connection.execute("select count(*) from printora_raw.sync_runs").fetchone()
        return int(row[0]) if row else 0
