"""Whether the marts that people read are of fresh data: by the certificates, not by the runs.

A mart that was built a minute ago of a sync that proved nothing since yesterday is a day old.
"""

# No `from __future__ import annotations`: Dagster looks at the annotation of `context` itself.

from collections.abc import Iterator

import dagster as dg

from assets.certificates import Evaluation, how_late, result
from assets.describing import asset_key, table_name
from assets.resources import WarehouseResource
from assets.running import POOL
from assets.settings import Automation
from pipelines.clock import SystemClock, utc
from pipelines.lists import RESOURCES
from pipelines.warehouse import Model, Project
from pipelines.warehouse.project import RAW_SCHEMA
from pipelines.warehouse.selection import reachable

CHECK = "data_is_fresh"
_PROVEN = "select resource, epoch(complete_as_of) from analytics.data_freshness"


def freshness_checks(project: Project, automation: Automation) -> dg.AssetChecksDefinition:
    """Return one check for each mart that stands on a list."""
    stands_on = {asset_key(m.qualified): _resources(project, m) for m in _marts(project)}

    @dg.multi_asset_check(
        name="freshness",
        specs=[_spec(key, lists) for key, lists in stands_on.items()],
        can_subset=True,
        pool=POOL,
        description="Tells how old the data in the marts is.",
    )
    def freshness(
        context: dg.AssetCheckExecutionContext, warehouse: WarehouseResource
    ) -> Iterator[dg.AssetCheckResult]:
        now = utc(SystemClock().now())
        with warehouse.open(context, read_only=True) as connection:
            proven = dict(connection.execute(_PROVEN).fetchall())
        for check in sorted(context.selected_asset_check_keys, key=str):
            times = [proven.get(name) for name in stands_on[check.asset_key]]
            known = [utc(time) for time in times if time is not None]
            oldest = min(known) if len(known) == len(times) else None
            never = Evaluation(False, False, "Not all that it stands on was ever proven complete.")
            evaluation = never if oldest is None else how_late(oldest, now, automation)
            yield result(check, evaluation, oldest)

    return freshness


def _marts(project: Project) -> list[Model]:
    return [m for m in project.models if m.schema == "analytics" and _resources(project, m)]


def _resources(project: Project, model: Model) -> list[str]:
    """Return the lists that a mart is computed from, however far below it."""
    edges: dict[str, tuple[str, ...]] = {m.qualified: m.depends_on for m in project.models}
    edges |= {f"{RAW_SCHEMA}.{name}": () for name in RESOURCES}
    below = reachable([model.qualified], edges)
    return [name for name in RESOURCES if f"{RAW_SCHEMA}.{name}" in below]


def _spec(key: dg.AssetKey, lists: list[str]) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(
        CHECK,
        asset=key,
        additional_deps=[asset_key("analytics.data_freshness")]
        if table_name(key) != "analytics.data_freshness"
        else [],
        description=f"What is proven of {', '.join(lists)} is not long ago.",
    )
