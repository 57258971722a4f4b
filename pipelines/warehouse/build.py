"""Building: every model computed from the files, all of them or none.

The whole build is one transaction. Whoever reads the warehouse sees the marts of the last build
until the new ones are all there, and never marts that disagree because only some are new. When one
model fails, every table stays as it was before.
"""

from __future__ import annotations

import dataclasses
import re
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.errors import ModelError
from pipelines.warehouse.catalog import (
    ColumnType,
    columns,
    count,
    describe,
    quoted,
    relations,
    transaction,
)
from pipelines.warehouse.project import BUILD_SETTINGS, BUILT_MODELS, LAYERS, Model, Project
from pipelines.warehouse.raw import ensure_raw_tables
from pipelines.warehouse.settings import ModelSettings

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


_UNCHANGED = "Every table is as it was before this build."


@dataclass(frozen=True)
class ModelResult:
    """One model, built: how many rows it has, in how many seconds, and its real columns."""

    name: str
    rows: int
    seconds: float
    columns: tuple[ColumnType, ...]


def build(
    connection: DuckDBPyConnection,
    project: Project,
    settings: ModelSettings,
    *,
    select: Collection[str] | None = None,
    on_model: Callable[[ModelResult], None] | None = None,
) -> list[ModelResult]:
    """Build the models in their order; ``select`` names those to build, all of them for None.

    ``on_model`` is told of each model as it is done, for progress: nothing is visible to others
    before the last one is. Tables of models whose file is gone are dropped.

    Raises:
        ModelError: a model fails, or its columns are not those of its header. Nothing was changed.
    """
    models = project.select(select)
    results = []
    with transaction(connection):
        _prepare(connection, settings)
        built = _built_models(connection)
        for model in models:
            result = _build_model(connection, model, is_ours=model.qualified in built)
            results.append(result)
            if on_model:
                on_model(result)
        _drop_removed(connection, built, project)
        _remember(connection, {model.qualified for model in models})
    return results


def _prepare(connection: DuckDBPyConnection, settings: ModelSettings) -> None:
    ensure_raw_tables(connection)
    for schema in LAYERS:
        connection.execute(f"create schema if not exists {quoted(schema)}")
    _write_settings(connection, settings)


def _write_settings(connection: DuckDBPyConnection, settings: ModelSettings) -> None:
    fields = dataclasses.fields(settings)
    types = {"str": "varchar", "int": "integer"}
    definitions = ", ".join(f"{quoted(f.name)} {types[str(f.type)]}" for f in fields)
    connection.execute(f"create or replace table {quoted(BUILD_SETTINGS)} ({definitions})")
    marks = ", ".join("?" for _ in fields)
    connection.execute(
        f"insert into {quoted(BUILD_SETTINGS)} values ({marks})",  # noqa: S608 - our own name
        dataclasses.astuple(settings),
    )
    meanings = [(field.name, field.metadata["description"]) for field in fields]
    describe(connection, [(BUILD_SETTINGS, "The settings of the last build. One row.", meanings)])


def _build_model(connection: DuckDBPyConnection, model: Model, *, is_ours: bool) -> ModelResult:
    import duckdb

    started = time.perf_counter()  # A duration, not a time: nothing that is stored depends on it.
    _make_way(connection, model, is_ours=is_ours)
    try:
        _refuse_other_columns(model, _result_columns(connection, model))
        # On one line with the select's first, so that the lines in errors are the file's.
        connection.execute(f"create {model.materialized} {quoted(model.qualified)} as {model.sql}")
        # A view's joins and filters run here for the first time, not at its reader's.
        rows = count(connection, model.qualified)
        describe(connection, [_description(model)])
    except duckdb.Error as error:
        raise failure(model.place, error, hint=_UNCHANGED) from error
    of_model = columns(connection)[model.qualified]
    return ModelResult(model.qualified, rows, time.perf_counter() - started, of_model)


def _make_way(connection: DuckDBPyConnection, model: Model, *, is_ours: bool) -> None:
    """Drop the last build's table or view; the transaction brings it back if this one fails."""
    existing = relations(connection).get(model.qualified)
    if existing is None:
        return
    kind, _ = existing
    if not is_ours:
        raise ModelError(
            f"{model.place}: there is a {kind} {model.qualified} already, which was not built "
            "from sql/.",
            hint=f"Rename it or drop it; a build replaces only what a build made. "
            f"To drop it: drop {kind} {model.qualified}",
        )
    connection.execute(f"drop {kind} {quoted(model.qualified)}")


def _result_columns(connection: DuckDBPyConnection, model: Model) -> list[str]:
    """Plan the select without running it: a wrong header must not cost a long query first."""
    return [row[0] for row in connection.execute(f"describe {model.sql}").fetchall()]


def _refuse_other_columns(model: Model, actual: list[str]) -> None:
    described = [column.name for column in model.columns]
    if described == actual:
        return
    missing = [name for name in actual if name not in described]
    surplus = [name for name in described if name not in actual]
    what = [
        f"not described: {', '.join(missing)}" if missing else "",
        f"described, but not selected: {', '.join(surplus)}" if surplus else "",
        f"another order: {', '.join(actual)}" if not missing and not surplus else "",
    ]
    raise ModelError(
        f"{model.place}: the columns of its header are not those of its select "
        f"({'; '.join(filter(None, what))}).",
        hint="Let the header list the select's columns, in the select's order.",
    )


def failure(place: str, error: Exception, *, hint: str) -> ModelError:
    """Return DuckDB's error as one that names the file and the line in it."""
    text = str(error).strip()
    line = re.search(r"LINE (\d+):", text)
    return ModelError(f"{place}:{line[1]}: {text}" if line else f"{place}: {text}", hint=hint)


def _built_models(connection: DuckDBPyConnection) -> set[str]:
    """Return the names of what former builds made, from the builder's own list."""
    connection.execute(f"create table if not exists {quoted(BUILT_MODELS)} (model varchar)")
    described = [("model", "Schema and name of a table or view that a build made.")]
    text = "What was built from sql/: only this is ever replaced or dropped. One row per model."
    describe(connection, [(BUILT_MODELS, text, described)])
    rows = connection.execute(f"select model from {quoted(BUILT_MODELS)}").fetchall()  # noqa: S608 - our own name
    return {name for (name,) in rows}


def _drop_removed(connection: DuckDBPyConnection, built: set[str], project: Project) -> None:
    existing = relations(connection)
    for name in sorted(built - {model.qualified for model in project.models}):
        if name in existing:
            connection.execute(f"drop {existing[name][0]} {quoted(name)}")
        connection.execute(f"delete from {quoted(BUILT_MODELS)} where model = ?", [name])  # noqa: S608 - our own name


def _remember(connection: DuckDBPyConnection, names: set[str]) -> None:
    connection.executemany(
        f"insert into {quoted(BUILT_MODELS)} select $1 where not exists "  # noqa: S608 - our own name
        f"(select 1 from {quoted(BUILT_MODELS)} where model = $1)",
        [[name] for name in sorted(names)],
    )


def _description(model: Model) -> tuple[str, str, list[tuple[str, str]]]:
    return model.qualified, model.text, [(c.name, c.description) for c in model.columns]
