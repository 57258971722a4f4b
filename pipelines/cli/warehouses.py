"""The warehouse that the settings name, wherever it is: to read it, and to be its writer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, cast

from pipelines.cli import redaction, terminal
from pipelines.destination_setting import shown
from pipelines.errors import WarehouseError, WarehouseLocked
from pipelines.settings import lake_url, local_path, postgres_url, warehouse_path
from pipelines.warehouse import READER_TIMEOUT, connect, warehouse_lock
from pipelines.warehouse.first_load import warehouse_writer
from pipelines.warehouse.foreign import refuse_foreign
from pipelines.warehouse.lock import was_ever_held
from pipelines.warehouse.same_file import SameFile

if TYPE_CHECKING:
    from pathlib import Path

    from duckdb import DuckDBPyConnection


def place() -> str:
    """Return the warehouse for a person: a file's path, or a URL without its password."""
    url = postgres_url()
    return shown(url) if url else lake_url() or str(warehouse_path())


@contextmanager
def reading() -> Iterator[DuckDBPyConnection]:
    """Open the warehouse to read. PostgreSQL and a lake answer DuckDB's questions, too."""
    if url := hidden_url():
        from pipelines.warehouse.postgres_reader import reader

        with reader(url) as found:
            yield cast("DuckDBPyConnection", found)
    elif place := lake_url():
        from pipelines.warehouse import load_project
        from pipelines.warehouse.lake import open_lake
        from pipelines.warehouse.lake_reader import lake_reader

        with lake_reader(open_lake(place), load_project()) as connection:
            yield connection
    else:
        with connect(warehouse_path(), read_only=True, wait_seconds=READER_TIMEOUT) as connection:
            yield connection


@contextmanager
def loaded() -> Iterator[DuckDBPyConnection]:
    """Open a warehouse of our own to read, into which something was loaded.

    Raises:
        WarehouseSettingError: it is somebody else's database.
        WarehouseError: nothing was ever loaded into it, or it is not there.
    """
    import duckdb

    with reading() as connection:
        if is_file():
            refuse_foreign(place(), connection)
        try:
            connection.execute("select 1 from printora_raw.sync_runs limit 0")
        except duckdb.CatalogException as error:
            raise WarehouseError(
                f"Nothing was ever loaded into {place()}.",
                hint="Run `printora run`; or correct what names the destination: "
                "DESTINATION__DUCKDB__CREDENTIALS, where it is a file.",
            ) from error
        yield connection


@contextmanager
def writing() -> Iterator[Callable[[], None]]:
    """Be the only run that writes; yields what sees to it that it is still the same file."""
    if url := hidden_url():
        from pipelines.warehouse.postgres_lock import writer_session

        with writer_session(url, on_wait=terminal.note):
            yield lambda: None  # a session that is lost is noticed by what goes through it
    elif place := lake_url():
        from pipelines.warehouse.lake import open_lake
        from pipelines.warehouse.lake_lock import writer_lease

        with writer_lease(open_lake(place), on_wait=terminal.note) as lease:
            yield lease.check
    else:
        path = warehouse_path()
        if path.exists():
            _refuse_strange(path)
        with warehouse_writer(path, on_wait=terminal.note):
            yield SameFile(path).check


def _refuse_strange(path: Path) -> None:
    """Refuse what is no warehouse of ours, before a lock is made beside it."""
    if not was_ever_held(path):
        with suppress(WarehouseLocked), connect(path, read_only=True) as connection:
            refuse_foreign(path, connection)


@contextmanager
def correcting() -> Iterator[DuckDBPyConnection]:
    """Open the warehouse to change a certificate in it, as its only writer."""
    with loaded():  # to look for one must not make a file
        pass
    if url := hidden_url():
        from pipelines.warehouse.postgres import transaction
        from pipelines.warehouse.postgres_lock import writer_session
        from pipelines.warehouse.postgres_reader import PostgresReader

        with writer_session(url, on_wait=terminal.note) as session, transaction(session) as cursor:
            yield cast("DuckDBPyConnection", PostgresReader(cursor))
    else:
        with changing() as path, connect(path, wait_seconds=READER_TIMEOUT) as connection:
            yield connection


@contextmanager
def changing() -> Iterator[Path]:
    """Be the only writer; yields the file in which the raw rows may be changed in the block.

    Of PostgreSQL and of a lake it is a mirror, and what was changed in it is changed there at the
    block's end.
    """
    path = local_path()
    folder = str(path.parent / "dlt")
    if url := hidden_url():
        from pipelines.destinations.postgres import PostgresDestination
        from pipelines.warehouse.postgres_lock import writer_session

        with (
            writer_session(url, on_wait=terminal.note),
            PostgresDestination(url, path, folder) as destination,
            destination.editing(),
        ):
            yield path
    elif bucket := lake_url():
        from pipelines.destinations.lake import LakeDestination

        with writing(), LakeDestination(bucket, path, folder) as lake, lake.editing():
            yield path
    else:
        with warehouse_lock(path, on_wait=terminal.note):
            yield path


def is_file() -> bool:
    """Tell whether the warehouse is a DuckDB file."""
    return postgres_url() is None and lake_url() is None


def hidden_url() -> str | None:
    """Return the PostgreSQL database, whose password is never printed from now on."""
    from urllib.parse import urlsplit

    url = postgres_url()
    if url:
        redaction.hide(urlsplit(url).password)
    return url
