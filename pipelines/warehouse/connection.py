"""Opening DuckDB: readable by older clients, and with errors that say what to do.

Nothing is written but the file itself and what DuckDB keeps beside it: its log (``.wal``) and, for
queries larger than memory, ``.tmp``.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pipelines.clock import Clock, SystemClock
from pipelines.errors import WarehouseError, WarehouseLocked, WarehouseSettingError
from pipelines.warehouse.catalog import literal
from pipelines.warehouse.damage import DAMAGE_HINT, is_damaged
from pipelines.warehouse.lock import holder_of, require_folder

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

#: DuckDB 2.0 writes by default what no 1.x client reads, and today's BI drivers are 1.x.
STORAGE_VERSION = "v1.4.0"
#: Seconds that the command line waits for a program that reads the file, such as a BI tool.
READER_TIMEOUT = 10.0
_POLL_SECONDS = 0.2

_OTHER_HINT = "Name another file in DESTINATION__DUCKDB__CREDENTIALS, or move this one away."

_log = logging.getLogger(__name__)
T = TypeVar("T")


def connect(
    path: Path,
    read_only: bool = False,
    *,
    wait_seconds: float = 0.0,
    clock: Clock | None = None,
) -> DuckDBPyConnection:
    """Open the database, in UTC; create it first unless ``read_only``.

    ``wait_seconds`` is how long to wait for a process that has it open, such as a BI tool.

    Raises:
        WarehouseLocked: another process has it open.
        WarehouseError: it is not there, or not a database that this DuckDB can read.
    """
    if read_only and not path.exists():
        raise WarehouseError(
            f"There is no warehouse at {path}.",
            hint="`printora run` makes it; DESTINATION__DUCKDB__CREDENTIALS says where it is.",
        )
    if path.exists() and not (path.is_file() or path.is_dir()):  # a pipe would be waited for
        raise WarehouseSettingError(
            f"{path} is no file.", hint="Name a file in DESTINATION__DUCKDB__CREDENTIALS."
        )
    if not read_only:
        ensure_database(path)
    connection = when_free(lambda: _opened(path, read_only), wait_seconds, clock or SystemClock())
    # Times become dates in some models: they must not depend on the machine's zone.
    connection.execute("set TimeZone = 'UTC'")
    # Everything that the models use is built in: a misspelt name must not reach for the network.
    connection.execute("set autoinstall_known_extensions = false")
    # Where Python was started without a file, DuckDB draws a bar on the standard output.
    connection.execute("set enable_progress_bar = false")
    if not read_only:
        _warn_of_newer_storage(path, storage_version(connection))
    return connection


def ensure_database(path: Path) -> None:
    """Create the database file where there is none, readable by DuckDB clients from 1.4 on.

    Call it before dlt opens the file: the version is chosen when a file is made, and dlt has no
    working setting for it.
    """
    import duckdb

    if path.exists():
        return
    require_folder(path)
    # Made aside, so that a crash in between leaves no file that is not a database yet.
    aside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with duckdb.connect(":memory:") as connection:
            connection.execute(
                f"attach {literal(str(aside))} as created (storage_version '{STORAGE_VERSION}')"
            )
        _put_in_place(aside, path)
    except (OSError, duckdb.Error) as error:
        raise _explained(path, error) from error
    finally:
        with suppress(OSError):
            aside.unlink()


def log_of(path: Path) -> Path:
    """Return the log that DuckDB keeps beside a database while it is open to write."""
    return path.with_name(f"{path.name}.wal")


def storage_version(connection: DuckDBPyConnection) -> str:
    """Return the oldest DuckDB that reads this file, such as ``v1.4.0``."""
    row = connection.execute(
        "select tags['storage_version'] from duckdb_databases() "
        "where database_name = current_database()"
    ).fetchone()
    return str(row[0] if row else "").rstrip("+")


def _put_in_place(aside: Path, path: Path) -> None:
    try:
        os.link(aside, path)  # Unlike a rename, it never replaces what another process just made.
    except FileExistsError:
        return
    except OSError:
        aside.rename(path)  # A file system without links.


def when_free(open_it: Callable[[], T], wait_seconds: float, clock: Clock) -> T:
    """Open a file; while another process has it open, try again for so many seconds.

    Raises:
        WarehouseLocked: that process did not close it in time.
    """
    deadline = clock.now() + wait_seconds
    while True:
        try:
            return open_it()
        except WarehouseLocked:
            if clock.now() >= deadline:
                raise
        clock.sleep(_POLL_SECONDS)


def _opened(path: Path, read_only: bool) -> DuckDBPyConnection:
    import duckdb

    try:
        return duckdb.connect(str(path), read_only=read_only)
    except duckdb.Error as error:
        raise _explained(path, error) from error


def _explained(path: Path, error: Exception) -> WarehouseError:
    text = getattr(error, "strerror", None) or str(error).splitlines()[0]
    if "Could not set lock" in text:
        return locked(path, text)
    if "different configuration" in text:
        return WarehouseLocked(
            f"{path} is already open in this process, for reading or writing only.",
            hint="Close that connection first.",
        )
    if is_damaged(error):
        return WarehouseError(f"{path} is damaged: {text.rstrip('.')}.", hint=DAMAGE_HINT)
    if "version number" in text:
        return WarehouseSettingError(
            f"{path} was written by a newer DuckDB than the one that is installed.",
            hint="Install duckdb 2.0 or later, or name another file in "
            "DESTINATION__DUCKDB__CREDENTIALS and load it anew.",
        )
    if path.is_dir():
        return WarehouseSettingError(
            f"{path} is a folder.", hint="Name a file in DESTINATION__DUCKDB__CREDENTIALS."
        )
    if "sqlite_scanner" in text:  # DuckDB knows what it is, and how it would be read
        return WarehouseSettingError(f"{path} is an SQLite database.", hint=_OTHER_HINT)
    if "not a valid DuckDB database" in text:
        return WarehouseSettingError(f"{path} is not a DuckDB database.", hint=_OTHER_HINT)
    return WarehouseError(
        f"{path} cannot be opened: {text.removeprefix('IO Error: ').rstrip('.')}.",
        hint="DESTINATION__DUCKDB__CREDENTIALS names the file; its folder must be writable.",
    )


def locked(place: Path | str, text: str) -> WarehouseLocked:
    """Return DuckDB's refusal of a file that somebody has open, with who that is."""
    found = re.search(r"held in (?P<program>.+?) \(PID (?P<pid>\d+)\)", text)
    who = f"{found['program']} (PID {found['pid']})" if found else "another process"
    holder = holder_of(place) if isinstance(place, Path) else None
    if holder and found and holder.pid == int(found["pid"]):
        who = str(holder)
    return WarehouseLocked(
        f"{place} is open in {who}.",
        hint="DuckDB lets one process in to write, or several to read. Wait for it to end, or "
        "close it there (a notebook, a BI tool, DuckDB's shell), and run again.",
    )


@cache  # Once a process and file, not at each of a run's connections.
def _warn_of_newer_storage(path: Path, version: str) -> None:
    if _numbers(version) > _numbers(STORAGE_VERSION):
        _log.warning(
            "%s works, but only DuckDB %s or later can read it: it was not made by printora. "
            "For readers with older clients, move it away and load it anew.",
            path,
            version,
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))
