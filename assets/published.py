"""The snapshot for readers: one asset, after all the models that are in it."""

# No `from __future__ import annotations`: Dagster looks at the annotation of `context` itself.

from collections.abc import Iterator
from typing import Any

import dagster as dg

from assets.describing import asset_key
from assets.resources import WarehouseResource
from assets.running import POOL
from assets.settings import Automation
from pipelines.warehouse import Project, Published, publish, run_checks
from pipelines.warehouse.publish import published_models, what_readers_have


def published_asset(project: Project, automation: Automation) -> dg.AssetsDefinition:
    """Return the asset of a project's snapshot."""

    @dg.multi_asset(name="published", specs=[_spec(project, automation)], pool=POOL)
    def published(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource
    ) -> Iterator[dg.MaterializeResult[Any]]:
        target = warehouse.published()
        if target is None:
            context.log.info("Not published: SOURCES__PRINTORA__PUBLISH_TO is off.")
            return
        serious = [check.name for check in project.checks if check.severity == "error"]
        with warehouse.open(context, read_only=True) as connection:
            found = [r.check.name for r in run_checks(connection, project, serious) if not r.passed]
            done = None if found else publish(connection, project, target)
        if done is None:
            names = ", ".join(found)
            left = what_readers_have(target)
            context.log.error("Not published: %s found something. %s", names, left)
            return
        yield _materialized(done)

    return published


def _spec(project: Project, automation: Automation) -> dg.AssetSpec:
    return dg.AssetSpec(
        "published",
        deps=[asset_key(model.qualified) for model in published_models(project)],
        group_name="readers",
        kinds={"duckdb"},
        owners=automation.owners,
        tags={"layer": "readers"},
        skippable=True,  # readers keep the last snapshot while a check objects to the new one
        description="Marts and staging in a file of their own, for BI tools. Nothing of people.",
    )


def _materialized(done: Published) -> dg.MaterializeResult[Any]:
    return dg.MaterializeResult(
        metadata={
            "path": dg.MetadataValue.path(str(done.path)),
            "tables": len(done.tables),
            "rows": sum(table.rows for table in done.tables),
            "bytes": done.bytes,
            "seconds": round(done.seconds, 3),
        }
    )
