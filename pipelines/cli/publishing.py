"""``printora publish``, and what a run does for readers once its models are built."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli import failures, terminal, warehouses
from pipelines.cli.options import Json
from pipelines.errors import ConfigurationError, ModelError
from pipelines.words import counted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from pipelines.warehouse import CheckResult, Project, Published


def publish(
    *,
    to: Annotated[
        Path | None, typer.Option(help="The file to write, instead of the usual one.")
    ] = None,
    parquet: Annotated[
        Path | None,
        typer.Option(help="Write Parquet files and a manifest into this folder instead."),
    ] = None,
    json: Json = False,
) -> None:
    """Write what was built last for readers: marts and staging, nothing of people.

    A run does it by itself, so that BI tools never open the file that it writes to.
    """
    terminal.wishes.json = json
    raise typer.Exit(_publish(to, parquet))


def after_build(
    connection: DuckDBPyConnection,
    project: Project,
    found: Sequence[CheckResult],
    *,
    whole: bool,
) -> Published | None:
    """Publish a build of the whole that no check objects to; else readers keep what they have."""
    from pipelines import warehouse
    from pipelines.settings import publish_path
    from pipelines.warehouse.publish import what_readers_have

    target = publish_path()
    if target is None or not whole:
        return None
    if against := objection(found):
        terminal.note(f"Not published: {against} {what_readers_have(target)}")
        return None
    return warehouse.publish(connection, project, target)


def line(published: Published) -> str:
    """Return where the snapshot is and how much is in it."""
    rows = sum(table.rows for table in published.tables)
    return (
        f"Published for readers: {published.path} ({counted(len(published.tables), 'table')}, "
        f"{counted(rows, 'row')}, {published.bytes / 1e6:.1f} MB)."
    )


def document(published: Published | None) -> dict[str, Any] | None:
    """Return a snapshot as JSON's types."""
    return None if published is None else asdict(published)


def _publish(to: Path | None, parquet: Path | None) -> int:
    from pipelines.settings import publish_path, warehouse_path
    from pipelines.warehouse import connect, load_project, run_checks, warehouse_lock
    from pipelines.warehouse import publish as write
    from pipelines.warehouse.foreign import refuse_foreign
    from pipelines.warehouse.lock import was_ever_held
    from pipelines.warehouse.parquet import export
    from pipelines.warehouse.publish import what_readers_have

    if to and parquet:
        raise ConfigurationError("--to and --parquet are both given.", hint="Give one of them.")
    path, project = warehouse_path(), load_project()
    target = to.expanduser().resolve() if to else publish_path()
    if target is None and parquet is None:
        raise ConfigurationError(
            "SOURCES__PRINTORA__PUBLISH_TO is off.",
            hint="Name a file with --to, or a folder with --parquet.",
        )
    serious = [check.name for check in project.checks if check.severity == "error"]
    if not was_ever_held(path):  # no lock is left beside what is no warehouse
        with warehouses.loaded():
            pass
    with (
        warehouse_lock(path, on_wait=terminal.note),
        connect(path, read_only=True) as connection,
    ):
        refuse_foreign(path, connection)
        _require_marts(connection)
        if against := objection(run_checks(connection, project, serious)):
            raise ModelError(
                f"Not published: {against}",
                hint=f"{what_readers_have(target)} `printora build` says what to do.",
            )
        if parquet:
            done = export(connection, project, parquet.expanduser().resolve())
        elif target:
            done = write(connection, project, target)
    terminal.show(line(done))
    if terminal.wishes.json:
        terminal.print_json({"exit_code": failures.DONE, "published": document(done)})
    return failures.DONE


def _require_marts(connection: DuckDBPyConnection) -> None:
    marts = "select 1 from duckdb_tables() where schema_name = 'analytics' limit 1"
    if connection.execute(marts).fetchone() is None:
        raise ModelError(
            "There is nothing to publish: the models are not built.",
            hint="Run `printora build` first.",
        )


def objection(found: Sequence[CheckResult]) -> str:
    """Return why readers should not see what the checks found this in; empty: they may."""
    names = [result.check.name for result in found if result.is_error]
    return f"{', '.join(names)} found something." if names else ""
