"""The warehouse as the sync engine sees it: what is known, and one way to add to it.

Rows and the engine's state travel in the same dlt package, and the state is read back from the
destination at the start of each sync. So a process may be killed between any two steps, and the
next one, on this machine or another, goes on from the last package that was loaded whole.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import dlt
import pyarrow as pa

from pipelines.clock import Clock, SystemClock
from pipelines.errors import WarehouseLocked
from pipelines.source.parse import Row
from pipelines.source.schema import ORDER_HISTORY, TABLES, WEBHOOK_LOG_HISTORY, Table
from pipelines.sync.faults import readable_errors
from pipelines.warehouse.connection import READER_TIMEOUT

DATASET = "printora_raw"
PIPELINE = "printora"
_POLL_SECONDS = 0.2

#: What is only ever added to: a row that is there stays as it is.
_APPEND_ONLY = {ORDER_HISTORY.name, WEBHOOK_LOG_HISTORY.name}
_BY_NAME = {table.name: table for table in TABLES}
_BRIEF = ("status", "attempts", "deleted_at", "_origin", "_seen_at", "_fingerprint", "_walk")


class _ExpectedHints(logging.Filter):
    """Drop dlt's note that our JSON columns travel as text: that is how they are declared."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "several column hints were different" not in record.getMessage()


_HINTS = _ExpectedHints()


def resource(table: Table, batches: Iterator[Any]) -> Any:
    """Return the dlt resource that merges Arrow batches into one raw table.

    Rows of one batch must have different keys: neither strategy may meet a repeated one.
    """
    return dlt.resource(batches, name=table.name, **hints_of(table))


def hints_of(table: Table) -> dict[str, Any]:
    """Return how dlt merges a raw table."""
    strategy = "insert-only" if table.name in _APPEND_ONLY else "delete-insert"
    return {
        "primary_key": list(table.key),
        "write_disposition": {"disposition": "merge", "strategy": strategy},
        "columns": {c.name: {"data_type": "json"} for c in table.columns if c.kind == "json"},
    }


def to_arrow(table: Table, rows: Iterable[Row]) -> pa.Table:
    """Return the rows in the table's exact types."""
    return pa.Table.from_pylist(list(rows), schema=table.arrow)


class Store:
    """One destination, opened for one sync. Use as a context manager."""

    def __init__(
        self, destination: Any, pipelines_dir: str | None = None, clock: Clock | None = None
    ) -> None:
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
        self._columns: dict[str, set[str]] = {}
        self.state: dict[str, Any] = {}

    def __enter__(self) -> Store:
        logging.getLogger("dlt").addFilter(_HINTS)
        # The local folder holds nothing that the destination does not: what a killed process left
        # there is older than what another machine may have loaded since.
        self._pipeline.drop()
        with readable_errors():
            self._pipeline.sync_destination()
        self._read_columns()
        sources = self._pipeline.state.get("sources", {})
        self.state = dict(sources.get(PIPELINE, {}).get("sync", {}))
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let others read the destination until it is needed again."""
        if self._client is not None:
            self._client.close_connection()
            self._client = None

    def query(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Run a query on raw tables that are there."""
        self._open()
        with readable_errors():
            return list(self._client.execute_sql(sql, *parameters) or [])

    def has(self, table: Table) -> bool:
        """Tell whether the table was loaded before."""
        return table.name in self._columns

    def select(
        self, table: Table, expressions: str, *conditions: tuple[str, Any]
    ) -> list[tuple[Any, ...]]:
        """Return expressions of the rows that the API still has, and that meet all conditions.

        A condition is SQL with at most one parameter, and its value; None: it has none.
        """
        if not self.has(table):
            return []
        where = ["deleted_at is null"] if "deleted_at" in self._columns[table.name] else []
        where += [sql for sql, _ in conditions]
        parameters = [value for _, value in conditions if value is not None]
        sql = f"select {expressions} from {DATASET}.{table.name}"
        return self.query(sql + (f" where {' and '.join(where)}" if where else ""), *parameters)

    def count(
        self, table: Table, status: str | None = None, since: tuple[str, datetime] | None = None
    ) -> int:
        """Count the rows, all or of one status, without those that the API no longer has.

        ``since`` is an expression of a time, and the earliest one that counts.
        """
        conditions: list[tuple[str, Any]] = []
        if status is not None:
            conditions.append(("status = %s", status))
        if since is not None:
            conditions.append((f"{since[0]} >= %s", since[1]))
        rows = self.select(table, "count(*)", *conditions)
        return int(rows[0][0]) if rows else 0

    def known(self, table: Table, keys: Iterable[str]) -> dict[str, Row]:
        """Return the stored rows of the given keys, whole, by key."""
        return self._by_key(table, keys, [column.name for column in table.columns])

    def brief(self, table: Table, keys: Iterable[str]) -> dict[str, Row]:
        """Return of the given keys what tells whether a row is new, changed or stale, by key."""
        wanted = {table.key[0], *_BRIEF}
        return self._by_key(table, keys, [c.name for c in table.columns if c.name in wanted])

    def _by_key(self, table: Table, keys: Iterable[str], names: list[str]) -> dict[str, Row]:
        key, wanted = table.key[0], list(keys)
        if not wanted or not self.has(table):
            return {}
        # A warehouse that an older version made may lack a column until the next load adds it.
        names = [name for name in names if name in self._columns[table.name]]
        select = f"select {', '.join(names)} from {DATASET}.{table.name} where {key} = any(%s)"
        empty = dict.fromkeys(column.name for column in table.columns)
        rows: Iterator[Row] = (
            empty | dict(zip(names, row, strict=True)) for row in self.query(select, wanted)
        )
        return {row[key]: row for row in rows}

    def load(self, rows: Mapping[str, Iterable[Row]], state: Mapping[str, Any]) -> None:
        """Merge the rows and note the state, in one package."""

        def noting_state(batch: pa.Table) -> Iterator[pa.Table]:
            dlt.current.source_state()["sync"] = dict(state)
            yield batch

        batches = {
            _BY_NAME[name]: to_arrow(_BY_NAME[name], part) for name, part in rows.items() if part
        }
        resources = [resource(table, noting_state(batch)) for table, batch in batches.items()]
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
        self._columns = {}
        for table, column in rows:
            self._columns.setdefault(table, set()).add(column)
