"""DuckDB as the destination: dlt loads, and the questions are asked of the file itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import dlt
from dlt.common.configuration import configspec
from dlt.destinations.impl.duckdb.configuration import (
    DuckDbClientConfiguration,
    DuckDbCredentials,
)

from pipelines.clock import Clock, SystemClock
from pipelines.destinations.base import DATASET
from pipelines.destinations.batches import Batch, to_arrow
from pipelines.destinations.faults import readable_errors
from pipelines.destinations.packages import Packages, as_given
from pipelines.destinations.sql import SqlReading
from pipelines.destinations.where import JsonObject
from pipelines.errors import WarehouseError
from pipelines.source.schema import Table
from pipelines.warehouse.connection import READER_TIMEOUT, when_free
from pipelines.warehouse.same_file import moved_away, place_of

#: dlt's table of the packages that it has loaded.
_LOADS = "_dlt_loads"
_CHECKPOINT = "16MB"
#: DuckDB would keep what it has read until most of the machine's memory is full.
_MEMORY = "128MB"
#: Each thread takes its part of that, and a machine of many cores would be out of it at once.
_THREADS = 2


@configspec(init=False)
class _File(DuckDbCredentials):
    """A database by its path. dlt would take it for a URL, and import SQLAlchemy to parse it."""

    @classmethod
    def get_resolvable_fields(cls) -> dict[str, Any]:
        return as_given(super().get_resolvable_fields())

    def to_native_representation(self) -> str:
        return str(self.database)

    def __str__(self) -> str:
        return str(self.database)


@configspec(init=False)
class _Configuration(DuckDbClientConfiguration):
    credentials: _File = None  # type: ignore[assignment]  # resolved by dlt, as it does its own

    @classmethod
    def get_resolvable_fields(cls) -> dict[str, Any]:
        return {**as_given(super().get_resolvable_fields()), "credentials": _File}


def destination_of(path: Path, memory_limit: str | None = None) -> Any:
    """Return dlt's destination for a DuckDB file.

    dlt would let a gigabyte of the log pile up in memory before it is written; ``memory_limit`` is
    DuckDB's own setting, such as 1GB.
    """
    statements = [
        f"set global checkpoint_threshold = '{_CHECKPOINT}'",
        f"set global memory_limit = '{memory_limit or _MEMORY}'",
        f"set global threads = {_THREADS}",
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
        self._place: tuple[int, int] | None = None
        self._loads: list[tuple[Any, ...]] | None = None
        self.state: JsonObject = {}

    def __enter__(self) -> DuckDBDestination:
        self._packages.open()
        self._open()  # waits for whoever reads the file: dlt itself would fail at once
        self.state = self._packages.state()
        self.read_columns()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with suppress(WarehouseError) if kind else nullcontext():
            self.release()

    def release(self) -> None:
        """Let others read the file until the next question or load.

        Raises:
            WarehouseError: it is not in its place any more, and what was loaded goes with it.
        """
        if self._client is not None:
            client, self._client = self._client, None
            try:
                self._check_place(client)
            finally:
                client.close_connection()

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
        self.state, self._loads = dict(state), self._packages_in(self._client)
        if any(not self.has(table) for table in batches):
            self.read_columns()

    @contextmanager
    def editing(self) -> Iterator[None]:
        """Let others of this process change the file inside the block."""
        self.release()
        yield

    def _open(self) -> None:
        """Open the destination; wait for whoever reads it.

        Raises:
            WarehouseError: the file is not the one that this sync began with.
        """
        if self._client is not None:
            self._check_place(self._client)
            return
        client = when_free(self._opened, READER_TIMEOUT, self._clock)
        loads = self._packages_in(client)
        if self._loads not in (None, loads):
            client.close_connection()
            raise moved_away(_path(client))
        self._client, self._loads, self._place = client, loads, place_of(_path(client))

    def _check_place(self, client: Any) -> None:
        """See that what is open is what stands there: while it is, no other file looks like it."""
        if place_of(_path(client)) != self._place:
            raise moved_away(_path(client))

    def _packages_in(self, client: Any) -> list[tuple[Any, ...]]:
        """Return what tells the file from others, wherever it is: what was loaded into it."""
        there = "select 1 from duckdb_tables() where schema_name = %s and table_name = %s"
        with readable_errors():
            if not client.execute_sql(there, DATASET, _LOADS):
                return []
            loads = client.execute_sql(f"select count(*), max(load_id) from {DATASET}.{_LOADS}")
        return list(loads)

    def _opened(self) -> Any:
        client = self._packages.pipeline.sql_client()
        with readable_errors():
            client.open_connection()
        return client


def _path(client: Any) -> Path:
    return Path(str(client.credentials.database))
