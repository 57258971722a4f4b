"""DuckDB as the destination: dlt loads, and the questions are asked of the file itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dlt
from dlt.common.configuration import configspec
from dlt.destinations.impl.duckdb.configuration import (
    DuckDbClientConfiguration,
    DuckDbCredentials,
)

from pipelines.clock import Clock, SystemClock
from pipelines.destinations.batches import Batch, to_arrow
from pipelines.destinations.faults import readable_errors
from pipelines.destinations.packages import Packages
from pipelines.destinations.sql import SqlReading
from pipelines.destinations.where import JsonObject
from pipelines.errors import WarehouseLocked
from pipelines.source.schema import Table
from pipelines.warehouse.connection import READER_TIMEOUT

_POLL_SECONDS = 0.2
_CHECKPOINT = "16MB"
#: DuckDB would keep what it has read until most of the machine's memory is full.
_MEMORY = "256MB"


@configspec(init=False)
class _File(DuckDbCredentials):
    """A database by its path. dlt would take it for a URL, and import SQLAlchemy to parse it."""

    def to_native_representation(self) -> str:
        return str(self.database)

    def __str__(self) -> str:
        return str(self.database)


@configspec(init=False)
class _Configuration(DuckDbClientConfiguration):
    credentials: _File = None  # type: ignore[assignment]  # resolved by dlt, as it does its own


def destination_of(path: Path, memory_limit: str | None = None) -> Any:
    """Return dlt's destination for a DuckDB file.

    dlt would let a gigabyte of the log pile up in memory before it is written; ``memory_limit`` is
    DuckDB's own setting, such as 1GB.
    """
    statements = [
        f"set global checkpoint_threshold = '{_CHECKPOINT}'",
        f"set global memory_limit = '{memory_limit or _MEMORY}'",
    ]
    credentials = _File(statements=statements)
    credentials.database = str(path)
    destination = dlt.destinations.duckdb(credentials)
    destination.spec = _Configuration
    return destination


class DuckDBDestination(SqlReading):
    """One DuckDB file, opened for one sync. Use as a context manager.

    ``pipelines_dir``: where dlt keeps packages on their way.
    """

    def __init__(
        self, destination: Any, pipelines_dir: str | None = None, clock: Clock | None = None
    ) -> None:
        super().__init__()
        self._clock = clock or SystemClock()
        self._packages = Packages(destination, pipelines_dir)
        self._client: Any = None
        self.state: JsonObject = {}

    def __enter__(self) -> DuckDBDestination:
        self._packages.open()
        self._open()  # waits for whoever reads the file: dlt itself would fail at once
        self.state = self._packages.state()
        self.read_columns()
        return self

    def __exit__(self, *_: object) -> None:
        self._packages.close()
        self.release()

    def release(self) -> None:
        """Let others read the file until the next question or load."""
        if self._client is not None:
            self._client.close_connection()
            self._client = None

    def query(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Run a query on raw tables that are there."""
        self._open()
        with readable_errors():
            return list(self._client.execute_sql(sql, *parameters) or [])

    def load(self, rows: Mapping[Table, Batch], state: JsonObject) -> None:
        """Merge the rows and note the state, in one package."""
        batches = {table: to_arrow(table, part) for table, part in rows.items() if len(part)}
        self._open()  # and so nobody else can, until the load is done
        self._packages.load(batches, state)
        self.state = dict(state)
        if any(not self.has(table) for table in batches):
            self.read_columns()

    @contextmanager
    def editing(self) -> Iterator[None]:
        """Let others of this process change the file inside the block."""
        self.release()
        yield

    def _open(self) -> None:
        """Open the destination; wait for whoever reads it."""
        if self._client is not None:
            return
        give_up = self._clock.now() + READER_TIMEOUT
        while True:
            client = self._packages.pipeline.sql_client()
            try:
                with readable_errors():
                    client.open_connection()
            except WarehouseLocked:
                if self._clock.now() >= give_up:
                    raise
                self._clock.sleep(_POLL_SECONDS)
            else:
                self._client = client
                return
