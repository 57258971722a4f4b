"""What every op does the same way: wait its turn, fail with a remedy, try again what may pass."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from pipelines.errors import PrintoraError, WarehouseLocked

Context = dg.AssetExecutionContext | dg.AssetCheckExecutionContext
#: No two ops write to the warehouse at once, of whatever run: see deploy/dagster.yaml. The lock
#: file keeps the command line out besides, which knows no pools.
POOL = "printora_warehouse"

#: A run waits this long for another one: a first load within one quota takes most of an hour.
LOCK_TIMEOUT = 3600.0
#: And this long for a program that reads the file meanwhile, such as a BI tool.
LONG_READER_TIMEOUT = 60.0

#: What may pass is tried again this often, after a pause that doubles each time.
MAX_RETRIES = 2
RETRY_SECONDS = 30.0

#: Each op has a process of its own, begun from one that has the definitions: loading them anew
#: takes longer than most ops.
EXECUTOR = dg.multiprocess_executor.configured(
    {"start_method": {"forkserver": {"preload_modules": ["assets.definitions"]}}},
    name="multiprocess",
)


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
