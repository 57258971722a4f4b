"""The models: one asset for each file in ``sql/``.

All of them are one op with one connection, because a build is one transaction: the marts that
readers see are always of the same build. Any of them can be selected on its own.
"""

# No `from __future__ import annotations`: Dagster looks at the annotation of `context` itself.

from base64 import b64encode
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import dagster as dg

from assets.checks import check_result, check_spec
from assets.describing import asset_key, column_lineage, table_name, table_schema
from assets.running import warehouse
from pipelines.warehouse import Model, ModelResult, Project, build
from pipelines.warehouse.lineage import Lineage
from pipelines.warehouse.project import BUILD_SETTINGS
from pipelines.warehouse.stamps import code_version

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def model_assets(project: Project) -> dg.AssetsDefinition:
    """Return the assets of a project's models."""

    @dg.multi_asset(
        name="models",
        specs=[_spec(model) for model in project.models],
        check_specs=[check_spec(check) for check in project.promises],
        can_subset=True,
        description="Builds the models in one transaction: all of them, or none.",
    )
    def models(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
        from pipelines.settings import model_settings

        selected = {table_name(key) for key in context.selected_asset_keys}
        with warehouse(context) as connection:
            results = build(connection, project, model_settings(), select=selected)
            pictures = _pictures(connection, selected)
        lineage, models = Lineage(project), {model.qualified: model for model in project.models}
        for result in results:
            metadata = _metadata(models[result.name], result, lineage, pictures.get(result.name))
            yield from _told(context, result, metadata, is_selected=result.name in selected)

    return models


def _told(
    context: dg.AssetExecutionContext,
    result: ModelResult,
    metadata: dict[str, Any],
    *,
    is_selected: bool,
) -> Iterator[dg.MaterializeResult[Any]]:
    """Tell of a model that was built, and also of one that was built along with it."""
    key, stamp = asset_key(result.name), dg.DataVersion(result.stamp)
    if is_selected:
        asked = context.selected_asset_check_keys
        checked = map(check_result, result.checks)
        yield dg.MaterializeResult(
            asset_key=key,
            metadata=metadata,
            data_version=stamp,
            check_results=[
                check for check in checked if dg.AssetCheckKey(key, str(check.check_name)) in asked
            ],
        )
    else:
        tags = {"dagster/data_version": stamp.value}
        context.log_event(dg.AssetMaterialization(key, metadata=metadata, tags=tags))


def _spec(model: Model) -> dg.AssetSpec:
    return dg.AssetSpec(
        asset_key(model.qualified),
        deps=[asset_key(name) for name in model.depends_on if name != BUILD_SETTINGS],
        group_name=model.schema,
        kinds={"sql", "duckdb", *model.kinds},
        tags=dict.fromkeys(model.tags, ""),
        description=model.text,
        code_version=code_version(model),
        metadata={
            "dagster/table_name": model.qualified,
            "file": model.place,
            "grain": model.grain,
            "key": ", ".join(model.key),
            "query": dg.MetadataValue.md(f"```sql\n{model.sql.strip()}\n```"),
        },
    )


def _pictures(connection: "DuckDBPyConnection", selected: set[str]) -> dict[str, str]:
    """Return the report's plots by mart; none after a build of a part, which would mix times."""
    from pipelines.report import MARTS, plots

    return plots(connection) if selected >= MARTS else {}


def _metadata(
    model: Model, result: ModelResult, lineage: Lineage, picture: str | None
) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "dagster/row_count": result.rows,
        "dagster/column_schema": table_schema(result.columns),
        "dagster/column_lineage": column_lineage(lineage.of(model)),
        "seconds": round(result.seconds, 3),
    }
    if picture is not None:
        metadata["plot"] = dg.MetadataValue.md(f"![{model.name}]({_data_url(picture)})")
    return metadata


def _data_url(svg: str) -> str:
    """Return the picture as an address: Dagster shows an image, and no SVG in its text."""
    return f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}"
