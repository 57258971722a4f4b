"""Reads ``sql/``: a file becomes a model or a check, or is refused with what is wrong in it."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from pipelines.errors import ModelError
from pipelines.warehouse.contract import Contract
from pipelines.warehouse.macros import expanded
from pipelines.warehouse.meanings import with_meanings
from pipelines.warehouse.project import (
    BUILD_SETTINGS,
    BUILT_MODELS,
    CHECKS,
    LAYERS,
    SQL_DIR,
    Check,
    Column,
    Materialized,
    Model,
    Project,
    Severity,
    in_order,
    raw_tables,
)
from pipelines.warehouse.references import parsed

if TYPE_CHECKING:
    from pipelines.warehouse.header import Header


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
            selected=parsed(sql, header.place).columns,
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
        references = parsed(sql, place).reads
        for reference in references:
            if reference.qualified not in self._tables:
                raise ModelError(
                    f"{place}:{reference.line}: it reads {reference.qualified}, which is neither "
                    "a model nor a raw table.",
                    hint="Write schema.table, as in analytics.fct_orders or printora_raw.orders.",
                )
        return tuple(reference.qualified for reference in references)
