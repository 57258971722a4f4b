"""What every op does the same way: hold the lock, tell who it waits for, fail with a remedy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import dagster as dg

from pipelines.errors import PrintoraError, WarehouseLocked
from pipelines.warehouse import connect, warehouse_lock

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    Context = dg.AssetExecutionContext | dg.AssetCheckExecutionContext

#: A run waits this long for another one: a first load within one quota takes most of an hour.
LOCK_TIMEOUT = 3600.0
#: And this long for a program that reads the file meanwhile, such as a BI tool.
READER_TIMEOUT = 60.0

#: What may pass is tried again this often, after a pause that doubles each time.
MAX_RETRIES = 2
RETRY_SECONDS = 30.0


@contextmanager
def explained(context: Context) -> Iterator[None]:
    """Turn our own errors into Dagster's, with what to do; try again what may pass by itself.

    Not as a retry policy: that repeats every error, and a wrong key or a bug is as wrong a minute
    later.
    """
    try:
        yield
    except PrintoraError as error:
        attempt = context.op_execution_context.retry_number
        if may_pass(error) and attempt < MAX_RETRIES:
            context.log.warning("%s Trying again.", error.message)
            raise dg.RetryRequested(MAX_RETRIES, RETRY_SECONDS * 2**attempt) from error
        raise dg.Failure(
            description=str(error),
            metadata={"what to do": error.hint} if error.hint else None,
            allow_retries=False,
        ) from error


def may_pass(error: PrintoraError) -> bool:
    """Whether the same run may succeed a minute later, with nobody doing anything."""
    from pipelines.client.errors import ApiError

    if isinstance(error, ApiError):
        return error.passing
    return isinstance(error, WarehouseLocked)


@contextmanager
def writing(context: Context) -> Iterator[None]:
    """Be the only run that has the warehouse, with a line in the log while waiting for it."""
    from pipelines.settings import warehouse_path

    with explained(context):
        command = f"dagster run {context.run.run_id}"
        with warehouse_lock(
            warehouse_path(), timeout=LOCK_TIMEOUT, on_wait=context.log.info, command=command
        ):
            yield


@contextmanager
def warehouse(context: Context, *, read_only: bool = False) -> Iterator[DuckDBPyConnection]:
    """Hold the lock and a connection. It closes with the block: the next op must get in."""
    from pipelines.settings import warehouse_path

    with (
        writing(context),
        connect(warehouse_path(), read_only, wait_seconds=READER_TIMEOUT) as connection,
    ):
        yield connection
