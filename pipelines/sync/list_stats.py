"""What reading one list took and gave."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime


@dataclass
class ListStats:
    """What reading one list took and gave in this run; ``total`` is that of the last answer.

    ``unread_places``: of rows that no answer can hold, in the order in which they were met.
    """

    requests: Counter[str] = field(default_factory=Counter)
    rows_read: int = 0
    total: int | None = None
    oldest_answer: float = 0.0
    unread_places: dict[str, None] = field(default_factory=dict)
    began: datetime | None = None
