"""The raw tables of a DuckDB warehouse, copied into PostgreSQL."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.warehouse.catalog import literal, quoted
from pipelines.warehouse.postgres import Connection, ensure_raw_tables, transaction
from pipelines.warehouse.project import RAW_SCHEMA

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def copy_raw(here: DuckDBPyConnection, there: Connection) -> int:
    """Replace the raw tables in PostgreSQL by those of the warehouse; return how many rows."""
    from pipelines.source.schema import TABLES

    copied = 0
    with transaction(there) as cursor, tempfile.TemporaryDirectory() as folder:
        ensure_raw_tables(cursor)
        file = Path(folder) / "rows.csv"
        for table in TABLES:
            name = f"{RAW_SCHEMA}.{table.name}"
            names = ", ".join(quoted(column.name) for column in table.columns)
            # With every text in quotes, an empty one is not taken for null.
            here.execute(
                f"copy (select {names} from {name}) to {literal(str(file))} "  # noqa: S608 - our own names
                "(format csv, header false, force_quote *)"
            )
            cursor.execute(f"truncate {name}")
            with file.open(encoding="utf-8") as stream:
                cursor.copy_expert(f"copy {name} ({names}) from stdin (format csv)", stream)
            copied += cursor.rowcount
    return copied
