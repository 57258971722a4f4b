"""A DuckDB file that holds the raw rows of a destination which is slow to ask, or cannot be asked.

It is a copy and never the truth: it names the package that the destination took last, and counts
only while the destination names the same one. In doubt it is thrown away and copied anew.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipelines.clock import Clock
from pipelines.destinations.base import DATASET
from pipelines.destinations.sql import SqlReading
from pipelines.errors import WarehouseLocked
from pipelines.source.schema import Table
from pipelines.warehouse.catalog import transaction
from pipelines.warehouse.connection import READER_TIMEOUT, connect, log_of
from pipelines.warehouse.raw import ensure_raw_tables

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_PACKAGE = "mirrored.package"


class Mirror(SqlReading):
    """The file at a path; it is opened when it is asked, and closed by :meth:`close`."""

    def __init__(self, path: Path, clock: Clock) -> None:
        super().__init__()
        self.path = path
        self._clock = clock
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection: DuckDBPyConnection | None = None
        #: There while something of ours changes the file: whoever finds it trusts the file no more.
        self._doubt = path.with_name(f"{path.name}.changing")

    @property
    def connection(self) -> DuckDBPyConnection:
        """The open file."""
        if self._connection is None:
            self._connection = connect(self.path, wait_seconds=READER_TIMEOUT, clock=self._clock)
        return self._connection

    def close(self) -> None:
        """Close the file; the next question opens it again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def query(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Run a query."""
        return self.connection.execute(sql.replace("%s", "?"), list(parameters)).fetchall()

    def package(self) -> str | None:
        """Return the package that the rows are as of; None where they cannot be trusted."""
        if self._doubt.exists() or not self.path.exists():
            return None
        try:
            (row,) = self.query(f"select id from {_PACKAGE}")
        except WarehouseLocked:
            raise
        except Exception:  # damaged, cut off, of another kind: whatever it is, it is copied anew
            self.close()
            return None
        return str(row[0])

    def derive(self, package: str, fill: Callable[[DuckDBPyConnection], None]) -> None:
        """Make the file anew; ``fill`` copies the rows of the destination into it."""
        self.discard()
        with self.changing():
            with transaction(self.connection):
                fill(self.connection)
                ensure_raw_tables(self.connection)
                self.connection.execute("create schema mirrored")
                self.connection.execute(f"create table {_PACKAGE} as select ? as id", [package])
            self.read_columns()

    def merge(self, batches: Mapping[Table, pa.Table], package: str | None) -> None:
        """Add what the destination has taken, with the package that it names now; None: unsure."""
        with transaction(self.connection):
            for table, batch in batches.items():
                self._merge(table, batch)
            self.note(package)

    def note(self, package: str | None) -> None:
        """Name the package that the rows are as of."""
        self.connection.execute(f"update {_PACKAGE} set id = ?", [package or ""])

    def discard(self) -> None:
        """Throw the file away."""
        self.close()
        for path in (self.path, log_of(self.path)):
            path.unlink(missing_ok=True)

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Hold the file for unsure if the block does not come to its end."""
        self._doubt.touch()
        yield
        self._doubt.unlink()

    @contextmanager
    def edited(self) -> Iterator[Callable[[], Path | None]]:
        """Let others of this process change the file in the block.

        Yields a function that tells afterwards whether anybody did: then it returns a copy of the
        file as it was before, which is there until the block ends.
        """
        self.close()
        before = self.path.with_name(f"{self.path.name}.before")
        shutil.copyfile(self.path, before)
        state = _identity(self.path)
        try:
            with self.changing():
                yield lambda: before if _identity(self.path) != state else None
        finally:
            with suppress(OSError):
                before.unlink()

    def _merge(self, table: Table, batch: pa.Table) -> None:
        connection, place = self.connection, f"{DATASET}.{table.name}"
        same = " and ".join(f"t.{key} = b.{key}" for key in table.key)
        names = ", ".join(batch.column_names)
        connection.register("batch", batch)
        fresh = f"select {names} from batch b"
        if table.is_append_only:
            fresh += f" where not exists (select 1 from {place} t where {same})"
        else:
            connection.execute(f"delete from {place} t using batch b where {same}")
        connection.execute(f"insert into {place} ({names}) {fresh}")
        connection.unregister("batch")


def _identity(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


class Mirrored(SqlReading):
    """A destination that is asked through its mirror."""

    _mirror: Mirror
    _stack: ExitStack

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def release(self) -> None:
        """Close the mirror until the next question; the right to write stays."""
        self._mirror.close()

    def query(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Run a query on the mirror."""
        return self._mirror.query(sql, *parameters)
