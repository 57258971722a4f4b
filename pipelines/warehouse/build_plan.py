"""What has to be built: what there is, compared with what today's data, files and settings make."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.warehouse.built import read_built, read_settings
from pipelines.warehouse.catalog import RelationType, relations
from pipelines.warehouse.project import BUILD_SETTINGS, Model, Project
from pipelines.warehouse.session_fields import with_fields
from pipelines.warehouse.settings import ModelSettings
from pipelines.warehouse.stamps import current_stamps, stale_models

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True)
class State:
    """What is there before a build: relations, what builds made of them, and what is stale."""

    existing: Mapping[str, tuple[RelationType, str | None]]
    built: Mapping[str, str | None]
    current: Mapping[str, str]
    stale: frozenset[str]
    settings_changed: bool

    def removed(self, project: Project) -> list[str]:
        """Return what a build made of files that are gone."""
        return sorted(self.built.keys() - {model.qualified for model in project.models})


def read_state(connection: DuckDBPyConnection, project: Project, settings: ModelSettings) -> State:
    """Compare what is built with today's data, files and settings. The raw tables must be there."""
    return state_of(connection, with_fields(project, settings), settings)


def state_of(connection: DuckDBPyConnection, project: Project, settings: ModelSettings) -> State:
    """Return the same of a project that has the settings' own columns."""
    existing = relations(connection)
    built = read_built(connection, existing)
    current = current_stamps(connection, project, settings)
    changed = read_settings(connection, existing) != dataclasses.astuple(settings)
    return State(existing, built, current, stale_models(project, built, current), changed)


def plan(project: Project, state: State, select: Collection[str] | None) -> tuple[Model, ...]:
    """Return the models to build, so that no table is of another build than what it reads.

    With what is selected go its inputs that are stale or missing, and what was built from it
    before; with a setting that has changed, what was built from that.
    """
    if select is None:
        return project.models
    wanted = {model.qualified for model in project.select(select)}
    wanted |= {BUILD_SETTINGS} if state.settings_changed else set()
    while more := set(_to_go_along(project, state, wanted)) - wanted:
        wanted |= more
    return tuple(model for model in project.models if model.qualified in wanted)


def _to_go_along(project: Project, state: State, wanted: Collection[str]) -> Collection[str]:
    inputs = {n for m in project.models if m.qualified in wanted for n in m.depends_on}
    readers = {
        model.qualified
        for model in project.models
        if model.qualified in state.built and not set(wanted).isdisjoint(model.depends_on)
    }
    return state.stale & (inputs | readers)
