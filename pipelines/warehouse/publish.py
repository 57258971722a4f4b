"""The snapshot for readers: marts and staging in a file of its own, replaced as a whole.

DuckDB lets one process write and nobody else read meanwhile. So readers get another file, which no
run ever opens again: ``printora.published.duckdb`` beside ``printora.duckdb``. A new one is made
aside, looked at, and then takes the old one's name in one step. Who has the old one open goes on
reading it; who opens the name gets the old one or the new one, whole.

In: a warehouse whose models are all of one build. Out: the file, and the last few under names with
their time. No personal and no internal column gets in (`is_for_readers`).
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.clock import Clock, SystemClock, utc
from pipelines.errors import ConfigurationError, WarehouseError
from pipelines.files import for_readers
from pipelines.warehouse.catalog import columns, count, literal, quoted, relations, transaction
from pipelines.warehouse.connection import STORAGE_VERSION, connect, log_of, storage_version
from pipelines.warehouse.project import RAW_SCHEMA, Model, Project

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

#: How many snapshots are kept, the newest one included.
KEEP = 3
#: The schemas that readers get. What lies between them may change with any version.
PUBLISHED_SCHEMAS = ("staging", "analytics")
#: When a snapshot was made, in its name: sorts by time.
STAMP = "%Y%m%dT%H%M%S.%fZ"
STAMPED = r"\d{8}T\d{6}\.\d{6}Z"
#: Everybody reads it, and nobody writes: a client that opens it to write would leave a log beside
#: it that belongs to a file which is no longer there.
_MODE = 0o444
#: The name under which the new file is attached: no warehouse is called that.
_NEW = "printora_snapshot"


@dataclass(frozen=True)
class PublishedTable:
    """One table of a snapshot and how many rows it has."""

    name: str
    rows: int


@dataclass(frozen=True)
class Published:
    """A snapshot, in place. ``bytes`` is the file's size, ``seconds`` what it took."""

    path: Path
    at: datetime
    tables: tuple[PublishedTable, ...]
    bytes: int
    seconds: float


def published_path(warehouse: Path) -> Path:
    """Return where a warehouse's snapshot goes, unless a setting says otherwise."""
    return warehouse.with_name(f"{warehouse.stem}.published.duckdb")


def _is_same(one: Path, other: Path) -> bool:
    return one == other or (one.exists() and other.exists() and one.samefile(other))


def refuse_target(target: Path, warehouse: Path | None) -> None:
    """Refuse what cannot be a snapshot, or could be one that nobody can read.

    Raises:
        ConfigurationError: with what to name instead.
    """
    if warehouse and _is_same(target, warehouse):
        what = "which is the warehouse itself"
    elif target.is_dir():
        what = "which is a folder"
    elif target.name.partition(".")[0] in (*PUBLISHED_SCHEMAS, RAW_SCHEMA):
        # DuckDB calls an open file by its name: analytics.fct_orders would be a table of no schema.
        what = "and DuckDB cannot tell a file from a schema of the same name"
    else:
        return
    raise ConfigurationError(
        f"The snapshot for readers cannot be {target}, {what}.",
        hint="Name a file like shop.duckdb in SOURCES__PRINTORA__PUBLISH_TO.",
    )


def what_readers_have(target: Path | None) -> str:
    """Return what readers are left with where no new snapshot is made."""
    there = target is not None and target.exists()
    return "Readers keep the last snapshot." if there else "Readers have no snapshot yet."


def is_for_readers(column: str) -> bool:
    """Whether a column is neither personal (a keyed hash of a person is) nor internal."""
    return not (column.startswith("_") or column == "personal" or column.endswith("_pseudonym"))


def published_models(project: Project) -> tuple[Model, ...]:
    """Return the models that readers get: none that tells one person from another."""
    return tuple(
        model
        for model in project.models
        if model.schema in PUBLISHED_SCHEMAS and all(map(is_for_readers, model.key))
    )


@for_readers()
def publish(
    connection: DuckDBPyConnection,
    project: Project,
    target: Path,
    *,
    keep: int = KEEP,
    clock: Clock | None = None,
) -> Published:
    """Make ``target`` a snapshot of the warehouse that is open; keep the last ``keep`` ones.

    The caller holds the warehouse's lock. Whatever fails, the last snapshot stays in place.

    Raises:
        WarehouseError: the file cannot be written, or does not hold what it should.
        ConfigurationError: the target cannot be a snapshot.
    """
    import duckdb

    started = time.perf_counter()  # A duration, not a time: nothing that is stored depends on it.
    at = utc((clock or SystemClock()).now())
    models = published_models(project)
    row = connection.execute(
        "select path from duckdb_databases() where database_name = current_database()"
    ).fetchone()
    refuse_target(target, Path(str(row[0])) if row and row[0] else None)
    aside = target.with_name(f".{target.name}.new")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove(aside)  # what a killed run left
        tables = _write(connection, models, aside)
        _check(aside, models, tables)
        _put_in_place(aside, target, at)
        _prune(target, keep)
        return Published(target, at, tables, target.stat().st_size, time.perf_counter() - started)
    except (OSError, duckdb.Error) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise WarehouseError(
            f"The snapshot for readers cannot be written to {target}: {reason.rstrip('.')}.",
            hint=f"The warehouse is as it was built. {what_readers_have(target)} Mend that, or "
            "name another place (or off) in SOURCES__PRINTORA__PUBLISH_TO, and run "
            "`printora publish`.",
        ) from error
    finally:
        with suppress(OSError):
            _remove(aside)


def columns_for_readers(model: Model) -> list[tuple[str, str]]:
    """Return name and description of the columns that readers get."""
    return [(c.name, c.description) for c in model.columns if is_for_readers(c.name)]


def _write(
    connection: DuckDBPyConnection, models: tuple[Model, ...], aside: Path
) -> tuple[PublishedTable, ...]:
    with _attached(connection, aside), transaction(connection):
        for schema in PUBLISHED_SCHEMAS:
            connection.execute(f"create schema {quoted(f'{_NEW}.{schema}')}")
        return tuple(_copy(connection, model) for model in models)


@contextmanager
def _attached(connection: DuckDBPyConnection, aside: Path) -> Iterator[None]:
    options = f"read_write, storage_version '{STORAGE_VERSION}'"
    connection.execute(f"attach {literal(str(aside))} as {_NEW} ({options})")
    try:
        yield
        connection.execute(f"checkpoint {_NEW}")  # nothing may be left in a log beside it
    finally:
        connection.execute(f"detach {_NEW}")


def _copy(connection: DuckDBPyConnection, model: Model) -> PublishedTable:
    described = columns_for_readers(model)
    names = ", ".join(quoted(name) for name, _ in described)
    table = quoted(f"{_NEW}.{model.qualified}")
    connection.execute(f"create table {table} as select {names} from {quoted(model.qualified)}")  # noqa: S608 - our own names
    connection.execute(f"comment on table {table} is {literal(model.text)}")
    for name, meaning in described:
        connection.execute(f"comment on column {table}.{quoted(name)} is {literal(meaning)}")
    return PublishedTable(model.qualified, count(connection, model.qualified))


def _check(aside: Path, models: tuple[Model, ...], tables: tuple[PublishedTable, ...]) -> None:
    """Look at the file as a reader will, before it becomes one's."""
    with connect(aside, read_only=True) as connection:
        comments, found = relations(connection), columns(connection)
        wrong = [
            table.name
            for model, table in zip(models, tables, strict=True)
            if comments.get(table.name) != ("table", model.text)
            or [(c.name, c.comment) for c in found[table.name]] != columns_for_readers(model)
            or count(connection, table.name) != table.rows
        ]
        if wrong or storage_version(connection) != STORAGE_VERSION:
            raise WarehouseError(
                f"The new snapshot for readers is not what it should be: {', '.join(wrong)} "
                f"differ, written for DuckDB {storage_version(connection)} and later.",
                hint="No reader gets it. Run `printora publish` again; if it lasts, report it.",
            )


def _put_in_place(aside: Path, target: Path, at: datetime) -> None:
    aside.chmod(_MODE)
    _to_disk(aside)
    kept = target.with_name(f"{target.stem}.{at:{STAMP}}{target.suffix}")
    aside.replace(kept)
    try:
        os.link(kept, aside)  # the newest has two names, and lies on the disk once
    except OSError:
        shutil.copy(kept, aside)  # a file system without links
    # Left by a client that opened the last snapshot to write: DuckDB would apply it to this one.
    log_of(target).unlink(missing_ok=True)
    aside.replace(target)
    _to_disk(target.parent)


def _to_disk(path: Path) -> None:
    """Wait until the disk has it: after a power cut, a name must not lead to half a file."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _prune(target: Path, keep: int) -> None:
    pattern = re.compile(rf"{re.escape(target.stem)}\.{STAMPED}{re.escape(target.suffix)}")
    kept = sorted(path for path in target.parent.iterdir() if pattern.fullmatch(path.name))
    for path in kept[: -max(keep, 1)]:
        _remove(path)


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    log_of(path).unlink(missing_ok=True)
