"""Time, handed in: the code never asks the operating system for it behind the caller's back."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the client, the sync and the sandbox know of time."""

    def now(self) -> float:
        """Seconds since the epoch."""

    def sleep(self, seconds: float) -> None:
        """Let that many seconds pass. Nothing happens for zero or less."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        """Seconds since the epoch, as the operating system has it."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Block the thread."""
        if seconds > 0:
            time.sleep(seconds)


class ManualClock:
    """A clock that stands still until somebody sleeps on it: a day passes in no time.

    Threads may share it, so that a client and a sandbox in one process live in the same time.
    """

    def __init__(self, start: float | datetime) -> None:
        self._now = start.timestamp() if isinstance(start, datetime) else float(start)
        self._lock = threading.Lock()

    def now(self) -> float:
        """Seconds since the epoch, as far as this clock has been moved."""
        with self._lock:
            return self._now

    def sleep(self, seconds: float) -> None:
        """Move the clock on and return at once."""
        if seconds > 0:
            with self._lock:
                self._now += seconds


def utc(epoch_seconds: float) -> datetime:
    """Return the time as an aware ``datetime`` in UTC."""
    return datetime.fromtimestamp(epoch_seconds, tz=UTC)
