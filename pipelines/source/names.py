"""One spelling for the names on the wire."""

from __future__ import annotations

import re
from functools import lru_cache

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@lru_cache(maxsize=4096)
def snake(name: str) -> str:
    """``totalAmount``, ``total-amount`` and ``total_amount`` are all ``total_amount``."""
    return _HUMP.sub("_", name.strip()).replace("-", "_").replace(" ", "_").lower()
