"""The main job and its parts: sync, build, check."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pipelines.cli import elsewhere, outcome, publishing, redaction, terminal, warehouses
from pipelines.cli.outcome import Built
from pipelines.cli.progress import Watcher
from pipelines.errors import ModelError, PrintoraError, WarehouseError
from pipelines.settings import (
    Settings,
    limit_memory,
    load_settings,
    model_settings,
    publish_path,
    warehouse_path,
)
from pipelines.warehouse import (
    READER_TIMEOUT,
    ModelResult,
    ModelSettings,
    Project,
    build,
    connect,
    load_project,
    read_state,
    run_checks,
)

if TYPE_CHECKING:
    from pipelines.sync import SyncResult


@dataclass(frozen=True)
class Wanted:
    """What an operator asks of one sync: see the options of ``printora sync``."""

    budget: int | None = None
    full: bool = False
    accept_deletions: bool = False
    adopt: bool = False


def run_main_job(wanted: Wanted) -> int:
    """Sync, build and check; return the exit code."""
    settings = _settings()
    project = load_project()  # Before the first request: a model that is wrong must cost no quota.
    _refuse_early(settings)
    if settings.lake_url:
        from pipelines.warehouse.spark import require_spark

        require_spark()
    with warehouses.writing() as check:
        synced = _sync(settings, wanted)
        check()
        if not synced.is_usable:
            return outcome.tell_sync(synced)
        built = _build(settings.models, project)
        check()
    return outcome.tell_job(synced, built, settings)


def run_sync(wanted: Wanted) -> int:
    """Sync only; return the exit code."""
    settings = _settings()
    _refuse_early(settings)
    with warehouses.writing() as check:
        synced = _sync(settings, wanted)
        check()
    return outcome.tell_sync(synced)


def run_build(select: Collection[str] | None, *, prune: bool = False) -> int:
    """Build and check only; return the exit code."""
    project = load_project()
    publish_path()  # A wrong one is told before the models are built, not after.
    # Where nothing was loaded, nothing is built: a mistyped path would look like a success.
    with warehouses.loaded():
        pass
    with warehouses.writing() as check:
        built = _build(model_settings(), project, select, prune)
        check()
    return outcome.tell_build(built)


def write_page(output: Path) -> None:
    """Write the report from the marts of the last build."""
    import duckdb

    from pipelines.report import write_report

    with warehouses.reading() as connection:
        try:
            terminal.note(f"Written: {write_report(connection, output)}")
        except OSError as error:
            raise PrintoraError(
                f"The report cannot be written to {output}: {error.strerror or error}.",
                hint="Name a file in a folder that is writable, with --output.",
            ) from error
        except (duckdb.CatalogException, WarehouseError) as error:
            raise ModelError(
                "The marts that the report shows are not built.", hint="Run `printora build` first."
            ) from error


def _settings() -> Settings:
    """Read the settings, and see to it that their secrets are never printed."""
    redaction.hide(os.environ.get("SOURCES__PRINTORA__API_KEY"))
    settings = load_settings()
    redaction.hide(settings.api_key, settings.pseudonym_key)
    host = urlsplit(settings.base_url).hostname or ""
    if "xn--" in host:
        terminal.note(f"The key goes to {host}: a name for letters that are not ASCII.")
    return settings


def _refuse_early(settings: Settings) -> None:
    from pipelines.clock import SystemClock
    from pipelines.sync.wiring import refuse_early

    refuse_early(settings, SystemClock())


def _sync(settings: Settings, wanted: Wanted) -> SyncResult:
    from pipelines.sync import sync

    with Watcher() as watcher:
        return sync(
            settings,
            listener=watcher,
            budget=wanted.budget,
            full=wanted.full,
            accept_deletions=wanted.accept_deletions,
            adopt=wanted.adopt,
        )


def _build(
    settings: ModelSettings,
    project: Project,
    select: Collection[str] | None = None,
    prune: bool = False,
) -> Built:
    status = terminal.errors().status("Building the models")

    def tell(result: ModelResult) -> None:
        status.update(f"Building the models: {result.name}")

    with status:
        if warehouses.is_file():
            return _build_here(warehouse_path(), settings, project, select, prune, tell)
        return elsewhere.build_there(settings, project, select, tell)


def _build_here(
    path: Path,
    settings: ModelSettings,
    project: Project,
    select: Collection[str] | None,
    prune: bool,
    tell: Callable[[ModelResult], None],
) -> Built:
    with connect(path, wait_seconds=READER_TIMEOUT) as connection:
        limit_memory(connection)
        models = build(connection, project, settings, select=select, prune=prune, on_model=tell)
        state = read_state(connection, project, settings)
        # On tables of different ages a check would find what the next build mends.
        checks = [check.name for check in project.checks if not state.stale & set(check.depends_on)]
        results = run_checks(connection, project, checks)
        published = publishing.after_build(connection, project, results, whole=select is None)
    kept = [check for model in models for check in model.checks]
    asked = {model.qualified for model in project.select(select)}
    return Built(
        models,
        [*kept, *results],
        published,
        along=[model.name for model in models if model.name not in asked],
        stale=sorted(state.stale),
        removed=state.removed(project),
    )
