"""``printora compare``: the models on another engine, held against DuckDB's row by row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from pipelines.cli import failures, redaction, terminal, warehouses
from pipelines.destination import refuse_other_url
from pipelines.errors import ConfigurationError, WarehouseError
from pipelines.words import counted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from pipelines.warehouse import Project
    from pipelines.warehouse.compare import Comparison

_BATCH = 10_000


def compare(
    url: Annotated[
        str | None,
        typer.Argument(
            help="An empty database: postgresql://user:password@host/name. Leave it out where "
            "PostgreSQL is the destination."
        ),
    ] = None,
    *,
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Replace the raw tables that are in the database already."),
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document on standard output.")
    ] = False,
) -> None:
    """Build the models on PostgreSQL, and hold every row against DuckDB's.

    Copies the raw tables first: there, or, where PostgreSQL is the destination, into a DuckDB file
    that is gone afterwards. Ends with code 1 where anything differs.
    """
    terminal.wishes.json = json
    found, checks = _in_destination() if url is None else _compared(url, replace=replace)
    code = failures.FAILED if checks or any(part.differing for part in found) else failures.DONE
    _show(found, checks)
    if json:
        models = [asdict(part) for part in found]
        terminal.print_json({"exit_code": code, "models": models, "checks_that_differ": checks})
    raise typer.Exit(code)


def _in_destination() -> tuple[list[Comparison], list[str]]:
    """Build from the destination's raw rows, there and on DuckDB."""
    import duckdb

    from pipelines.settings import model_settings
    from pipelines.warehouse import build, load_project, postgres
    from pipelines.warehouse import postgres_build as there
    from pipelines.warehouse.copying import copy_back
    from pipelines.warehouse.postgres_lock import writer_session
    from pipelines.warehouse.session_fields import with_fields

    url = warehouses.hidden_url()
    if url is None:
        raise ConfigurationError(
            "There is no database to compare with.",
            hint="Name an empty one: printora compare postgresql://user:password@host/name.",
        )
    project, settings = load_project(), model_settings()
    with writer_session(url, on_wait=terminal.note) as session, duckdb.connect() as here:
        here.execute("set TimeZone = 'UTC'")
        with postgres.transaction(session) as cursor:
            copy_back(cursor, here)
        build(here, project, settings)
        there.build(session, project, settings)
        return _held_against(here, session, with_fields(project, settings))


def _compared(url: str, *, replace: bool) -> tuple[list[Comparison], list[str]]:
    redaction.hide(urlsplit(url).password)
    refuse_other_url(url, "The database's address")
    from pipelines.settings import warehouse_path
    from pipelines.warehouse import connect, load_project, postgres, warehouse_lock
    from pipelines.warehouse import postgres_build as there
    from pipelines.warehouse.copying import copy_raw
    from pipelines.warehouse.session_fields import with_fields

    project, path = load_project(), warehouse_path()
    database = postgres.connect(url)
    _refuse_what_is_there(database, replace=replace)
    with (
        warehouse_lock(path, on_wait=terminal.note),
        connect(path, read_only=True) as connection,
    ):
        settings = _settings_of(connection, project)
        copied = counted(copy_raw(connection, database), "raw row")
        terminal.note(f"Copied {copied}. Building the models.")
        there.build(database, project, settings)
        return _held_against(connection, database, with_fields(project, settings))


def _held_against(
    connection: DuckDBPyConnection, database: Any, project: Project
) -> tuple[list[Comparison], list[str]]:
    """Return the models, compared, and the checks that find other rows."""
    from pipelines.warehouse import postgres, run_checks
    from pipelines.warehouse.compare import compare as held_against

    found = held_against(
        lambda query: _rows(connection, query),
        lambda query: postgres.rows(database, query),
        project.models,
    )
    models = list(found)
    ours = {result.check.name: result.failures for result in run_checks(connection, project)}
    theirs = postgres.run_checks(database, project)
    return models, [r.check.name for r in theirs if r.failures != ours[r.check.name]]


def _refuse_what_is_there(database: Any, *, replace: bool) -> None:
    with database, database.cursor() as cursor:
        cursor.execute("select to_regnamespace('printora_raw') is not null")
        if cursor.fetchone() == (True,) and not replace:
            raise ConfigurationError(
                "The database has raw tables already.",
                hint="Name an empty database, or replace them with --replace.",
            )


def _settings_of(connection: DuckDBPyConnection, project: Project) -> Any:
    """Return the settings of the last build, which everything that is compared must be of."""
    from pipelines.warehouse import ModelSettings
    from pipelines.warehouse.build import read_state
    from pipelines.warehouse.built import read_settings
    from pipelines.warehouse.catalog import relations

    row = read_settings(connection, relations(connection))
    settings = ModelSettings(*row) if row else ModelSettings()  # type: ignore[arg-type]  # as stored
    if row is None or read_state(connection, project, settings).stale:
        raise WarehouseError(
            "The models in the warehouse are not those of its raw tables.",
            hint="Run `printora build`, then compare.",
        )
    return settings


def _rows(connection: DuckDBPyConnection, query: str) -> Iterator[tuple[Any, ...]]:
    cursor = connection.execute(query)
    while batch := cursor.fetchmany(_BATCH):
        yield from batch


def _show(found: list[Comparison], checks: list[str]) -> None:
    for part in found:
        if part.differing:
            terminal.show(
                f"{part.model} differs in {counted(part.differing, 'row')}. {part.example}"
            )
    for name in checks:
        terminal.show(f"The check {name} finds other rows.")
    equal = [part for part in found if not part.differing]
    rows = sum(part.rows for part in equal)
    terminal.show(
        f"{len(equal)} of {counted(len(found), 'model')} are equal, {counted(rows, 'row')}."
    )
