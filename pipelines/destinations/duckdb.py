"""DuckDB as the destination: dlt loads, and the questions are asked of the file itself."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import dlt
import pyarrow as pa
from dlt.common.configuration import configspec
from dlt.destinations.impl.duckdb.configuration import (
    DuckDbClientConfiguration,
    DuckDbCredentials,
)

from pipelines.clock import Clock, SystemClock
from pipelines.destinations.base import DATASET
from pipelines.destinations.batches import Batch, to_arrow
from pipelines.destinations.faults import readable_errors
from pipelines.destinations.sql import SqlReading
from pipelines.destinations.where import JsonObject
from pipelines.errors import WarehouseLocked
from pipelines.source.schema import SYNC_RUNS, Table
from pipelines.warehouse.connection import READER_TIMEOUT

PIPELINE = "printora"
_POLL_SECONDS = 0.2
_CHECKPOINT = "16MB"


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
    statements = [f"set global checkpoint_threshold = '{_CHECKPOINT}'"]
    if memory_limit is not None:
        statements.append(f"set global memory_limit = '{memory_limit}'")
    credentials = _File(statements=statements)
    credentials.database = str(path)
    destination = dlt.destinations.duckdb(credentials)
    destination.spec = _Configuration
    return destination


class _ExpectedHints(logging.Filter):
    """Drop dlt's note that our JSON columns travel as text: that is how they are declared."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "several column hints were different" not in record.getMessage()


_HINTS = _ExpectedHints()


def resource(table: Table, batches: Callable[..., Iterator[Any]], *arguments: Any) -> Any:
    """Return the dlt resource that merges Arrow batches into one raw table.

    Rows of one batch must have different keys: neither strategy may meet a repeated one.
    """

    def made() -> Iterator[Any]:
        yield from batches(*arguments)

    return dlt.resource(made, name=table.name, **hints_of(table))


def hints_of(table: Table) -> dict[str, Any]:
    """Return how dlt merges a raw table."""
    strategy = "insert-only" if table.is_append_only else "delete-insert"
    return {
        "primary_key": list(table.key),
        "write_disposition": {"disposition": "merge", "strategy": strategy},
        "columns": {c.name: {"data_type": "json"} for c in table.columns if c.kind == "json"},
    }


class DuckDBDestination(SqlReading):
    """One DuckDB file, opened for one sync. Use as a context manager.

    ``pipelines_dir``: where dlt keeps packages on their way.
    """

    def __init__(
        self, destination: Any, pipelines_dir: str | None = None, clock: Clock | None = None
    ) -> None:
        super().__init__()
        self._clock = clock or SystemClock()
        # No second copy of the rows stays behind a load: not in the packages, nor in the dataset
        # that dlt merges from.
        dlt.config["load.delete_completed_jobs"] = True
        dlt.config["load.truncate_staging_dataset"] = True
        self._pipeline = dlt.pipeline(
            PIPELINE,
            destination=destination,
            dataset_name=DATASET,
            pipelines_dir=pipelines_dir,  # type: ignore[arg-type]  # dlt means: or None
        )
        self._client: Any = None
        self.state: JsonObject = {}

    def __enter__(self) -> DuckDBDestination:
        logging.getLogger("dlt").addFilter(_HINTS)
        # The local folder holds nothing that the destination does not: what a killed process left
        # there is older than what another machine may have loaded since.
        self._pipeline.drop()
        self._open()  # waits for whoever reads the file: dlt itself would fail at once
        with readable_errors():
            self._pipeline.sync_destination()
        self._read_columns()
        sources = self._pipeline.state.get("sources", {})
        self.state = dict(sources.get(PIPELINE, {}).get("sync", {}))
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger("dlt").removeFilter(_HINTS)
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

    def recent_requests(self, since: datetime) -> list[tuple[datetime, int]]:
        """Return when syncs ended since a time, and how many requests each had made."""
        if not self.has(SYNC_RUNS):
            return []
        sql = (
            f"select ended_at, sum(requests) from {DATASET}.{SYNC_RUNS.name}"
            " where ended_at >= %s group by ended_at"
        )
        return [(row[0], int(row[1] or 0)) for row in self.query(sql, since)]

    def load(self, rows: Mapping[Table, Batch], state: JsonObject) -> None:
        """Merge the rows and note the state, in one package."""

        def noting_state(batch: pa.Table) -> Iterator[pa.Table]:
            dlt.current.source_state()["sync"] = dict(state)
            yield batch

        batches = {table: to_arrow(table, part) for table, part in rows.items() if len(part)}
        resources = [resource(table, noting_state, batch) for table, batch in batches.items()]
        source = dlt.source(lambda: resources, name=PIPELINE, max_table_nesting=0)()
        self._open()  # and so nobody else can, until the load is done
        with readable_errors():
            # `run` would first restore the state from the destination again: it is ours already.
            self._pipeline.extract(source)
            self._pipeline.normalize()
            self._pipeline.load()
        self.state = dict(state)
        if any(not self.has(table) for table in batches):
            self._read_columns()

    def _open(self) -> None:
        """Open the destination; wait for whoever reads it."""
        if self._client is not None:
            return
        give_up = self._clock.now() + READER_TIMEOUT
        while True:
            client = self._pipeline.sql_client()
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

    def _read_columns(self) -> None:
        rows = self.query(
            "select table_name, column_name from information_schema.columns"
            " where table_schema = %s",
            DATASET,
        )
        self.columns = {}
        for table, column in rows:
            self.columns.setdefault(table, set()).add(column)
