"""A lake for whoever reads: DuckDB in memory, whose views are the Delta tables as they are now."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pipelines.source.schema import TABLES
from pipelines.warehouse.catalog import quoted
from pipelines.warehouse.dialect import view_name
from pipelines.warehouse.lake import Lake
from pipelines.warehouse.project import RAW_SCHEMA, Project

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_STAGING, _MARTS = "staging", "analytics"


@contextmanager
def lake_reader(lake: Lake, project: Project) -> Iterator[DuckDBPyConnection]:
    """Yield a connection that finds raw tables, staging and marts, each of one version."""
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("set autoinstall_known_extensions = false")
        for schema in (RAW_SCHEMA, _STAGING, _MARTS):
            connection.execute(f"create schema {schema}")
            for name in lake.names(schema):
                if (table := lake.table(name)) is not None:
                    _show(connection, name, table)
        _show_staging(connection, project)
        yield connection


def _show(connection: DuckDBPyConnection, name: str, table: Any) -> None:
    source = view_name(name)
    connection.register(source, table.to_pyarrow_dataset())
    documents = ", ".join(f"{quoted(c)}::json as {quoted(c)}" for c in _documents(name))
    columns = f"* replace ({documents})" if documents else "*"
    connection.execute(f"create view {quoted(name)} as select {columns} from {quoted(source)}")  # noqa: S608 - our own names


def _documents(name: str) -> Iterator[str]:
    """Return the columns of a raw table that are JSON: in the lake they are text."""
    for table in TABLES:
        if name == f"{RAW_SCHEMA}.{table.name}":
            yield from (column.name for column in table.columns if column.kind == "json")


def _show_staging(connection: DuckDBPyConnection, project: Project) -> None:
    """Let staging be what it is on DuckDB: views, of raw tables that were ever loaded."""
    import duckdb

    for model in project.models:
        if model.schema == _STAGING:
            try:
                connection.execute(f"create view {quoted(model.qualified)} as {model.sql}")
            except duckdb.CatalogException:
                continue
