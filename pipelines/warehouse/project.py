"""What is in ``sql/``: the models in the order they are built in, and the checks."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from pipelines.errors import ModelError
from pipelines.shipped import shipped
from pipelines.source.schema import TABLES
from pipelines.warehouse.contract import Contract, promises
from pipelines.warehouse.macros import expanded
from pipelines.warehouse.meanings import with_meanings
from pipelines.warehouse.references import find_references
from pipelines.warehouse.selection import select_models

if TYPE_CHECKING:
    from pipelines.warehouse.header import Header

SQL_DIR = shipped("sql")
RAW_SCHEMA = "printora_raw"
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

    ``place`` is the file as errors name it; ``depends_on`` are the qualified names that it reads.
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


def load_project(root: Path = SQL_DIR, *, layers: Collection[str] = LAYERS) -> Project:
    """Read every file below ``root``; ``layers`` are the folders that must have a model in them.

    Raises:
        ModelError: a layer is missing or empty, a header or a select is not what it should be, a
            reference leads nowhere, or models read each other in a circle.
    """
    _refuse_missing(root, layers)
    _refuse_strays(root)
    files = [path for layer in LAYERS for path in sorted((root / layer).glob("*.sql"))]
    reader = _Reader(root, frozenset(f"{path.parent.name}.{path.stem}" for path in files))
    models = with_meanings(reader.model(path) for path in files)
    checks = [reader.check(path) for path in sorted((root / CHECKS).glob("*.sql"))]
    return Project(models=in_order(models), checks=tuple(checks))


def _refuse_missing(root: Path, layers: Collection[str]) -> None:
    """Half a project looks like a whole one: it builds, and the marts are none of its models."""
    empty = [layer for layer in layers if not any((root / layer).glob("*.sql"))]
    if empty:
        raise ModelError(
            f"There are no models in {root / empty[0]}.",
            hint="The files of sql/ are missing in part. Install printora-elt again, or restore "
            "them from the repository.",
        )


def _refuse_strays(root: Path) -> None:
    """A file in a folder that is no layer would be built by nobody, and nobody would be told."""
    for path in sorted(root.rglob("*.sql")):
        if path.parent not in {root / folder for folder in (*LAYERS, CHECKS)}:
            raise ModelError(
                f"{path.relative_to(root.parent).as_posix()}: its folder is no layer.",
                hint=f"Move it to {', '.join(LAYERS)} or {CHECKS}.",
            )


class _Reader:
    """Reads one file after the other, knowing which models there are."""

    def __init__(self, root: Path, models: frozenset[str]) -> None:
        self._root = root
        self._models = models
        self._tables = models | raw_tables() | {BUILD_SETTINGS}

    def model(self, path: Path) -> Model:
        header, sql = self._read(path)
        key = header.names("key")
        model = Model(
            schema=path.parent.name,
            name=path.stem,
            place=header.place,
            sql=sql,
            description=header.text("description"),
            grain=header.text("grain"),
            key=key,
            materialized=header.choice("materialized", get_args(Materialized)),
            kinds=header.names("kinds"),
            tags=header.names("tags"),
            columns=tuple(Column(*pair) for pair in header.meanings("columns")),
            depends_on=self._dependencies(sql, header.place),
            contract=self._contract(header, key),
        )
        header.finish()
        for name in sorted(model.contract.columns - {column.name for column in model.columns}):
            header.refuse(
                f"{name} is in its key or its contract, but not in its columns",
                "Correct one of them.",
            )
        if model.qualified in (BUILD_SETTINGS, BUILT_MODELS):
            header.refuse(f"{model.qualified} is the builder's own table", "Rename the file.")
        return model

    def _contract(self, header: Header, key: tuple[str, ...]) -> Contract:
        contract = Contract(
            key=key,
            not_null=header.names("not_null") or key,
            accepted=header.choices("accepted"),
            references=header.targets("references"),
        )
        for name in sorted(set(contract.references.values()) - self._models):
            header.refuse(f"it references {name}, which is no model", "Name it as schema.table.")
        return contract

    def check(self, path: Path) -> Check:
        header, sql = self._read(path)
        check = Check(
            name=path.stem,
            place=header.place,
            sql=sql,
            description=header.text("description"),
            severity=header.choice("severity", get_args(Severity)),
            models=header.names("models", required=True),
            todo=header.text("todo"),
            depends_on=self._dependencies(sql, header.place),
            blocking=header.choice("blocking", (True, False)),
        )
        header.finish()
        for name in sorted(set(check.models) - self._models):
            header.refuse(f"it guards {name}, which is no model", "Name models as schema.table.")
        return check

    def _read(self, path: Path) -> tuple[Header, str]:
        from pipelines.warehouse.header import read_file

        place = path.relative_to(self._root.parent).as_posix()
        if not re.fullmatch(r"[a-z][a-z0-9_]*", path.stem):
            raise ModelError(
                f"{place}: the file's name becomes a table's name.",
                hint="Use lower case letters, digits and underscores.",
            )
        header, sql = read_file(path, place)
        return header, expanded(sql, place)

    def _dependencies(self, sql: str, place: str) -> tuple[str, ...]:
        references = find_references(sql, place)
        for reference in references:
            if reference.qualified not in self._tables:
                raise ModelError(
                    f"{place}:{reference.line}: it reads {reference.qualified}, which is neither "
                    "a model nor a raw table.",
                    hint="Write schema.table, as in analytics.fct_orders or printora_raw.orders.",
                )
        return tuple(reference.qualified for reference in references)


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
