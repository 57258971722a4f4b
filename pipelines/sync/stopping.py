"""Ending a run in order: SIGTERM, SIGHUP, Ctrl-C, and a longest duration.

The run stops at its next request, or in the middle of one that it waits for. What was read is
loaded, the certificate says "partial", the requests are counted, and the exit code is 3.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, Self, TypeVar

from pipelines.clock import Clock
from pipelines.errors import QuotaExhausted
from pipelines.words import length

_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
R = TypeVar("R")


class Stopped(QuotaExhausted):
    """The run was told to end, or has lasted long enough."""


class Stopping:
    """Takes the signals over for one run, in the main thread. Use as a context manager."""

    def __init__(self, clock: Clock, most_minutes: float | None) -> None:
        self._clock = clock
        self._deadline = None if most_minutes is None else clock.now() + 60 * most_minutes
        self._most_minutes = most_minutes
        self._signal: str | None = None
        self._may_interrupt = False
        self._before: dict[int, Any] = {}
        self.clock: Clock = _Interruptible(clock, self)

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def check(self) -> None:
        """End the run here, if it is to end."""
        if self._signal is not None:
            raise Stopped(
                f"The run was told to end ({self._signal}).",
                hint="What was read is loaded; run again to go on.",
            )
        if self._deadline is not None and self._clock.now() >= self._deadline:
            raise Stopped(
                f"The run has lasted its {length(60 * (self._most_minutes or 0))}.",
                hint="What was read is loaded; run again to go on, or raise "
                "SOURCES__PRINTORA__MAX_RUN_MINUTES.",
            )

    def waiting(self, wait: Callable[[], R]) -> R:
        """Wait for something that a signal may cut short."""
        self.check()
        return self._with(True, wait)

    def working(self, work: Callable[[], R]) -> R:
        """Do something that must not be cut short, within a wait."""
        return self._with(False, work)

    def _with(self, may_interrupt: bool, work: Callable[[], R]) -> R:
        before, self._may_interrupt = self._may_interrupt, may_interrupt
        try:
            return work()
        finally:
            self._may_interrupt = before

    def _note(self, number: int, _: FrameType | None) -> None:
        if self._signal is not None and number == signal.SIGINT:
            raise KeyboardInterrupt  # asked twice: at once
        self._signal = signal.Signals(number).name
        if self._may_interrupt:
            self._may_interrupt = False
            self.check()


class _Interruptible:
    """A clock whose sleep ends when the run is told to end."""

    def __init__(self, clock: Clock, stopping: Stopping) -> None:
        self._clock = clock
        self._stopping = stopping

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._clock.now()

    def sleep(self, seconds: float) -> None:
        """Let that many seconds pass."""
        if threading.current_thread() is threading.main_thread():
            self._stopping.waiting(lambda: self._clock.sleep(seconds))
            return
        # No signal reaches another thread: it looks for itself, so that the process can end.
        until = self._clock.now() + seconds
        while (left := until - self._clock.now()) > 0:
            self._stopping.check()
            self._clock.sleep(min(left, 1.0))
