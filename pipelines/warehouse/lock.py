"""One writer at a time: runs wait for each other instead of failing on DuckDB's own lock.

DuckDB lets one process in and refuses the others at once. So every run, from the command line or
from Dagster, first takes a lock file beside the database, and waits for it. The operating system
frees it when its process ends, however it ends: a lock is never left over.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.clock import Clock, SystemClock, utc
from pipelines.errors import WarehouseError, WarehouseSettingError
from pipelines.warehouse.lock_wait import wait_for_writer

if TYPE_CHECKING:
    from filelock import BaseFileLock

#: Longer than a build of a large warehouse, shorter than a first load that takes hours.
DEFAULT_TIMEOUT = 600.0
_POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Holder:
    """Who holds the lock. ``since`` is ISO 8601, in UTC."""

    pid: int
    command: str
    since: str

    def __str__(self) -> str:
        return f"`{self.command}` (PID {self.pid}, since {self.since})"


@contextmanager
def warehouse_lock(
    path: Path,
    *,
    timeout: float = DEFAULT_TIMEOUT,
    on_wait: Callable[[str], None] | None = None,
    command: str | None = None,
    clock: Clock | None = None,
) -> Iterator[None]:
    """Hold the right to write to the database at ``path``; wait at most ``timeout`` seconds for it.

    ``on_wait`` is told once, in a sentence, who is waited for. Taken again by the same thread, the
    lock is simply kept: a run takes it around all of its parts, and each part takes it too.

    Raises:
        WarehouseLocked: the other run did not end in time.
    """
    lock = _lock_file(path)
    if lock.is_locked:
        with lock:
            yield
        return
    clock = clock or SystemClock()
    wait_for_writer(
        lambda: _try(lock, path),
        lambda: f"{holder_of(path) or 'another run'} is writing to {path}",
        timeout=timeout,
        on_wait=on_wait,
        clock=clock,
        poll_seconds=_POLL_SECONDS,
    )
    try:
        _note_holder(path, command or own_command(), clock)
        yield
    finally:
        _holder_file(path).unlink(missing_ok=True)
        lock.release()


def was_ever_held(path: Path) -> bool:
    """Tell whether a run has ever locked the database: its lock file stays."""
    return Path(_lock_file(path).lock_file).exists()


def holder_of(path: Path) -> Holder | None:
    """Return who noted last that it holds the lock; None when nobody did, or it is unreadable.

    The note says nothing on its own: it is of use once the lock is known to be held.
    """
    try:
        return Holder(**json.loads(_holder_file(path).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _lock_file(path: Path) -> BaseFileLock:
    from filelock import FileLock

    # One object for each file and thread, so that it knows whether the thread has the lock.
    return FileLock(f"{path.resolve()}.lock", is_singleton=True)


def _holder_file(path: Path) -> Path:
    # Not the lock file itself: some versions of filelock empty it when somebody merely tries.
    return Path(f"{path.resolve()}.lock.json")


def _try(lock: BaseFileLock, path: Path) -> bool:
    from filelock import Timeout

    require_folder(path)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        # filelock tries again for ever where the file cannot be made, as in /proc.
        if not Path(lock.lock_file).exists():
            raise _no_lock_file(path, "the file system refuses it") from error
        return False
    except OSError as error:
        raise _no_lock_file(path, error.strerror or str(error)) from error
    return True


def _no_lock_file(path: Path, why: str) -> WarehouseError:
    return WarehouseSettingError(
        f"No lock file can be made beside {path}: {why}.",
        hint="Make its folder writable, or set DESTINATION__DUCKDB__CREDENTIALS elsewhere.",
    )


def require_folder(path: Path) -> None:
    """Refuse a warehouse in a folder that is not there: it is more often mistyped than new.

    Raises:
        WarehouseSettingError: a first load into a new file would take hours of the API's quota.
    """
    if not path.parent.is_dir():
        raise WarehouseSettingError(
            f"There is no folder {path.parent} for the warehouse {path.name}.",
            hint="Correct DESTINATION__DUCKDB__CREDENTIALS, or make the folder with mkdir.",
        )


def _note_holder(path: Path, command: str, clock: Clock) -> None:
    since = utc(clock.now()).isoformat(sep=" ", timespec="seconds")
    note = json.dumps(asdict(Holder(os.getpid(), command, since)))
    _holder_file(path).write_text(note, encoding="utf-8")


def own_command() -> str:
    """Name the program and its command, not its options: they are nobody else's business."""
    return " ".join([Path(sys.argv[0]).name, *sys.argv[1:2]])
