"""Ingestion: the same ``sync()`` as the command line's, as the assets of the raw tables.

Not through dagster-dlt: it drops load packages that a crash left to be finished, and its metadata
collector damages dlt's schema in memory. ``sync()`` makes its pipeline anew each time.
"""

# No `from __future__ import annotations`: Dagster looks at the annotation of `context` itself.

from collections.abc import Callable, Iterator
from dataclasses import fields
from datetime import datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

from assets.describing import asset_key, table_schema
from assets.running import warehouse, writing
from assets.settings import Automation
from pipelines.progress import Event, Loaded, Planned, Waiting
from pipelines.source.schema import TABLES, Table
from pipelines.warehouse.project import RAW_SCHEMA
from pipelines.warehouse.raw import RawTable, read_raw_tables

if TYPE_CHECKING:
    from pipelines.sync import ResourceCertificate, SyncResult

#: What has a certificate of its own; the other raw tables are what a sync writes beside them.
RESOURCES = ("orders", "webhook_logs", "sessions")


def resource_key(resource: str) -> dg.AssetKey:
    """Return the asset of a resource's raw table."""
    return asset_key(f"{RAW_SCHEMA}.{resource}")


def raw_assets(automation: Automation) -> dg.AssetsDefinition:
    """Return the assets of the raw tables."""

    @dg.multi_asset(
        name="ingestion",
        specs=[_spec(table, automation) for table in TABLES],
        description="Reads what is new and changed from the API and the ledger, and certifies it.",
    )
    def ingestion(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
        with writing(context):
            result = _sync(context)
            with warehouse(context) as connection:
                tables = read_raw_tables(connection)
        _tag_run(context, result)
        if result.outcome == "failed":
            raise _failure(result)
        for table in tables:
            yield _materialized(table, result)

    return ingestion


def _spec(table: Table, automation: Automation) -> dg.AssetSpec:
    name = f"{RAW_SCHEMA}.{table.name}"
    is_resource = table.name in RESOURCES
    return dg.AssetSpec(
        asset_key(name),
        group_name=RAW_SCHEMA,
        kinds={"dlt", "duckdb"},
        description=table.description,
        freshness_policy=dg.FreshnessPolicy.time_window(
            fail_window=automation.fail_after, warn_window=automation.warn_after
        )
        if is_resource
        else None,
        metadata={"dagster/table_name": name, "key": ", ".join(table.key)},
    )


def _sync(context: dg.AssetExecutionContext) -> "SyncResult":
    """Sync. Imported here: dlt takes a second, and the definitions do not need it."""
    from pipelines.settings import load_settings
    from pipelines.sync import sync

    return sync(load_settings(), listener=_logger(context))


def _logger(context: dg.AssetExecutionContext) -> Callable[[Event], None]:
    def tell(event: Event) -> None:
        match event:
            case Planned(text=text):
                context.log.info(text)
            case Waiting(seconds=seconds, reason=reason):
                context.log.info("Waiting %.0f s: %s", seconds, reason)
            case Loaded(rows=rows):
                context.log.info("Loaded %s", rows)

    return tell


def _tag_run(context: dg.AssetExecutionContext, result: "SyncResult") -> None:
    """Let runs be found by how they ended: a partial one is a success to Dagster."""
    tags = {"printora/sync_id": result.sync_id, "printora/outcome": result.outcome}
    context.instance.add_run_tags(context.run.run_id, tags)


def _failure(result: "SyncResult") -> dg.Failure:
    reasons = {
        name: part.reason or "no reason given"
        for name, part in result.resources.items()
        if part.outcome == "failed"
    }
    text = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
    return dg.Failure(description=f"The sync failed: {text}")


def _materialized(table: RawTable, result: "SyncResult") -> dg.MaterializeResult[Any]:
    certificate = result.resources.get(table.name.rpartition(".")[2])
    return dg.MaterializeResult(
        asset_key=asset_key(table.name),
        metadata={
            "dagster/row_count": table.rows,
            "dagster/column_schema": table_schema(table.columns),
            "sync_id": result.sync_id,
            **(_certificate_metadata(certificate) if certificate else {}),
        },
    )


def _certificate_metadata(certificate: "ResourceCertificate") -> dict[str, Any]:
    """Return what is worth reading of the certificate, under its columns' names."""
    values = {field.name: getattr(certificate, field.name) for field in fields(certificate)}
    return {
        name: dg.MetadataValue.timestamp(value) if isinstance(value, datetime) else value
        for name, value in values.items()
        if value is not None
    }
