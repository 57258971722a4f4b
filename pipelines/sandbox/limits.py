"""The two limits on requests, as the server counts them."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate
from math import ceil
from typing import Literal


@dataclass(frozen=True)
class Limits:
    """How many requests a key may make, and how the API tells it; by default as in 1.0."""

    per_minute: int = 60
    """Requests in the short window; 0 switches both limits off."""
    per_long: int = 10_000
    """Requests in the long window."""
    long_seconds: float = 86_400.0
    """Length of the long window in seconds: a day in 1.0, an hour in 1.1."""
    window: Literal["fixed", "sliding"] = "fixed"
    """`fixed` windows begin at whole minutes and days of the server's clock."""
    headers: Literal["minute", "tightest"] = "minute"
    """Which window the headers tell of while neither refuses."""
    retry_after: Literal["none", "seconds", "date", "zero", "past"] = "none"
    """What a 429 says in `Retry-After`; `past` is a date that has gone."""
    production_per_minute: float = 0.0
    """Requests of the partner's own shop on the same key, evenly spread."""

    @classmethod
    def v1_1(cls) -> Limits:
        """Return the limits of version 1.1: 100 a minute, 1,000 an hour."""
        return cls(per_minute=100, per_long=1_000, long_seconds=3_600.0)

    @classmethod
    def off(cls) -> Limits:
        """Return limits that refuse nothing."""
        return cls(per_minute=0)


class _Window:
    """Requests that were let through within one window. Times are the server's epoch seconds."""

    def __init__(self, limit: int, seconds: float, sliding: bool) -> None:
        self.limit = limit
        self._seconds = seconds
        self._sliding = sliding
        self._taken: deque[float] = deque()

    def remaining(self, at: float) -> int:
        """Return how many more requests fit in now."""
        begin = at - self._seconds if self._sliding else at - at % self._seconds
        while self._taken and self._is_over(self._taken[0], begin):
            self._taken.popleft()
        return max(self.limit - len(self._taken), 0)

    def take(self, at: float) -> None:
        """Count one request."""
        self._taken.append(at)

    def reset(self, at: float) -> float:
        """Return when the window ends, or when its oldest request leaves it."""
        if self._sliding:
            return (self._taken[0] if self._taken else at) + self._seconds
        return at - at % self._seconds + self._seconds

    def _is_over(self, taken: float, begin: float) -> bool:
        return taken <= begin if self._sliding else taken < begin


class Meter:
    """Counts a key's requests against both windows, the shop's own requests among them."""

    def __init__(self, limits: Limits, start: float) -> None:
        self.limits = limits
        sliding = limits.window == "sliding"
        self._windows = (
            _Window(limits.per_minute, 60.0, sliding),
            _Window(limits.per_long, limits.long_seconds, sliding),
        )
        self._shop_at = start
        self.shop_requests = 0
        #: Requests of the partner's shop that met a 429: a connector must never cause one.
        self.shop_refused = 0

    def allow(self, at: float) -> bool:
        """Let one request through, or refuse it; a refused one costs nothing."""
        self._serve_shop(at)
        return self._take(at)

    def headers(self, at: float) -> Mapping[str, str]:
        """Return the headers that every response carries."""
        if not self.limits.per_minute:
            return {}
        self._serve_shop(at)
        window = self._shown(at)
        return {
            "X-RateLimit-Limit": str(window.limit),
            "X-RateLimit-Remaining": str(window.remaining(at)),
            "X-RateLimit-Reset": str(ceil(window.reset(at))),
        }

    def retry_after(self, at: float) -> Mapping[str, str]:
        """Return the header by which a 429 says when to come again, if it does."""
        reset = self._shown(at).reset(at)
        value = {
            "none": None,
            "seconds": str(max(ceil(reset - at), 1)),
            "date": formatdate(ceil(reset), usegmt=True),
            "zero": "0",
            "past": formatdate(at - 3_600, usegmt=True),
        }[self.limits.retry_after]
        return {} if value is None else {"Retry-After": value}

    def _take(self, at: float) -> bool:
        if not self.limits.per_minute:
            return True
        if any(not window.remaining(at) for window in self._windows):
            return False
        for window in self._windows:
            window.take(at)
        return True

    def _shown(self, at: float) -> _Window:
        """Return the window that the headers tell of: the one that refuses, if one does."""
        short, long = self._windows
        if not long.remaining(at):
            return long
        if self.limits.headers == "tightest" and long.remaining(at) < short.remaining(at):
            return long
        return short

    def _serve_shop(self, at: float) -> None:
        """Let the shop's requests up to now come in, one after the other."""
        if not self.limits.production_per_minute:
            self._shop_at = at
            return
        step = 60.0 / self.limits.production_per_minute
        while self._shop_at + step <= at:
            self._shop_at += step
            self.shop_requests += 1
            self.shop_refused += not self._take(self._shop_at)
