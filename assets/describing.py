"""Tables as Dagster shows them: keys, columns, lineage."""

from __future__ import annotations

from collections.abc import Iterable

import dagster as dg

from pipelines.warehouse.catalog import ColumnType
from pipelines.warehouse.lineage import ModelLineage
from pipelines.warehouse.project import BUILD_SETTINGS


def asset_key(table: str) -> dg.AssetKey:
    """Return the asset of a table: ``analytics.fct_orders`` is ``analytics/fct_orders``."""
    return dg.AssetKey(table.split("."))


def table_name(key: dg.AssetKey) -> str:
    """Return the table of an asset."""
    return ".".join(key.path)


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
