"""What ``sql/`` holds, once it is read: models in the order they are built in, and checks."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Literal

from pipelines.errors import ModelError
from pipelines.shipped import shipped
from pipelines.source.schema import TABLES
from pipelines.warehouse.contract import Contract, promises
from pipelines.warehouse.selection import select_models

SQL_DIR = shipped("sql")
RAW_SCHEMA = "printora_raw"
#: By which rule and key the rows were made.
PRIVACY_STATE = f"{RAW_SCHEMA}.privacy_state"
#: The layers, each from earlier ones only: a folder of ``sql/``, a schema, and a group in Dagster.
LAYERS = ("staging", "intermediate", "analytics")
CHECKS = "checks"
#: What the builder itself writes: a name that no model may have.
BUILD_SETTINGS = "staging.build_settings"
BUILT_MODELS = "staging.built_models"

Materialized = Literal["table", "view"]
Severity = Literal["error", "warn"]


@dataclass(frozen=True)
class Column:
    """A column of a model and what it means."""

    name: str
    description: str


@dataclass(frozen=True)
class Model:
    """One file of a layer: ``sql/staging``, ``sql/intermediate`` or ``sql/analytics``.

    ``place`` is the file as errors name it; ``depends_on`` are the qualified names that it reads,
    ``selected`` the names of its select's columns, as far as its text tells them.
    """

    schema: str
    name: str
    place: str
    sql: str
    description: str
    grain: str
    key: tuple[str, ...]
    materialized: Materialized
    kinds: tuple[str, ...]
    tags: tuple[str, ...]
    columns: tuple[Column, ...]
    selected: tuple[str, ...]
    depends_on: tuple[str, ...]
    contract: Contract

    @property
    def checks(self) -> tuple[Check, ...]:
        """The checks of what its header promises; a build that breaks one is undone."""
        return tuple(
            Check(
                name=f"{self.name}__{promise.name}",
                place=self.place,
                sql=promise.sql,
                description=promise.description,
                severity="error",
                models=(self.qualified,),
                todo=promise.todo,
                depends_on=promise.reads,
            )
            for promise in promises(self.qualified, self.contract)
        )

    @property
    def qualified(self) -> str:
        """``schema.name``, as SQL calls it."""
        return f"{self.schema}.{self.name}"

    @property
    def text(self) -> str:
        """What the model is, for a comment or a page: its description, then its grain."""
        return f"{self.description.rstrip('.')}. {self.grain[0].upper()}{self.grain[1:]}."


@dataclass(frozen=True)
class Check:
    """A query whose rows should not be there: a file of ``sql/checks``, or a header's promise.

    A row of the query stands for one offender, or for as many as its column ``offenders`` says.
    """

    name: str
    place: str
    sql: str
    description: str
    severity: Severity
    models: tuple[str, ...]
    todo: str
    depends_on: tuple[str, ...]
    #: Whether an error keeps from readers what stands on these models.
    blocking: bool = True


@dataclass(frozen=True)
class Project:
    """The models, each after those that it reads, and the checks."""

    models: tuple[Model, ...]
    checks: tuple[Check, ...]

    @property
    def promises(self) -> tuple[Check, ...]:
        """The checks of what the models' headers promise."""
        return tuple(check for model in self.models for check in model.checks)

    def select(self, selectors: Collection[str] | None) -> tuple[Model, ...]:
        """Return the models that selectors mean, in build order; all of them for None."""
        if selectors is None:
            return self.models
        names = select_models(self.models, selectors)
        return tuple(model for model in self.models if model.qualified in names)


def raw_tables() -> frozenset[str]:
    """Return the qualified names of the tables that a sync loads."""
    return frozenset(f"{RAW_SCHEMA}.{table.name}" for table in TABLES)


def in_order(models: Iterable[Model]) -> tuple[Model, ...]:
    """Return the models so that each comes after all that it reads; the same in every process."""
    by_name = {model.qualified: model for model in models}
    sorter = TopologicalSorter(
        {
            # Sorted, so that the order is the same in every process.
            name: sorted(by_name.keys() & set(model.depends_on))
            for name, model in sorted(by_name.items())
        }
    )
    try:
        return tuple(by_name[name] for name in sorter.static_order())
    except CycleError as error:
        circle = " → ".join(reversed(error.args[1]))
        raise ModelError(
            f"Models read each other in a circle: {circle}.",
            hint="Move what both need into a model of its own.",
        ) from None
