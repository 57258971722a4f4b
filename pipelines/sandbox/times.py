"""Times inside the sandbox: whole milliseconds since the epoch, so that equality is exact."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

#: The time of what does not happen: later than any clock.
NEVER: Final = 2**62

SECOND: Final = 1_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR


def to_ms(at: float | datetime) -> int:
    """Return epoch seconds, or an aware ``datetime``, in milliseconds since the epoch."""
    seconds = at.timestamp() if isinstance(at, datetime) else at
    return round(seconds * SECOND)


def iso(ms: int) -> str:
    """Return the time as the API writes it: ISO 8601, UTC, with milliseconds and a Z."""
    at = datetime.fromtimestamp(ms / SECOND, tz=UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def iso_list(times: Array) -> list[str | None]:
    """Return many times as the API writes them; None for what never happens."""
    known = np.where(times == NEVER, 0, times).astype("datetime64[ms]")
    texts = np.datetime_as_string(known).tolist()
    never = (times == NEVER).tolist()
    return [None if gone else f"{text}Z" for text, gone in zip(texts, never, strict=True)]
