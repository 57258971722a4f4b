"""A server's limits, counted without a line of the client's code, and loads to drive against it.

Only `FakeServer` decides what a 429 is. It keeps its own clock (skewed, drifting), its own windows
(fixed, sliding, or begun by the first request; of any phase) and its own way to tell of them.
"""

from __future__ import annotations

import bisect
import heapq
import itertools
import math
import random
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from email.utils import formatdate

from pipelines.client.governor import RateGovernor
from pipelines.clock import ManualClock

#: Sunday, 1 March 2026, 12:00 UTC.
START = 1_772_366_400.0
KINDS = ("fixed", "sliding", "first")
RESETS = ("ceil", "floor", "now+window")


@dataclass
class FakeServer:
    """One key's limits. ``limits`` are pairs of seconds and requests, the shortest first."""

    limits: tuple[tuple[int, int], ...] = ((60, 60),)
    kind: str = "fixed"
    phase: float = 0.0
    skew: float = 0.0
    drift: float = 0.0
    reset: str = "ceil"
    tightest: bool = False
    tells: bool = True
    partner_per_minute: float = 0.0
    retry_after: Callable[[float, float], str | None] = lambda now, reset: None
    taken: list[float] = field(default_factory=list)
    refused: int = 0
    partner_requests: int = 0
    partner_refused: int = 0
    remaining_after_ours: list[tuple[float, int]] = field(default_factory=list)
    _partner_at: float = -math.inf
    _begun: dict[int, float] = field(default_factory=dict)

    def now(self, local: float) -> float:
        """The server's time at one of the client's."""
        return local + self.skew + (local - START) * self.drift

    def handle(self, local: float) -> tuple[int, Mapping[str, str]]:
        """Answer one request of the client's."""
        now = self.now(local)
        self._serve_partner(now)
        allowed = self._take(now)
        self.refused += not allowed
        headers = {"date": formatdate(math.floor(now), usegmt=True)}
        if self.tells:
            headers |= self._headers(now)
        again = self.retry_after(now, self._told(now)[1])
        if not allowed and again is not None:
            headers["retry-after"] = again
        self.remaining_after_ours.append((now, self._remaining(now, *self.limits[0])))
        return (200 if allowed else 429), headers

    def partner(self, local: float, count: int = 1) -> None:
        """Let the partner's shop make requests now."""
        for _ in range(count):
            self.partner_requests += 1
            self.partner_refused += not self._take(self.now(local))

    def most_in(self, seconds: float) -> int:
        """The most requests that any window of the kind held."""
        most = begin = 0
        for end, at in enumerate(self.taken):
            while at - self.taken[begin] >= seconds:
                begin += 1
            most = max(most, end - begin + 1)
        return most

    def _serve_partner(self, now: float) -> None:
        if not self.partner_per_minute:
            return
        step = 60 / self.partner_per_minute
        self._partner_at = max(self._partner_at, now - 600) if self.taken else now
        while self._partner_at + step <= now:
            self._partner_at += step
            self.partner_requests += 1
            self.partner_refused += not self._take(self._partner_at)

    def _take(self, now: float) -> bool:
        if any(self._remaining(now, *limit) <= 0 for limit in self.limits):
            return False
        for seconds, _ in self.limits:
            self._begun[seconds] = self._begin(now, seconds)
        self.taken.append(now)
        return True

    def _begin(self, now: float, seconds: int) -> float:
        if self.kind == "sliding":
            return math.nextafter(now - seconds, math.inf)
        if self.kind == "fixed":
            return now - (now - self.phase) % seconds
        begin = self._begun.get(seconds, -math.inf)
        return begin if now < begin + seconds else now

    def _since(self, begin: float) -> int:
        return len(self.taken) - bisect.bisect_left(self.taken, begin)

    def _remaining(self, now: float, seconds: int, requests: int) -> int:
        return max(requests - self._since(self._begin(now, seconds)), 0)

    def _reset_of(self, now: float, seconds: int) -> float:
        if self.reset == "now+window":
            return now + seconds
        if self.kind == "sliding":
            inside = self._since(self._begin(now, seconds))
            return (self.taken[-inside] if inside else now) + seconds
        return self._begin(now, seconds) + seconds

    def _told(self, now: float) -> tuple[tuple[int, int], float]:
        """The limit that the headers speak of, and its reset."""
        empty = [limit for limit in self.limits if self._remaining(now, *limit) <= 0]
        told = empty[-1] if empty else self.limits[0]
        if self.tightest and not empty:
            told = min(self.limits, key=lambda limit: self._remaining(now, *limit))
        return told, self._reset_of(now, told[0])

    def _headers(self, now: float) -> Mapping[str, str]:
        limit, reset = self._told(now)
        rounded = math.floor(reset) if self.reset == "floor" else math.ceil(reset)
        return {
            "x-ratelimit-limit": str(limit[1]),
            "x-ratelimit-remaining": str(self._remaining(now, *limit)),
            "x-ratelimit-reset": str(rounded),
        }


def ask(
    governor: RateGovernor,
    server: FakeServer,
    clock: ManualClock | SimClock,
    latency: Callable[[], float],
) -> int:
    """Make one request as the client does; return its status."""
    governor.acquire()
    sent = clock.now()
    clock.sleep(latency() / 2)
    status, headers = server.handle(clock.now())
    clock.sleep(latency() / 2)
    governor.release(sent, status, headers)
    return status


def between(low: float, high: float, seed: int = 1) -> Callable[[], float]:
    """Latencies of a network that varies."""
    chance = random.Random(seed)  # noqa: S311 - not a secret
    return lambda: chance.uniform(low, high)


class SimClock:
    """Time for several threads: it moves on when all are blocked, to the first that wakes.

    ``join`` lets a governor's threads be counted while they wait for one another's answers.
    """

    def __init__(self, threads: int, start: float = START) -> None:
        self._now = start
        self._running = threads
        self._waiting = 0
        self._sleepers: list[tuple[float, int, threading.Event]] = []
        self._numbers = itertools.count()
        self._lock = threading.RLock()

    def now(self) -> float:
        """Seconds since the epoch."""
        with self._lock:
            return self._now

    def sleep(self, seconds: float) -> None:
        """Block the thread until the time has come."""
        if seconds <= 0:
            return
        event = threading.Event()
        with self._lock:
            heapq.heappush(self._sleepers, (self._now + seconds, next(self._numbers), event))
            self.blocked()
        assert event.wait(30), "no thread is left to move the time on"

    def blocked(self) -> None:
        """One thread less is running: because it sleeps, waits, or is done."""
        with self._lock:
            self._running -= 1
            if not self._running and self._sleepers:
                self._now, _, event = heapq.heappop(self._sleepers)
                self._running += 1
                event.set()

    def join(self, governor: RateGovernor) -> None:
        """Count the threads that wait in this governor for an answer."""
        clock = self

        class Counting(threading.Condition):
            def wait(self, timeout: float | None = None) -> bool:
                clock._waiting += 1
                clock.blocked()
                assert super().wait(30), "no answer will ever come"
                return True

            def notify_all(self) -> None:
                with clock._lock:
                    clock._running += clock._waiting
                    clock._waiting = 0
                super().notify_all()

        governor._answered = Counting()

    def run(self, work: Callable[[], None], threads: int) -> None:
        """Do the work in so many threads, and raise what any of them raised."""

        def job() -> None:
            try:
                work()
            finally:
                self.blocked()

        with ThreadPoolExecutor(threads) as pool:
            for done in [pool.submit(job) for _ in range(threads)]:
                done.result(timeout=60)
