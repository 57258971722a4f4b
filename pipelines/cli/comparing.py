"""``printora compare``: the models on another engine, held against DuckDB's row by row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from pipelines.cli import failures, redaction, terminal
from pipelines.errors import ConfigurationError, WarehouseError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from pipelines.warehouse import Project
    from pipelines.warehouse.compare import Comparison

_BATCH = 10_000


def compare(
    url: Annotated[
        str, typer.Argument(help="An empty database: postgresql://user:password@host/name")
    ],
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

    Copies the raw tables there first. Ends with code 1 where anything differs.
    """
    terminal.wishes.json = json
    redaction.hide(urlsplit(url).password)
    found, checks = _compared(url, replace=replace)
    code = failures.FAILED if checks or any(part.differing for part in found) else failures.DONE
    _show(found, checks)
    if json:
        models = [asdict(part) for part in found]
        terminal.print_json({"exit_code": code, "models": models, "checks_that_differ": checks})
    raise typer.Exit(code)


def _compared(url: str, *, replace: bool) -> tuple[list[Comparison], list[str]]:
    from pipelines.settings import warehouse_path
    from pipelines.warehouse import connect, load_project, postgres, run_checks, warehouse_lock
    from pipelines.warehouse import postgres_build as there
    from pipelines.warehouse.compare import compare as held_against
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
        terminal.note(f"Copied {copy_raw(connection, database):,} raw rows. Building the models.")
        there.build(database, project, settings)
        found = list(
            held_against(
                lambda query: _rows(connection, query),
                lambda query: postgres.rows(database, query),
                with_fields(project, settings).models,
            )
        )
        ours = {result.check.name: result.failures for result in run_checks(connection, project)}
        theirs = postgres.run_checks(database, project)
    return found, [r.check.name for r in theirs if r.failures != ours[r.check.name]]


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
            terminal.show(f"{part.model}: {part.differing:,} rows differ. {part.example}")
    for name in checks:
        terminal.show(f"The check {name} finds other rows.")
    equal = [part for part in found if not part.differing]
    rows = sum(part.rows for part in equal)
    terminal.show(f"{len(equal)} of {len(found)} models are equal, {rows:,} rows.")
