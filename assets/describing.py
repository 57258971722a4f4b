"""Tables as Dagster shows them: keys, columns, lineage."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import dagster as dg

from assets.settings import Automation
from pipelines.shipped import shipped
from pipelines.warehouse.catalog import ColumnType
from pipelines.warehouse.lineage import ModelLineage
from pipelines.warehouse.project import BUILD_SETTINGS


def asset_key(table: str) -> dg.AssetKey:
    """Return the asset of a table: ``analytics.fct_orders`` is ``analytics/fct_orders``."""
    return dg.AssetKey(table.split("."))


def table_name(key: dg.AssetKey) -> str:
    """Return the table of an asset."""
    return ".".join(key.path)


def links(place: str, automation: Automation, docs: str) -> dict[str, Any]:
    """Return metadata that leads to the file and to its docs, on the web where that is known.

    ``place`` is the file as the repository calls it, such as ``sql/analytics/fct_orders.sql``.
    """
    folder, _, rest = place.partition("/")
    found: dict[str, Any] = {
        "file": place,
        "path": dg.MetadataValue.path(str(shipped(folder) / rest)),
    }
    if automation.repository_url:
        found["source"] = dg.MetadataValue.url(f"{automation.repository_url}/{place}")
        found["docs"] = dg.MetadataValue.url(f"{automation.repository_url}/docs/{docs}")
    return found


def table_schema(columns: Iterable[ColumnType]) -> dg.TableSchema:
    """Return the columns with the types and comments that the database has."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(column.name, column.type, description=column.comment)
            for column in columns
        ]
    )


def column_lineage(lineage: ModelLineage) -> dg.TableColumnLineage:
    """Return each column's sources; the builder's own settings are no asset."""
    return dg.TableColumnLineage(
        deps_by_column={
            column: [
                dg.TableColumnDep(asset_key=asset_key(source.table), column_name=source.column)
                for source in sources
                if source.table != BUILD_SETTINGS
            ]
            for column, sources in lineage.items()
        }
    )
