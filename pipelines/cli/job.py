"""The main job and its parts: sync, build, check."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.cli import outcome, publishing, redaction, terminal
from pipelines.cli.outcome import Built
from pipelines.cli.progress import Watcher
from pipelines.errors import ModelError, PrintoraError
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
    warehouse_lock,
)
from pipelines.warehouse.same_file import SameFile

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
    with _writing(settings.warehouse_path) as file:
        synced = _sync(settings, wanted)
        file.check()
        if not synced.is_usable:
            return outcome.tell_sync(synced)
        built = _build(settings.warehouse_path, settings.models, project)
        file.check()
    return outcome.tell_job(synced, built, settings)


def run_sync(wanted: Wanted) -> int:
    """Sync only; return the exit code."""
    settings = _settings()
    with _writing(settings.warehouse_path) as file:
        synced = _sync(settings, wanted)
        file.check()
    return outcome.tell_sync(synced)


def run_build(select: Collection[str] | None, *, prune: bool = False) -> int:
    """Build and check only; return the exit code."""
    path, project = warehouse_path(), load_project()
    publish_path()  # A wrong one is told before the models are built, not after.
    # Where nothing was loaded, nothing is built: a mistyped path would look like a success.
    connect(path, read_only=True, wait_seconds=READER_TIMEOUT).close()
    with _writing(path) as file:
        built = _build(path, model_settings(), project, select, prune)
        file.check()
    return outcome.tell_build(built)


def write_page(output: Path) -> None:
    """Write the report from the marts of the last build."""
    import duckdb

    from pipelines.report import write_report

    with connect(warehouse_path(), read_only=True) as connection:
        try:
            terminal.note(f"Written: {write_report(connection, output)}")
        except OSError as error:
            raise PrintoraError(
                f"The report cannot be written to {output}: {error.strerror or error}.",
                hint="Name a file in a folder that is writable, with --output.",
            ) from error
        except duckdb.CatalogException as error:
            raise ModelError(
                "The marts that the report shows are not built.", hint="Run `printora build` first."
            ) from error


def _settings() -> Settings:
    """Read the settings, and see to it that their secrets are never printed."""
    redaction.hide(os.environ.get("SOURCES__PRINTORA__API_KEY"))
    settings = load_settings()
    redaction.hide(settings.api_key, settings.pseudonym_key)
    return settings


@contextmanager
def _writing(path: Path) -> Iterator[SameFile]:
    """Be the only run that writes, from the first request to the last check."""
    with warehouse_lock(path, on_wait=terminal.note):
        yield SameFile(path)


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
    path: Path,
    settings: ModelSettings,
    project: Project,
    select: Collection[str] | None = None,
    prune: bool = False,
) -> Built:
    status = terminal.errors().status("Building the models")

    def tell(result: ModelResult) -> None:
        status.update(f"Building the models: {result.name}")

    with status, connect(path, wait_seconds=READER_TIMEOUT) as connection:
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
