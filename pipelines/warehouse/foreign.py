"""Whether a database is somebody else's: it has tables, and none of them is printora's."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.errors import WarehouseSettingError
from pipelines.warehouse.project import RAW_SCHEMA
from pipelines.warehouse.publish import PUBLISHED_SCHEMAS, STAMPED

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def foreign_schemas(connection: DuckDBPyConnection) -> list[str]:
    """Return the schemas of a database that printora did not make; none for one that is its own."""
    found = connection.execute(
        "select distinct schema_name from duckdb_tables() where not internal order by all"
    ).fetchall()
    schemas = [str(name) for (name,) in found]
    return [] if RAW_SCHEMA in schemas else schemas


def stranger(place: object, connection: DuckDBPyConnection) -> tuple[str, str] | None:
    """Return what a database is that is no warehouse, and what to do; None for one of our own."""
    schemas = foreign_schemas(connection)
    if not schemas:
        return None
    if "analytics" in schemas and set(schemas) <= set(PUBLISHED_SCHEMAS):
        path = Path(str(place))
        usual = path.with_name(re.sub(rf"\.published(\.{STAMPED})?", "", path.name))
        name = f": {usual}" if usual != path and usual.exists() else ", which a run writes to"
        return (
            f"{place} is the snapshot for readers, and not the warehouse.",
            f"Name the warehouse in DESTINATION__DUCKDB__CREDENTIALS{name}.",
        )
    return (
        f"{place} is somebody else's database (its schemas: {', '.join(schemas)}).",
        "Name a file of its own in DESTINATION__DUCKDB__CREDENTIALS.",
    )


def refuse_foreign(place: object, connection: DuckDBPyConnection) -> None:
    """Refuse a database that is no warehouse of ours.

    Raises:
        WarehouseSettingError: with the schemas that are in it.
    """
    if found := stranger(place, connection):
        raise WarehouseSettingError(found[0], hint=found[1])
