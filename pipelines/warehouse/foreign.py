"""Whether a database is somebody else's: it has tables, and none of them is printora's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.errors import WarehouseSettingError
from pipelines.warehouse.project import RAW_SCHEMA

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def foreign_schemas(connection: DuckDBPyConnection) -> list[str]:
    """Return the schemas of a database that printora did not make; none for one that is its own."""
    found = connection.execute(
        "select distinct schema_name from duckdb_tables() where not internal order by all"
    ).fetchall()
    schemas = [str(name) for (name,) in found]
    return [] if RAW_SCHEMA in schemas else schemas


def refuse_foreign(place: object, connection: DuckDBPyConnection) -> None:
    """Refuse a database that printora did not make.

    Raises:
        WarehouseSettingError: with the schemas that are in it.
    """
    if schemas := foreign_schemas(connection):
        raise WarehouseSettingError(
            f"{place} is somebody else's database (its schemas: {', '.join(schemas)}).",
            hint="Name a file of its own in DESTINATION__DUCKDB__CREDENTIALS.",
        )
