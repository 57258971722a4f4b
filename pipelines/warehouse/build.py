"""Building: every model computed from the files, all of them or none.

The whole build is one transaction. Whoever reads the warehouse sees the marts of the last build
until the new ones are all there, and never marts that disagree because only some are new. When one
model fails, every table stays as it was before.

A part of the models is built with all that must agree with it: see build_plan.py.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.errors import ModelError
from pipelines.warehouse.build_plan import State, plan, state_of
from pipelines.warehouse.built import write_built, write_settings
from pipelines.warehouse.catalog import (
    ColumnType,
    columns,
    comment_on,
    count,
    quoted,
    transaction,
)
from pipelines.warehouse.checks import CheckResult, run_check
from pipelines.warehouse.failure import failure
from pipelines.warehouse.project import LAYERS, Model, Project
from pipelines.warehouse.raw import ensure_raw_tables
from pipelines.warehouse.session_fields import with_fields
from pipelines.warehouse.settings import ModelSettings
from pipelines.warehouse.stamps import stored_stamp
from pipelines.words import counted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


_UNCHANGED = "Every table is as it was before this build."


@dataclass(frozen=True)
class ModelResult:
    """One model, built: how many rows it has, in how many seconds, and its real columns.

    ``stamp`` is the same as long as the model's SQL and all that it is computed from are;
    ``checks`` are what its header promises, kept. Columns and checks are there once all are built.
    """

    name: str
    rows: int
    seconds: float
    columns: tuple[ColumnType, ...]
    stamp: str
    checks: tuple[CheckResult, ...] = ()


def build(
    connection: DuckDBPyConnection,
    project: Project,
    settings: ModelSettings,
    *,
    select: Collection[str] | None = None,
    prune: bool = False,
    on_model: Callable[[ModelResult], None] | None = None,
) -> list[ModelResult]:
    """Build the models in their order: all, or those that ``select`` means and what goes with them.

    ``on_model`` is told of each model as it is done, for progress: nothing is visible to others
    before the last one is. With ``prune``, tables of models whose file is gone are dropped.

    Raises:
        ConfigurationError: a selector means no model.
        ModelError: a model fails, or is not what its header says. Nothing was changed.
    """
    project = with_fields(project, settings)
    with transaction(connection):
        state = _prepare(connection, project, settings)
        write_settings(connection, settings)
        built, results = dict(state.built), []
        for model in plan(project, state, select):
            _make_way(connection, model, state)
            result = _build_model(connection, model, state.current[model.qualified])
            built[model.qualified] = stored_stamp(model, state.current)
            results.append(result)
            if on_model:
                on_model(result)
        results = _audit(connection, project, state, results)
        if prune:
            _prune(connection, project, state, built)
        write_built(connection, built)
    return results


def _audit(
    connection: DuckDBPyConnection, project: Project, state: State, results: list[ModelResult]
) -> list[ModelResult]:
    """Check what the headers promise before anybody sees it, as far as all of it is of one age.

    All that is promised is of rows: a table without any keeps it.
    """
    models, made = {m.qualified: m for m in project.models}, {result.name for result in results}
    real = columns(connection)
    for name in made:
        refuse_other_columns(models[name], [column.name for column in real[name]])
    agree = made | (state.built.keys() - state.stale)
    return [
        dataclasses.replace(
            result,
            columns=real[result.name],
            checks=tuple(
                kept(run_check(connection, check) if result.rows else CheckResult(check, 0, ()))
                for check in models[result.name].checks
                if agree.issuperset(check.depends_on)
            ),
        )
        for result in results
    ]


def kept(result: CheckResult) -> CheckResult:
    """Return the result of a promise; raise a ModelError where it is broken."""
    check = result.check
    if not result.passed:
        rows = "; ".join(
            ", ".join(f"{name} {value}" for name, value in row.items()) for row in result.sample
        )
        raise ModelError(
            f"{check.place}: {check.description} {counted(result.failures, 'row')}, as: {rows}.",
            hint=f"{check.todo} {_UNCHANGED}",
        )
    return result


def _prepare(connection: DuckDBPyConnection, project: Project, settings: ModelSettings) -> State:
    ensure_raw_tables(connection)
    for schema in LAYERS:
        connection.execute(f"create schema if not exists {quoted(schema)}")
    return state_of(connection, project, settings)


def _make_way(connection: DuckDBPyConnection, model: Model, state: State) -> None:
    """Drop the last build's table or view; the transaction brings it back if this one fails."""
    if model.qualified not in state.existing:
        return
    kind, _ = state.existing[model.qualified]
    if model.qualified not in state.built:
        raise ModelError(
            f"{model.place}: there is a {kind} {model.qualified} already, which was not built "
            "from sql/.",
            hint=f"Rename it or drop it; a build replaces only what a build made. "
            f"To drop it: drop {kind} {model.qualified}",
        )
    connection.execute(f"drop {kind} {quoted(model.qualified)}")


def _build_model(connection: DuckDBPyConnection, model: Model, stamp: str) -> ModelResult:
    import duckdb

    started = time.perf_counter()  # A duration, not a time: nothing that is stored depends on it.
    try:
        meanings = [(column.name, column.description) for column in model.columns]
        if list(model.selected) != [name for name, _ in meanings]:
            refuse_other_columns(model, _planned_columns(connection, model))
        # On one line with the select's first, so that the lines in errors are the file's.
        create = f"create {model.materialized} {quoted(model.qualified)} as {model.sql}"
        made = connection.execute(create).fetchone()  # how many rows, of a table
        # A view's joins and filters run here for the first time, not at its reader's.
        rows = made[0] if made else count(connection, model.qualified)
        comment_on(connection, model.materialized, model.qualified, model.text, meanings)
    except duckdb.Error as error:
        raise failure(model.place, error, hint=_UNCHANGED) from error
    return ModelResult(model.qualified, rows, time.perf_counter() - started, (), stamp)


def _planned_columns(connection: DuckDBPyConnection, model: Model) -> list[str]:
    """Plan the select without running it: a wrong header must not cost a long query first."""
    return [name for name, *_ in connection.execute(f"describe {model.sql}").fetchall()]


def refuse_other_columns(model: Model, actual: list[str]) -> None:
    """Raise a ModelError where the header describes other columns than the select has."""
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


def _prune(
    connection: DuckDBPyConnection, project: Project, state: State, built: dict[str, str | None]
) -> None:
    for name in state.removed(project):
        connection.execute(f"drop {state.existing[name][0]} {quoted(name)}")
        del built[name]
