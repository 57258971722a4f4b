"""A partner whose warehouse is PostgreSQL, read back exactly as it is there."""

# ruff: noqa: S608 - the names of tables are ours

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
from sync_world import World, world

from pipelines.source.schema import SYNC_RUNS, TABLES
from pipelines.source.values import as_json
from pipelines.warehouse.copying import copy_back
from pipelines.warehouse.postgres import connect, transaction

_MIRRORED = tuple(table.name for table in TABLES if table is not SYNC_RUNS)
#: What a second look notes by itself.
_OWN = ("_walk",)
_COMPARED = ("orders", "webhook_logs", "sessions", "order_history", "webhook_log_history")
Tables = dict[str, set[tuple[Any, ...]]]


class PostgresWorld(World):
    """A world whose rows are read from the database, never from the mirror."""

    @property
    def url(self) -> str:
        """The database."""
        return str(self.settings.postgres_url)

    @contextmanager
    def connect(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Copy the raw tables out of the database."""
        session = connect(self.url)
        with duckdb.connect() as here, transaction(session) as cursor:
            here.execute("set TimeZone = 'UTC'")
            copy_back(cursor, here)
            yield here
        session.close()

    def assert_mirrored(self) -> None:
        """See that the mirror has just the rows of the database, in every column."""
        here = tables(self, *_MIRRORED)
        mirror = str(self.settings.warehouse_path)
        with duckdb.connect(mirror, read_only=True) as connection:
            connection.execute("set TimeZone = 'UTC'")
            found = {name: _rows(connection, name, ()) for name in _MIRRORED}
        assert {name: here[name] ^ rows for name, rows in found.items() if here[name] != rows} == {}


@contextmanager
def postgres_world(
    folder: Path, url: str, orders: int = 60, **options: Any
) -> Iterator[PostgresWorld]:
    """Serve a sandbox that is synced into a database."""
    with world(folder, orders, **options) as here:
        settings = replace(
            here.settings, postgres_url=url, warehouse_path=folder / "local" / "mirror.duckdb"
        )
        yield PostgresWorld(here.sandbox, here.clock, settings)


def tables(here: World, *names: str) -> Tables:
    """Return the rows of raw tables; of those that are compared, without what is each run's own."""
    with here.connect() as connection:
        left_out = () if names else _OWN
        return {name: _rows(connection, name, left_out) for name in names or _COMPARED}


def _rows(
    connection: duckdb.DuckDBPyConnection, name: str, left_out: Collection[str]
) -> set[tuple[Any, ...]]:
    table = next(table for table in TABLES if table.name == name)
    kept = [column for column in table.columns if column.name not in left_out]
    # jsonb writes the same document otherwise: sorted by length, and with blanks.
    names = ", ".join(column.name for column in kept)
    found = connection.execute(f"select {names} from printora_raw.{name}").fetchall()
    rows = {
        tuple(_plain(value, column.kind) for value, column in zip(row, kept, strict=True))
        for row in found
    }
    assert len(rows) == len(found), f"{name} has rows twice"
    return rows


def _plain(value: Any, kind: str) -> Any:
    return as_json(json.loads(value, parse_float=Decimal)) if kind == "json" and value else value
