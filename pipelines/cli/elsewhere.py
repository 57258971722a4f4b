"""Building the models where the warehouse is no file: on PostgreSQL, or on a lake by Spark."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from pipelines.cli import publishing, terminal, warehouses
from pipelines.cli.outcome import Built
from pipelines.errors import ConfigurationError
from pipelines.settings import lake_url, model_settings, postgres_url
from pipelines.warehouse import ModelResult, ModelSettings, Project, load_project

if TYPE_CHECKING:
    from pipelines.warehouse.postgres_build import Prepared


def build_there(
    settings: ModelSettings,
    project: Project,
    select: Collection[str] | None,
    tell: Callable[[ModelResult], None],
) -> Built:
    """Build on PostgreSQL or a lake: always all, and what has no file any more is not kept."""
    if select:
        raise ConfigurationError(
            "On PostgreSQL or a lake a build is one of all models.", hint="Leave --select out."
        )
    with _prepared(settings, project, tell) as new:
        against = publishing.objection(new.checks)
        if against and not new.is_first:
            new.keeps_old = True
            terminal.note(f"Not replaced: {against} Readers keep the last build.")
    return Built(new.models, [*(check for m in new.models for check in m.checks), *new.checks])


def build_elsewhere() -> None:
    """Build all models on PostgreSQL or a lake, whatever checks find: their rows have changed."""
    project = replace(load_project(), checks=())
    with warehouses.writing():
        with _prepared(model_settings(), project, lambda _: None):
            pass
        if place := lake_url():
            from pipelines.warehouse.lake import open_lake
            from pipelines.warehouse.lake_upkeep import erase

            lake = open_lake(place)
            erase(lake, lake.names("analytics"))


@contextmanager
def _prepared(
    settings: ModelSettings, project: Project, tell: Callable[[ModelResult], None]
) -> Iterator[Prepared]:
    if url := postgres_url():
        from pipelines.warehouse import postgres_build
        from pipelines.warehouse.postgres_lock import writer_session

        with (
            writer_session(url) as session,
            postgres_build.prepared(session, project, settings, on_model=tell) as new,
        ):
            yield new
        return
    from pipelines.warehouse import lake_build
    from pipelines.warehouse.lake import open_lake
    from pipelines.warehouse.lake_lock import writer_lease
    from pipelines.warehouse.spark import spark_session

    lake = open_lake(lake_url() or "")
    with (
        writer_lease(lake) as lease,
        spark_session(lake.options) as spark,
        lake_build.prepared(
            lake, spark, project, settings, on_model=tell, on_step=lease.check
        ) as built,
    ):
        yield built
