"""The destination's faults in words that a person can act on."""

from __future__ import annotations

import binascii
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from pipelines.destinations.base import DATASET
from pipelines.errors import PrintoraError, WarehouseError
from pipelines.warehouse.connection import locked


@contextmanager
def readable_errors() -> Iterator[None]:
    """Turn what dlt and the database raise into a :class:`WarehouseError`.

    An error of ours that passed through dlt comes out as it went in.
    """
    try:
        yield
    except PrintoraError:
        raise
    except Exception as error:
        raise _translated(error) from error


def _translated(error: Exception) -> PrintoraError:
    chain = list(_causes(error))
    for cause in chain:
        if isinstance(cause, PrintoraError):
            return cause
        if not isinstance(cause, Exception):
            raise cause  # somebody ended the run: dlt wraps that, too
    text = str(chain[-1]) or type(chain[-1]).__name__
    if "Could not set lock on file" in text:
        return locked("The DuckDB file", text)
    if isinstance(chain[-1], binascii.Error | zlib.error):
        return WarehouseError(
            f"The sync's own notes in {DATASET}._dlt_pipeline_state are damaged: {text}.",
            hint="Put a copy of the warehouse back in its place, or load into another one. Nothing "
            "was changed.",
        )
    return WarehouseError(
        f"The destination refused: {text.splitlines()[0][:300].rstrip('.')}.",
        hint="What was loaded before stands; mend the cause and run again to go on.",
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__
