"""The builder's own tables: what it made, with the stamp of each, and the settings it was told."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from pipelines.warehouse.catalog import comment_on, quoted
from pipelines.warehouse.project import BUILD_SETTINGS, BUILT_MODELS
from pipelines.warehouse.settings import ModelSettings

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_TYPES = {"str": "varchar", "int": "integer"}
_MODELS = "What was built from sql/: only this is ever replaced or dropped. One row per model."
_COLUMNS = [
    ("model", "Schema and name of a table or view that a build made."),
    ("stamp", "Hash of its SQL and of all that it was computed from: see stamps.py."),
]


def read_built(connection: DuckDBPyConnection, existing: Collection[str]) -> dict[str, str | None]:
    """Return what former builds made and is still there, with the stamp of each.

    A build by a version that knew no stamps has none.
    """
    if BUILT_MODELS not in existing:
        return {}
    cursor = connection.execute(f"select * from {quoted(BUILT_MODELS)}")  # noqa: S608 - our own name
    names = [column[0] for column in cursor.description or ()]
    rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return {row["model"]: row.get("stamp") for row in rows if row["model"] in existing}


def write_built(connection: DuckDBPyConnection, built: Mapping[str, str | None]) -> None:
    """Write down what is built now."""
    name = quoted(BUILT_MODELS)
    connection.execute(f"drop table if exists {name}")
    connection.execute(f"create table {name} (model varchar, stamp varchar)")
    comment_on(connection, "table", BUILT_MODELS, _MODELS, _COLUMNS)
    _insert(connection, BUILT_MODELS, sorted(built.items()))


def read_settings(
    connection: DuckDBPyConnection, existing: Collection[str]
) -> tuple[object, ...] | None:
    """Return the settings of the last build, as a row; None before the first."""
    if BUILD_SETTINGS not in existing:
        return None
    row = connection.execute(f"select * from {quoted(BUILD_SETTINGS)}").fetchone()  # noqa: S608 - our own name
    return tuple(row) if row else None


def write_settings(connection: DuckDBPyConnection, settings: ModelSettings) -> None:
    """Put the settings where models read them."""
    fields = dataclasses.fields(settings)
    columns = ", ".join(f"{quoted(f.name)} {_TYPES[str(f.type)]}" for f in fields)
    connection.execute(f"drop table if exists {quoted(BUILD_SETTINGS)}")
    connection.execute(f"create table {quoted(BUILD_SETTINGS)} ({columns})")
    meanings = [(field.name, field.metadata["description"]) for field in fields]
    text = "The settings of the last build. One row."
    comment_on(connection, "table", BUILD_SETTINGS, text, meanings)
    _insert(connection, BUILD_SETTINGS, [dataclasses.astuple(settings)])


def _insert(connection: DuckDBPyConnection, table: str, rows: Iterable[tuple[object, ...]]) -> None:
    if of_columns := [list(values) for values in zip(*rows, strict=True)]:
        marks = ", ".join("unnest(?)" for _ in of_columns)
        connection.execute(f"insert into {quoted(table)} select {marks}", of_columns)
