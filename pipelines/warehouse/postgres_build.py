"""The models on PostgreSQL: the same files, compiled, built in one transaction, with comments.

New tables are made in schemas beside the old ones, and take their places at the transaction's end:
readers wait for that moment only, and never see half of a build. Whoever may read a table may read
the one that takes its place.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from pipelines.errors import ConfigurationError, ModelError
from pipelines.warehouse.build import ModelResult, kept, refuse_other_columns
from pipelines.warehouse.checks import CheckResult
from pipelines.warehouse.dialect import compiled
from pipelines.warehouse.postgres import (
    Connection,
    Cursor,
    comment_on,
    ensure_raw_tables,
    explained,
    run_check,
    transaction,
)
from pipelines.warehouse.project import BUILD_SETTINGS, LAYERS, Model, Project
from pipelines.warehouse.session_fields import with_fields
from pipelines.warehouse.settings import ModelSettings

#: At the end of each comment: only what has it is ever replaced or dropped.
MARK = "Built by printora; the next build replaces it."
#: Held until the transaction ends or the connection is lost: one build at a time.
_LOCK = "select pg_advisory_xact_lock(hashtext('printora build'))"
#: Readers that keep a table longer than this end the build, which would keep all others waiting.
_PATIENCE = "set local lock_timeout = '30s'"
_SUFFIX = "__new"
_UNCHANGED = "Every table is as it was before this build."

_RELATIONS = """
    select n.nspname || '.' || c.relname,
        case c.relkind when 'v' then 'view' else 'table' end,
        coalesce(obj_description(c.oid, 'pg_class'), '')
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = any(%s) and c.relkind in ('r', 'v', 'm', 'p', 'f')
"""
_GRANTS = """
    select n.nspname || '.' || c.relname,
        case a.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end,
        a.privilege_type
    from pg_class c join pg_namespace n on n.oid = c.relnamespace, aclexplode(c.relacl) a
    where n.nspname = any(%s) and a.grantee <> c.relowner
"""


@dataclass
class Prepared:
    """A build that nobody sees yet, and what the checks find in it.

    ``keeps_old``: readers shall go on with the last one. ``is_first``: there is none.
    """

    models: list[ModelResult]
    checks: list[CheckResult]
    is_first: bool
    keeps_old: bool = False


def build(
    connection: Connection,
    project: Project,
    settings: ModelSettings,
    *,
    on_model: Callable[[ModelResult], None] | None = None,
) -> list[ModelResult]:
    """Build all models, whatever the checks find. Raises what :func:`prepared` raises."""
    with prepared(connection, replace(project, checks=()), settings, on_model=on_model) as new:
        return new.models


@contextmanager
def prepared(
    connection: Connection,
    project: Project,
    settings: ModelSettings,
    *,
    on_model: Callable[[ModelResult], None] | None = None,
) -> Iterator[Prepared]:
    """Build all models beside the last ones, whose places they take when the block ends.

    ``on_model`` is told of each; nothing is visible before the last is done.

    Raises:
        ConfigurationError: the database sorts texts in another order.
        ModelError: a model fails or breaks what its header promises, or what it would replace is in
            use or not ours. Nothing was changed.
    """
    project, models = with_fields(project, settings), []
    with transaction(connection) as cursor:
        _begin(cursor, settings)
        for model in project.models:
            models.append(_make(cursor, model))
            if on_model:
                on_model(models[-1])
        models = [
            replace(result, checks=_promises(cursor, model))
            for result, model in zip(models, project.models, strict=True)
        ]
        checks = [run_check(cursor, check, suffix=_SUFFIX) for check in project.checks]
        cursor.execute("select to_regclass(%s) is null", [BUILD_SETTINGS])
        new = Prepared(models, checks, is_first=cursor.fetchone()[0])
        yield new
        if new.keeps_old:
            _discard(cursor)
            return
        with explained("Replacing the last build", hint=_UNCHANGED):
            _take_places(cursor, project)


def _begin(cursor: Cursor, settings: ModelSettings) -> None:
    cursor.execute(_LOCK)
    refuse_other_order(cursor)
    ensure_raw_tables(cursor)
    with explained("The build", hint=_UNCHANGED):
        for layer in LAYERS:
            cursor.execute(f"create schema if not exists {layer}")
            cursor.execute(f"create schema {layer}{_SUFFIX}")
        _write_settings(cursor, settings)


def _discard(cursor: Cursor) -> None:
    schemas = ", ".join(f"{layer}{_SUFFIX}" for layer in LAYERS)
    cursor.execute(f"drop schema {schemas} cascade")


def _promises(cursor: Cursor, model: Model) -> tuple[CheckResult, ...]:
    return tuple(kept(run_check(cursor, check, suffix=_SUFFIX)) for check in model.checks)


def refuse_other_order(cursor: Cursor) -> None:
    """Refuse a database that sorts texts otherwise than DuckDB: the first of some is another."""
    cursor.execute("select 'B' < 'a' and 'a_' > 'a1'")
    if cursor.fetchone() != (True,):
        raise ConfigurationError(
            "The PostgreSQL database sorts texts in another order than DuckDB.",
            hint="Make one that sorts by code points: "
            "create database printora template template0 locale 'C.UTF-8'.",
        )


def _beside(qualified: str) -> str:
    schema, _, name = qualified.partition(".")
    return f"{schema}{_SUFFIX}.{name}"


def _write_settings(cursor: Cursor, settings: ModelSettings) -> None:
    fields = dataclasses.fields(settings)
    types = {"str": "text", "int": "integer"}
    columns = ", ".join(f"{field.name} {types[str(field.type)]}" for field in fields)
    marks = ", ".join("%s" for _ in fields)
    name = _beside(BUILD_SETTINGS)
    cursor.execute(f"create table {name} ({columns})")
    cursor.execute(f"insert into {name} values ({marks})", dataclasses.astuple(settings))  # noqa: S608 - our own name
    meanings = [(field.name, field.metadata["description"]) for field in fields]
    comment_on(cursor, "table", name, f"The settings of the last build. {MARK}", meanings)


def _make(cursor: Cursor, model: Model) -> ModelResult:
    started = time.perf_counter()  # A duration, not a time: nothing that is stored depends on it.
    name = _beside(model.qualified)
    select = compiled(model.sql, "postgres", model.place, suffix=_SUFFIX)
    with explained(model.place, hint=_UNCHANGED):
        cursor.execute(f"create {model.materialized} {name} as {select}")
        cursor.execute(f"select * from {name} limit 0")  # noqa: S608 - our own name
        refuse_other_columns(model, [column[0] for column in cursor.description])
        if model.materialized == "table":
            cursor.execute(f"analyze {name}")
        cursor.execute(f"select count(*) from {name}")  # noqa: S608 - our own name
        (count,) = cursor.fetchone()
        meanings = [(column.name, column.description) for column in model.columns]
        comment_on(cursor, model.materialized, name, f"{model.text} {MARK}", meanings)
    return ModelResult(model.qualified, count, time.perf_counter() - started, (), "")


def _take_places(cursor: Cursor, project: Project) -> None:
    kinds = {BUILD_SETTINGS: "table"} | {m.qualified: m.materialized for m in project.models}
    cursor.execute(_GRANTS, [list(LAYERS)])
    grants = [row for row in cursor.fetchall() if row[0] in kinds]
    cursor.execute(_PATIENCE)
    _drop_old(cursor, kinds)
    for name, kind in kinds.items():
        schema = name.partition(".")[0]
        cursor.execute(f"alter {kind} {_beside(name)} set schema {schema}")
    for name, who, privilege in grants:
        cursor.execute(f"grant {privilege} on {name} to {who}")
    for layer in LAYERS:
        cursor.execute(f"drop schema {layer}{_SUFFIX}")


def _drop_old(cursor: Cursor, kinds: dict[str, str]) -> None:
    cursor.execute(_RELATIONS, [list(LAYERS)])
    existing = cursor.fetchall()
    foreign = [name for name, _, text in existing if name in kinds and not text.endswith(MARK)]
    if foreign:
        raise ModelError(
            f"There is a relation {foreign[0]} already, which was not built from sql/.",
            hint=f"Rename it or drop it; a build replaces only what a build made. {_UNCHANGED}",
        )
    for kind in ("view", "table"):
        ours = [name for name, of_kind, text in existing if of_kind == kind and text.endswith(MARK)]
        if ours:  # in one statement, so that none stands in another's way
            cursor.execute(f"drop {kind} {', '.join(ours)}")
