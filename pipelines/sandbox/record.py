"""What was asked of the API: for tests and for whoever watches their own use of the quota."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Entry:
    """One request. ``at`` is the world's time in epoch seconds; ``fault`` is what befell it."""

    at: float
    method: str
    path: str
    query: str
    status: int
    fault: str | None = None


class Record:
    """Counts the requests to the vendor's paths and remembers the last ones."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Count from zero."""
        self.entries: deque[Entry] = deque(maxlen=100_000)
        self.count = 0
        self.by_status: Counter[int] = Counter()
        self.by_path: Counter[str] = Counter()
        self.most_in_a_minute = 0
        self._minute: deque[float] = deque()

    def add(self, entry: Entry) -> None:
        """Count one request."""
        self.entries.append(entry)
        self.count += 1
        self.by_status[entry.status] += 1
        self.by_path[f"{entry.method} {entry.path}"] += 1
        self._minute.append(entry.at)
        while self._minute[0] <= entry.at - 60:
            self._minute.popleft()
        self.most_in_a_minute = max(self.most_in_a_minute, len(self._minute))

    def summary(self, last: int = 0) -> dict[str, Any]:
        """Return the counts, and the last requests if some are asked for."""
        return {
            "count": self.count,
            "refused": self.by_status[429],
            "most_in_a_minute": self.most_in_a_minute,
            "by_status": {str(status): n for status, n in sorted(self.by_status.items())},
            "by_path": dict(sorted(self.by_path.items())),
            "last": [asdict(entry) for entry in list(self.entries)[-last:]] if last else [],
        }
