"""A first load that ends before anything was loaded leaves nothing behind.

An empty warehouse looks like one that lost its rows, and a key beside it like one to be kept.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines.errors import WarehouseError
from pipelines.source.pseudonyms import key_file
from pipelines.warehouse.catalog import relations
from pipelines.warehouse.connection import connect, log_of
from pipelines.warehouse.lock import DEFAULT_TIMEOUT, warehouse_lock
from pipelines.warehouse.project import PRIVACY_STATE, RAW_SCHEMA, raw_tables


@contextmanager
def warehouse_writer(
    path: Path,
    *,
    timeout: float = DEFAULT_TIMEOUT,
    on_wait: Callable[[str], None] | None = None,
    command: str | None = None,
) -> Iterator[None]:
    """Hold the warehouse's lock, and leave no warehouse behind that nothing was loaded into.

    The arguments, and what is raised, are those of :func:`warehouse_lock`.
    """
    lock = warehouse_lock(path, timeout=timeout, on_wait=on_wait, command=command)
    with lock, unmade_unless_loaded(path):
        yield


@contextmanager
def unmade_unless_loaded(path: Path) -> Iterator[None]:
    """Take away what an error in the block leaves of a warehouse that was not there before it.

    It stays where anything was loaded into it, or somebody has made a table of their own in it.
    The caller holds the warehouse's lock, whose own file stays: others may wait for it.
    """
    new = [each for each in (path, log_of(path), key_file(path)) if not each.exists()]
    try:
        yield
    except BaseException:
        if path in new and path.exists():
            for each in _vain(path, new):
                each.resolve().unlink(missing_ok=True)  # a link to it is somebody's own
        raise


def _vain(path: Path, new: Collection[Path]) -> Collection[Path]:
    """Return which of the new files nobody needs: none, if there is anything in the warehouse."""
    try:
        with connect(path, read_only=True) as connection:
            names = relations(connection)
    except WarehouseError:
        return ()  # it cannot be looked at, and so it stays
    # Before a load there are only dlt's own tables and ours of the rule for personal data.
    if any(name in raw_tables() or not name.startswith(RAW_SCHEMA) for name in names):
        return ()
    # What does not know of the key was made when the first file had been moved away.
    return [each for each in new if each != key_file(path) or PRIVACY_STATE in names]
