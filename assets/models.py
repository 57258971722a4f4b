"""The models: one asset for each file in ``sql/``.

All of them are one op with one connection, because a build is one transaction: the marts that
readers see are always of the same build. Any of them can be selected on its own; what must agree
with it is built along.
"""

# No `from __future__ import annotations`: Dagster looks at the annotation of `context` itself.

from base64 import b64encode
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import dagster as dg

from assets.checks import check_result, check_spec
from assets.describing import asset_key, column_lineage, links, table_name, table_schema
from assets.resources import PartnerResource, WarehouseResource
from assets.running import POOL
from assets.settings import Automation
from assets.telling import Told
from pipelines.warehouse import Model, ModelResult, Project, build
from pipelines.warehouse.lineage import Lineage
from pipelines.warehouse.project import BUILD_SETTINGS
from pipelines.warehouse.stamps import code_version

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def model_assets(project: Project, automation: Automation) -> dg.AssetsDefinition:
    """Return the assets of a project's models."""

    @dg.multi_asset(
        name="models",
        specs=[_spec(model, automation) for model in project.models],
        check_specs=[check_spec(check) for check in project.promises],
        can_subset=True,
        pool=POOL,
        description="Builds the models in one transaction, all of them or none, and what must "
        "agree with a part along with it.",
    )
    def models(
        context: dg.AssetExecutionContext, partner: PartnerResource, warehouse: WarehouseResource
    ) -> Iterator[dg.MaterializeResult[Any]]:
        selected = {table_name(key) for key in context.selected_asset_keys}
        with warehouse.open(context) as connection:
            results = build(connection, project, partner.models(), select=selected)
            pictures = _pictures(connection, selected)
        lineage, of_name = Lineage(project), {model.qualified: model for model in project.models}
        for result in results:
            metadata = _metadata(of_name[result.name], result, lineage, pictures.get(result.name))
            checks = [check_result(check) for check in result.checks]
            yield from Told(asset_key(result.name), result.stamp, metadata, checks).to(context)

    return models


def _spec(model: Model, automation: Automation) -> dg.AssetSpec:
    return dg.AssetSpec(
        asset_key(model.qualified),
        deps=[asset_key(name) for name in model.depends_on if name != BUILD_SETTINGS],
        group_name=model.schema,
        kinds={"sql", "duckdb", *model.kinds},
        owners=automation.owners,
        tags={"layer": model.schema, **dict.fromkeys(model.tags, "")},
        description=model.text,
        code_version=code_version(model),
        automation_condition=dg.AutomationCondition.eager(),
        metadata={
            "dagster/table_name": model.qualified,
            "grain": model.grain,
            "key": ", ".join(model.key),
            "query": dg.MetadataValue.md(f"```sql\n{model.sql.strip()}\n```"),
            **links(model.place, automation, "data-dictionary.md"),
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
