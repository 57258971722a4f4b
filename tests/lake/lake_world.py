"""A partner whose warehouse is a lake, read back exactly as it is there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
from postgres_world import PostgresWorld
from sync_world import world

from pipelines.warehouse.lake import Lake, copy_raw, open_lake


class LakeWorld(PostgresWorld):
    """A world whose rows are read from the Delta tables, never from the mirror."""

    @property
    def lake(self) -> Lake:
        """The lake."""
        return open_lake(str(self.settings.lake_url))

    @contextmanager
    def connect(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Copy the raw tables out of the lake."""
        with duckdb.connect() as here:
            here.execute("set TimeZone = 'UTC'")
            copy_raw(self.lake, here)
            yield here


def placed(there: Any, folder: Path) -> Any:
    """Return settings whose lake and mirror are in a folder."""
    return replace(
        there,
        lake_url=f"file://{folder}/bucket",
        warehouse_path=folder / "local" / "mirror.duckdb",
        session_ledger=str(folder / "ledger.jsonl"),
    )


@contextmanager
def lake_world(folder: Path, orders: int = 40, **options: Any) -> Iterator[LakeWorld]:
    """Serve a sandbox that is synced into a lake."""
    with world(folder, orders, **options) as here:
        yield LakeWorld(here.sandbox, here.clock, placed(here.settings, folder))
