"""The sandbox's time: another clock, started elsewhere, run faster, or moved on by hand."""

from __future__ import annotations

from pipelines.clock import Clock, ManualClock
from pipelines.sandbox.times import to_ms


class WorldClock:
    """Time in the world. ``speed`` world seconds pass for each second of the clock beneath."""

    def __init__(self, clock: Clock, start: float | None = None, speed: float = 1.0) -> None:
        self._clock = clock
        self._base = clock.now()
        self._start = self._base if start is None else start
        self.speed = speed

    def now(self) -> float:
        """Seconds since the epoch, in the world."""
        return self._start + (self._clock.now() - self._base) * self.speed

    def now_ms(self) -> int:
        """Milliseconds since the epoch, in the world."""
        return to_ms(self.now())

    def sleep(self, seconds: float) -> None:
        """Let that many seconds pass in the world."""
        self._clock.sleep(seconds / self.speed)

    def advance(self, seconds: float) -> None:
        """Jump on at once, whatever clock is beneath; who shares a manual one jumps along."""
        if isinstance(self._clock, ManualClock):
            self.sleep(seconds)
        else:
            self._start += max(seconds, 0.0)
