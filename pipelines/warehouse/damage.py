"""What a damaged file, a full disk or too little memory says of itself, in DuckDB's words."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator

_DAMAGED = re.compile("Corrupt database file|Could not read enough bytes")
#: The last is what a limit of the process says, and a file system of small files.
_FULL = re.compile("No space left on device|Disk quota exceeded|File too large")
_MEMORY = re.compile("Out of Memory Error|failed to allocate", re.IGNORECASE)

DAMAGE_HINT = (
    "Put a copy back in its place, if there is one. Else move it away: `printora run` loads anew "
    "all that the API still lists. `printora doctor` says which tables can still be read."
)


def is_damaged(error: BaseException) -> bool:
    """Tell whether the database file is not whole any more."""
    return any(_DAMAGED.search(text) for text in _texts(error))


def is_full(error: BaseException) -> bool:
    """Tell whether there was no room left on a disk."""
    numbers = {getattr(one, "errno", None) for one in _chain(error)}
    return bool(numbers & {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}) or any(
        _FULL.search(text) for text in _texts(error)
    )


def is_short_of_memory(error: BaseException) -> bool:
    """Tell whether DuckDB or Python needed more memory than there is."""
    return any(isinstance(one, MemoryError) for one in _chain(error)) or any(
        _MEMORY.search(text) for text in _texts(error)
    )


def _texts(error: BaseException) -> Iterator[str]:
    return (str(one) for one in _chain(error))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
