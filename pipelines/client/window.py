"""One limit: what we sent within it, and what the server last said of it.

Our own count needs no header, and keeps to windows of every kind: a request counts from when its
answer came until a whole window later, so no stretch of the server's time holds too many of them,
wherever its windows begin. What the server said shows what others take from the same key:

- In a *fixed* window, what remains only falls until the reset. It is held against us until then,
  and where others were about to take more than the reserve in the last window, it is kept free
  for them in this one.
- In a *rolling* window, requests leave one by one. What the server counted beyond our own requests
  is other traffic; where it outgrows the reserve, we have so much less. Such windows show by
  resets that are not whole windows apart.
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace

from pipelines.client.headers import RateHeaders
from pipelines.client.server_clock import SLEW

#: Two resets that differ by no more than this many seconds are one, differently rounded.
JITTER = 2
#: So many resets in a row, whole windows apart, make a window a fixed one again.
STEADY = 5


@dataclass(frozen=True)
class Limit:
    """So many requests in so many seconds."""

    name: str
    seconds: int
    requests: int


@dataclass
class _Told:
    """What the server said: ``until`` is our time when it surely no longer holds."""

    remaining: int
    until: float
    others: int | None  # in a rolling window: requests in it that are not ours


class Window:
    """One limit. Times are the governor's; ``in_flight`` counts requests without an answer yet.

    An ``agreed`` limit is the contract's or a setting's; any other is known from headers alone.
    """

    def __init__(self, limit: Limit, reserve_share: float, *, agreed: bool = True) -> None:
        self.contract = limit
        # What was agreed on is never exceeded, whatever a header allows.
        self._most: float = limit.requests if agreed else math.inf
        self.limit = limit
        self._reserve_share = reserve_share
        self._own: deque[float] = deque()
        self._remembered: deque[float] = deque()
        self._told: _Told | None = None
        self._reset: int | None = None
        self._ours = 0  # our requests in the fixed window that the server told of
        self._rolling = False
        self._phase: int | None = (
            None  # a reset, from which a fixed window's are whole windows away
        )
        self._steady = 0  # resets that were
        self._others = self._others_before = 0.0  # what others take in this window and the last

    @property
    def reserve(self) -> int:
        """Requests that are left to others; one is always ours, or nothing could be read."""
        share = math.ceil(round(self.limit.requests * self._reserve_share, 6))
        return min(share, self.limit.requests - 1)

    @property
    def times(self) -> list[float]:
        """When our requests that still count were answered, oldest first."""
        return list(heapq.merge(self._remembered, self._own))

    def remember(self, times: Iterable[float]) -> None:
        """Count requests of former runs."""
        self._remembered = deque(heapq.merge(self._remembered, sorted(times)))

    def count(self, now: float) -> None:
        """Count a request whose answer came now, or never will."""
        self._own.append(now)
        self._ours += 1

    def unreported(self) -> None:
        """Take a request off that the server may have counted and has not reported."""
        if self._told is not None:
            self._told.remaining -= 1

    def tell(
        self, said: RateHeaders, until: float, now: float, in_flight: int, *, clock_known: bool
    ) -> None:
        """Take in what the server says of this window; ``until`` is the reset on our clock."""
        self.limit = replace(self.limit, requests=int(min(said.limit, self._most)))
        self._forget(now)
        same = self._same_window(said.reset)
        # No window ends later than its length from now, whatever the header claims.
        until = min(until, now + self._span)
        used = said.limit - said.remaining
        self._correct_memory(used)
        if self._rolling or not clock_known:
            others = max(used - len(self._own) - len(self._remembered) - in_flight, 0)
            self._told = _Told(said.remaining, until, others)
            return
        elapsed = self.limit.seconds - (until - now)
        if not same:
            begin = now - elapsed - JITTER
            self._ours = sum(1 for at in self._own if at >= begin)
        self._foresee(used - self._ours - len(self._remembered) - in_flight, elapsed)
        remaining = said.remaining
        if same and self._told is not None:
            # Answers may overtake one another: in one fixed window, the lower one is the later.
            remaining = min(remaining, self._told.remaining)
        self._told = _Told(remaining, until, None)

    def reset_of_empty(self, now: float) -> float | None:
        """Return when the window resets, if the server says that nothing remains of it."""
        self._forget(now)
        return self._told.until if self._told and self._told.remaining <= 0 else None

    def room(self, now: float, in_flight: int) -> int:
        """Return how many more requests may be sent now."""
        self._forget(now)
        room = -self._surplus(in_flight)
        if self._told is not None and self._told.others is None:
            room = min(room, self._told.remaining - self._kept(now) - in_flight)
        return max(room, 0)

    def free_at(self, now: float, in_flight: int) -> float | None:
        """Return when there may be room; None if only the answers in flight can tell."""
        self._forget(now)
        moments = [now]
        surplus = self._surplus(in_flight)
        if surplus >= 0:
            times = self.times
            if surplus < len(times):
                moments.append(times[surplus] + self._span)
            elif self._told is not None and self._told.others:
                moments.append(self._told.until)
        told = self._told
        if told is not None and told.others is None and told.remaining <= self._kept(now):
            moments.append(self._freed_by_others(told))
        return max(moments) if len(moments) > 1 else None

    @property
    def _span(self) -> float:
        """How long a request counts: a little longer than the window, for clocks that drift."""
        return self.limit.seconds * (1 + SLEW) + 0.05

    def _kept(self, now: float) -> int:
        """Return what to keep free until the reset: the reserve, or what others will still need."""
        left = max(self._told.until - now, 0.0) / self.limit.seconds if self._told else 0.0
        need = math.ceil(self._others_before * min(left, 1.0))
        return min(max(self.reserve, need), self.limit.requests - 1)

    def _freed_by_others(self, told: _Told) -> float:
        """Return when others need so little for the rest of the window that there is one for us."""
        if told.remaining <= max(self.reserve, 1):
            return told.until
        left = (told.remaining - 1) / self._others_before
        return told.until - left * self.limit.seconds

    def _surplus(self, in_flight: int) -> int:
        """Return by how much our count is above what we may have; below 0: room."""
        others = (self._told.others or 0) if self._told is not None else 0
        # A little more than was seen: it may grow before we see it again.
        need = others + max(3, others // 4) if others else 0
        counted = len(self._own) + len(self._remembered) + in_flight
        return counted - (self.limit.requests - max(self.reserve, need))

    def _forget(self, now: float) -> None:
        for times in (self._own, self._remembered):
            while times and times[0] + self._span <= now:
                times.popleft()
        if self._told is not None and self._told.until <= now:
            self._told = None

    def _same_window(self, reset: int) -> bool:
        """Note the reset; return whether it is the one of the last answer."""
        moved = 0 if self._reset is None else reset - self._reset
        if self._reset is not None and abs(moved) <= JITTER:
            return True
        # Of a window that nobody looked at, nothing is known.
        follows = moved <= self.limit.seconds + JITTER
        self._others_before = self._others if follows else 0.0
        self._reset, self._others = reset, 0.0
        self._tell_kind(reset)
        return False

    def _tell_kind(self, reset: int) -> None:
        """Tell a rolling window from a fixed one by the distance of its resets."""
        if self._phase is None:
            self._phase = reset
        off = (reset - self._phase) % self.limit.seconds
        if JITTER < off < self.limit.seconds - JITTER:
            self._rolling, self._phase, self._steady = True, reset, 0
        else:
            self._steady += 1
            self._rolling = self._rolling and self._steady < STEADY

    def _foresee(self, others: int, elapsed: float) -> None:
        """Note what others will have taken by the end of the window, going on like this."""
        if elapsed < self.limit.seconds / 12:
            return
        # One more than was seen: the next of them is on its way.
        self._others = (others + 1) * self.limit.seconds / elapsed if others > 0 else 0.0

    def _correct_memory(self, used: int) -> None:
        """Drop what a former run noted and the server does not count: the note was a hint."""
        while self._remembered and len(self._own) + len(self._remembered) > used:
            self._remembered.popleft()
