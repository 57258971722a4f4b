"""``printora compare``: the models on another engine, held against DuckDB's row by row."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from pipelines.cli import failures, redaction, terminal, warehouses
from pipelines.cli.options import Json
from pipelines.destination_setting import BUCKET, bucket_url, refuse_other_url
from pipelines.errors import ConfigurationError, WarehouseError
from pipelines.words import counted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from pipelines.warehouse import CheckResult, ModelSettings, Project
    from pipelines.warehouse.compare import Comparison, Rows

_BATCH = 10_000


def compare(
    url: Annotated[
        str | None,
        typer.Argument(
            help="An empty database: postgresql://user:password@host/name; or an empty folder or "
            "bucket for a lake: s3://bucket/folder. Leave it out where one is the destination."
        ),
    ] = None,
    *,
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Replace the raw tables that are there already."),
    ] = False,
    json: Json = False,
) -> None:
    """Build the models on PostgreSQL or on a lake, and hold every row against DuckDB's.

    Copies the raw tables first: there, or, where it is the destination, into a DuckDB file that is
    gone afterwards. Ends with code 1 where anything differs.
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

    from pipelines.settings import lake_url, model_settings
    from pipelines.warehouse import build, load_project

    url, place = warehouses.hidden_url(), lake_url()
    if url is None and place is None:
        raise ConfigurationError(
            "There is nothing to compare with.",
            hint="Name an empty database: printora compare postgresql://user:password@host/name; "
            "or an empty folder for a lake.",
        )
    project, settings = load_project(), model_settings()
    with warehouses.writing(), duckdb.connect() as here:
        here.execute("set TimeZone = 'UTC'")
        _copy_here(url, place, here)
        build(here, project, settings)
        return _held_against(here, url, place, project, settings)


def _copy_here(url: str | None, place: str | None, here: DuckDBPyConnection) -> None:
    if url:
        from pipelines.warehouse.copying import copy_back
        from pipelines.warehouse.postgres import transaction
        from pipelines.warehouse.postgres_lock import writer_session

        with writer_session(url) as session, transaction(session) as cursor:
            copy_back(cursor, here)
        return
    from pipelines.warehouse.lake import copy_raw, open_lake

    copy_raw(open_lake(place or ""), here)


def _compared(to: str, *, replace: bool) -> tuple[list[Comparison], list[str]]:
    """Copy a DuckDB warehouse's raw rows, and build from them there."""
    from pipelines.settings import warehouse_path
    from pipelines.warehouse import connect, load_project, warehouse_lock

    is_database = to.startswith("postgres")
    url = to if is_database else None
    place = None if is_database else bucket_url({BUCKET: to}.get)
    if url:
        redaction.hide(urlsplit(url).password)
        refuse_other_url(url, "The database's address")
    project, path = load_project(), warehouse_path()
    with (
        warehouse_lock(path, on_wait=terminal.note),
        connect(path, read_only=True) as connection,
    ):
        settings = _settings_of(connection, project)
        copied = _copy_there(connection, url, place, replace=replace)
        terminal.note(f"Copied {counted(copied, 'raw row')}. Building the models.")
        return _held_against(connection, url, place, project, settings)


def _copy_there(
    connection: DuckDBPyConnection, url: str | None, place: str | None, *, replace: bool
) -> int:
    if url:
        from pipelines.warehouse.copying import copy_raw
        from pipelines.warehouse.postgres import connect

        with closing(connect(url)) as database:
            with database, database.cursor() as cursor:
                cursor.execute("select to_regnamespace('printora_raw') is not null")
                _refuse_what_is_there(cursor.fetchone() == (True,) and not replace)
            return copy_raw(connection, database)
    from pipelines.warehouse.lake import fill_raw, open_lake

    lake = open_lake(place or "")
    _refuse_what_is_there(bool(lake.names("printora_raw")) and not replace)
    return fill_raw(lake, connection)


def _held_against(
    connection: DuckDBPyConnection,
    url: str | None,
    place: str | None,
    project: Project,
    settings: ModelSettings,
) -> tuple[list[Comparison], list[str]]:
    """Return the models, compared, and the checks that find other rows."""
    from pipelines.warehouse import run_checks
    from pipelines.warehouse.compare import compare as held_against
    from pipelines.warehouse.session_fields import with_fields

    with _built_there(url, place, project, settings) as (there, checks):
        models = with_fields(project, settings).models
        found = list(held_against(lambda query: _rows(connection, query), there, models))
    ours = {result.check.name: result.failures for result in run_checks(connection, project)}
    return found, [r.check.name for r in checks if r.failures != ours[r.check.name]]


@contextmanager
def _built_there(
    url: str | None, place: str | None, project: Project, settings: ModelSettings
) -> Iterator[tuple[Rows, list[CheckResult]]]:
    """Yield what answers from the other engine's models, and what its checks found."""
    if url:
        from pipelines.warehouse import postgres, postgres_build
        from pipelines.warehouse.postgres_lock import writer_session

        with writer_session(url, on_wait=terminal.note) as session:
            postgres_build.build(session, project, settings)
            yield lambda query: postgres.rows(session, query), postgres.run_checks(session, project)
        return
    from pipelines.warehouse import lake_build, spark
    from pipelines.warehouse.lake import open_lake
    from pipelines.warehouse.lake_lock import writer_lease

    lake = open_lake(place or "")
    with (
        writer_lease(lake, on_wait=terminal.note) as lease,
        spark.spark_session(lake.options) as session,
        lake_build.prepared(lake, session, project, settings, on_step=lease.check) as new,
    ):
        new.keeps_old = True  # what readers have is not touched
        yield lambda query: spark.rows(session, query), new.checks


def _refuse_what_is_there(is_there: bool) -> None:
    if is_there:
        raise ConfigurationError(
            "There are raw tables already.",
            hint="Name an empty place, or replace them with --replace.",
        )


def _settings_of(connection: DuckDBPyConnection, project: Project) -> Any:
    """Return the settings of the last build, which everything that is compared must be of."""
    from pipelines.warehouse import ModelSettings
    from pipelines.warehouse.build_plan import read_state
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
