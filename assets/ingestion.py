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
from pydantic import Field

from assets.describing import asset_key, links, table_schema
from assets.resources import ClientResource, PartnerResource, WarehouseResource, sync_settings
from assets.running import POOL
from assets.settings import Automation
from assets.telling import Told
from pipelines.lists import RESOURCES
from pipelines.progress import Event, Loaded, Planned, Waiting
from pipelines.source.schema import FAILED, TABLES, Table
from pipelines.warehouse.project import RAW_SCHEMA
from pipelines.warehouse.raw import RawTable, read_raw_tables
from pipelines.warehouse.same_file import SameFile
from pipelines.warehouse.stamps import raw_stamps
from pipelines.words import counted

if TYPE_CHECKING:
    from pipelines.sync import ResourceCertificate, SyncResult


def resource_key(resource: str) -> dg.AssetKey:
    """Return the asset of a resource's raw table."""
    return asset_key(f"{RAW_SCHEMA}.{resource}")


class SyncConfig(dg.Config):
    """What one launch may ask for, in the launchpad."""

    budget: int | None = Field(default=None, description="Make at most this many requests.")
    full: bool = Field(default=False, description="Scan every list, to prove it.")


def raw_assets(automation: Automation) -> dg.AssetsDefinition:
    """Return the assets of the raw tables."""

    @dg.multi_asset(
        name="ingestion",
        specs=[_spec(table, automation) for table in TABLES],
        can_subset=True,
        pool=POOL,
        description="Reads what is new and changed from the API and the ledger, and certifies it. "
        "The lists prove each other, so a launch of one raw table syncs them all.",
    )
    def ingestion(
        context: dg.AssetExecutionContext,
        config: SyncConfig,
        partner: PartnerResource,
        client: ClientResource,
        warehouse: WarehouseResource,
    ) -> Iterator[dg.MaterializeResult[Any]]:
        with warehouse.writing(context):
            settings = sync_settings(partner, client, warehouse)
            file = SameFile(settings.warehouse_path)
            listener = _logger(context)
            result = client.sync(
                settings, listener=listener, budget=config.budget, full=config.full
            )
            file.check()
            with warehouse.open(context) as connection:
                tables, stamps = read_raw_tables(connection), raw_stamps(connection)
        context.instance.add_run_tags(context.run.run_id, {"printora/outcome": result.outcome})
        if not result.is_usable:
            raise _failure(result)
        for table in tables:
            told = Told(asset_key(table.name), stamps[table.name], _metadata(table, result))
            yield from told.to(context)

    return ingestion


def _spec(table: Table, automation: Automation) -> dg.AssetSpec:
    name = f"{RAW_SCHEMA}.{table.name}"
    is_resource = table.name in RESOURCES
    return dg.AssetSpec(
        asset_key(name),
        group_name=RAW_SCHEMA,
        kinds={"dlt", "duckdb"},
        owners=automation.owners,
        tags={"layer": "raw"},
        description=table.description,
        freshness_policy=dg.FreshnessPolicy.time_window(
            fail_window=automation.fail_after, warn_window=automation.warn_after
        )
        if is_resource
        else None,
        metadata={
            "dagster/table_name": name,
            "key": ", ".join(table.key),
            **links("pipelines/source/schema.py", automation, "sync.md"),
        },
    )


def _logger(context: dg.AssetExecutionContext) -> Callable[[Event], None]:
    def tell(event: Event) -> None:
        match event:
            case Planned(text=text):
                context.log.info(text)
            case Waiting(seconds=seconds, reason=reason):
                context.log.info("Waiting %.0f s: %s", seconds, reason)
            case Loaded(rows=rows):
                context.log.info("Loaded %s, new or looked at again", counted(rows, "row"))

    return tell


def _failure(result: "SyncResult") -> dg.Failure:
    reasons = {
        name: part.reason or "no reason given"
        for name, part in result.resources.items()
        if part.outcome == FAILED
    }
    text = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
    return dg.Failure(description=f"The sync failed: {text}")


def _metadata(table: RawTable, result: "SyncResult") -> dict[str, Any]:
    certificate = result.resources.get(table.name.rpartition(".")[2])
    return {
        "dagster/row_count": table.rows,
        "dagster/column_schema": table_schema(table.columns),
        "sync_id": result.sync_id,
        **(_certificate_metadata(certificate) if certificate else {}),
    }


def _certificate_metadata(certificate: "ResourceCertificate") -> dict[str, Any]:
    """Return what is worth reading of the certificate, under its columns' names."""
    values = {field.name: getattr(certificate, field.name) for field in fields(certificate)}
    return {
        name: dg.MetadataValue.timestamp(value) if isinstance(value, datetime) else value
        for name, value in values.items()
        if value is not None
    }
