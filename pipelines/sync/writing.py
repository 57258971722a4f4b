"""The destination that the settings name, opened by its only writer."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from pipelines.clock import Clock
from pipelines.destinations.base import Destination
from pipelines.destinations.duckdb import DuckDBDestination, destination_of
from pipelines.settings import Settings
from pipelines.warehouse.connection import READER_TIMEOUT, connect
from pipelines.warehouse.first_load import warehouse_writer
from pipelines.working_folder import safe_folder


class Opened(Destination, Protocol):
    """A destination whose rows others may change, too."""

    def editing(self) -> AbstractContextManager[None]:
        """Let others of this process change the rows in the file of this machine."""


@contextmanager
def writing(settings: Settings, clock: Clock) -> Iterator[Opened]:
    """Be the only writer of the destination that the settings name."""
    path = settings.warehouse_path
    if settings.postgres_url:
        from pipelines.destinations.postgres import PostgresDestination

        folder = str(path.parent / "dlt")
        with PostgresDestination(settings.postgres_url, path, folder, clock) as database:
            yield database
        return
    if settings.lake_url:
        from pipelines.destinations.lake import LakeDestination

        with LakeDestination(settings.lake_url, path, str(path.parent / "dlt"), clock) as lake:
            yield lake
        return
    with warehouse_writer(path):  # by the machine's own clock: it is another process that ends
        # Whoever reads the file now is waited for, and what is no database is named.
        connect(path, wait_seconds=READER_TIMEOUT, clock=clock).close()
        target = destination_of(path, settings.duckdb_memory_limit)
        with DuckDBDestination(target, working_folder(path), clock) as file:
            yield file


def working_folder(warehouse: Path) -> str:
    """Return where dlt keeps packages on their way: a folder for each warehouse.

    It is in DLT_DATA_DIR, else beside the warehouse; dlt's own default is in the user's home,
    which nobody has named. Two warehouses that shared one would load each other's packages.
    """
    base = os.environ.get("DLT_DATA_DIR")
    root = Path(base) if base else warehouse.parent / ".printora" / "dlt"
    digest = hashlib.blake2b(str(warehouse.resolve()).encode(), digest_size=6).hexdigest()
    return str(safe_folder(root / "pipelines" / digest))
