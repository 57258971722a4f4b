"""The raw tables, there before anything was loaded: models read them whether or not it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.source.schema import MONEY_DIGITS, MONEY_PLACES, TABLES
from pipelines.warehouse.catalog import ColumnType, columns, count, describe, quoted
from pipelines.warehouse.project import RAW_SCHEMA

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from pipelines.source.schema import Kind, Table

_TYPES: dict[Kind, str] = {
    "text": "VARCHAR",
    "money": f"DECIMAL({MONEY_DIGITS}, {MONEY_PLACES})",
    "integer": "BIGINT",
    "time": "TIMESTAMP WITH TIME ZONE",
    "json": "JSON",
}


#: Where an older version left what now has a column: in the payload, in either case.
_IN_PAYLOAD = {
    "total_amount": ("$.data.total_amount", "$.data.totalAmount"),
    "currency": ("$.data.currency",),
    "carrier": ("$.data.carrier",),
    "country": ("$.data.shipping_address.country", "$.data.shippingAddress.country"),
}


def ensure_raw_tables(connection: DuckDBPyConnection) -> None:
    """Create the raw tables and columns that are missing, and describe them all.

    A load makes only what it has rows for: without a ledger there is no table of sessions, and an
    older version of this program loaded fewer columns. What is there is left as it is.
    """
    connection.execute(f"create schema if not exists {quoted(RAW_SCHEMA)}")
    existing = columns(connection)
    for table in TABLES:
        name = f"{RAW_SCHEMA}.{table.name}"
        if name in existing:
            _add_columns(connection, table, {column.name for column in existing[name]})
        else:
            definitions = ", ".join(f'"{c.name}" {_TYPES[c.kind]}' for c in table.columns)
            connection.execute(f"create table {quoted(name)} ({definitions})")
    describe(
        connection,
        [
            (f"{RAW_SCHEMA}.{t.name}", t.description, [(c.name, c.description) for c in t.columns])
            for t in TABLES
        ],
    )


@dataclass(frozen=True)
class RawTable:
    """A raw table as it is now."""

    name: str
    rows: int
    columns: tuple[ColumnType, ...]


def read_raw_tables(connection: DuckDBPyConnection) -> list[RawTable]:
    """Return the raw tables, loaded or not, in the order of the schema."""
    ensure_raw_tables(connection)
    existing = columns(connection)
    names = [f"{RAW_SCHEMA}.{table.name}" for table in TABLES]
    return [RawTable(name, count(connection, name), existing[name]) for name in names]


def _add_columns(connection: DuckDBPyConnection, table: Table, existing: set[str]) -> None:
    name = quoted(f"{RAW_SCHEMA}.{table.name}")
    for column in table.columns:
        if column.name not in existing:
            definition = f"{quoted(column.name)} {_TYPES[column.kind]}"
            connection.execute(f"alter table {name} add column {definition}")
            if "payload" in existing and column.name in _IN_PAYLOAD:
                _fill_from_payload(connection, name, column.name)


def _fill_from_payload(connection: DuckDBPyConnection, name: str, column: str) -> None:
    paths = ", ".join(f"json_extract_string(payload, '{path}')" for path in _IN_PAYLOAD[column])
    kind = _TYPES["money" if column == "total_amount" else "text"]
    connection.execute(
        f"update {name} set {quoted(column)} = try_cast(coalesce({paths}) as {kind})"  # noqa: S608
    )
