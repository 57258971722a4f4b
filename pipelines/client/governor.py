"""The rate governor: waits before the limit, so that the limit never has to answer.

It holds three things against each request: its own count in each window (which needs no header
at all), what ``X-RateLimit-*`` last said (which also shows what the partner's shop takes from the
same key), and a wait that the server asked for. A share of each window is left free for the shop.
A wait that is longer than a run should sleep through ends the run instead.
"""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from pipelines.client.errors import PASSING
from pipelines.client.headers import RateHeaders, age, rate_headers, retry_after
from pipelines.client.server_clock import ServerClock
from pipelines.client.window import Limit, Window
from pipelines.clock import Clock, SystemClock, utc
from pipelines.errors import QuotaExhausted
from pipelines.words import counted, length

__all__ = ["Limit", "RateGovernor", "Wait"]

#: What a window of unknown length may be: the shortest of these that its reset fits into.
LENGTHS = {"minute": 60, "hour": 3_600, "day": 86_400}
#: Seconds by which a reset may seem to lie beyond its window: our knowledge of the server's clock.
SLACK = 3.0
#: Waits are longer by this, so that rounding does not leave a rest of a microsecond to wait for.
TICK = 0.001
#: Resets come in whole seconds, and a server may have rounded down.
ROUNDED_DOWN = 1.0
#: So many requests in a row, each after a long wait of its own, are no way to read a list.
MEAGRE = 5
LONG = 30.0


@dataclass(frozen=True)
class Wait:
    """A pause that is about to be made: how long, in seconds, and for what."""

    seconds: float
    reason: str


#: Only the answer to a request in flight can tell how long.
_FOR_AN_ANSWER = Wait(0.0, "the answers to the requests in flight")


class RateGovernor:
    """Paces requests under one key.

    ``reserve_share`` (0..1) of every limit is left to the partner's other traffic. ``budget`` caps
    the requests of this run. A wait above ``max_wait`` seconds raises :class:`QuotaExhausted`.
    ``on_wait`` is told of each pause before it begins. Safe to share between threads; each
    ``acquire`` must be followed by one ``release``.
    """

    def __init__(
        self,
        limits: Iterable[Limit],
        *,
        clock: Clock | None = None,
        reserve_share: float = 0.2,
        max_wait: float = 300.0,
        budget: int | None = None,
        on_wait: Callable[[Wait], None] | None = None,
    ) -> None:
        self._reserve_share = reserve_share
        self._windows = [Window(limit, reserve_share) for limit in limits]
        self._windows.sort(key=lambda window: window.limit.seconds)
        self._clock = clock or SystemClock()
        self._max_wait = max_wait
        self._budget = budget
        self._on_wait = on_wait or (lambda wait: None)
        self._blocked_from = self._blocked_until = -math.inf
        self._blocked_why = ""
        self._unexplained = 0
        self._in_flight = 0
        self._waited = 0.0  # since the last request was let through
        self._meagre = 0  # requests in a row that were waited for long
        self._latest = -math.inf
        self._set_back = 0.0
        self._answered = threading.Condition()
        self.server_clock = ServerClock()
        self.requests = 0
        #: The same by path, answered or not.
        self.sent: Counter[str] = Counter()

    def remember(self, used_at: Iterable[float]) -> None:
        """Count requests of former runs (epoch seconds of each), as far as they still matter.

        They are a hint: one request of this run is always made, so that the API itself is asked,
        and where its headers count less, they are right.
        """
        with self._answered:
            now = self._now()
            longest = max((window.limit.seconds for window in self._windows), default=0)
            times = [min(at, now) for at in used_at if at > now - 2 * longest]
            for window in self._windows:
                window.remember(times)

    def left(self) -> dict[str, int]:
        """Return how many requests we may still make in each window, the reserve taken off."""
        with self._answered:
            now = self._now()
            return {w.limit.name: w.room(now, self._in_flight) for w in self._windows}

    def room(self) -> int:
        """Return how many requests may be made without a wait: by every window and the budget."""
        left = list(self.left().values())
        if self._budget is not None:
            left.append(self._budget - self.requests)
        return min(left, default=0)

    def acquire(self, path: str = "") -> None:
        """Wait until a request may be sent, and count it.

        Raises:
            QuotaExhausted: the budget is spent, or the wait would be longer than ``max_wait``.
        """
        while True:
            with self._answered:
                self._check_budget()
                wait = self._next_wait(self._now())
                if wait is None:
                    self._let_through(path)
                    return
                if wait is _FOR_AN_ANSWER:
                    self._answered.wait()
                    continue
                self._check_wait(wait)
            self.announce(wait)
            self._clock.sleep(wait.seconds)

    def _let_through(self, path: str) -> None:
        self._meagre = self._meagre + 1 if self._waited >= LONG else 0
        self._waited = 0.0
        self.requests += 1
        self.sent[path] += 1
        self._in_flight += 1

    def _check_wait(self, wait: Wait) -> None:
        """Refuse a wait that is too long, or one more of those that bring a single request each."""
        if wait.seconds > self._max_wait:
            raise self._exhausted(wait)
        if self._meagre >= MEAGRE and wait.seconds >= LONG and not self._is_slow_by_contract:
            raise QuotaExhausted(
                f"The API leaves next to nothing: {counted(self._meagre, 'request')} in a row had "
                f"to be waited for, the last time because of {wait.reason}.",
                hint="What was read is loaded; lower what else uses the key, or run again later.",
            )
        self._waited = max(self._waited, wait.seconds)

    @property
    def _is_slow_by_contract(self) -> bool:
        """Whether one request in a long time is all that was ever agreed on."""
        return any(w.contract.requests <= 2 * w.contract.seconds / LONG for w in self._windows)

    def announce(self, wait: Wait) -> None:
        """Tell of a pause that is about to be made: of the governor's, or before another try."""
        self._on_wait(wait)

    def release(
        self, sent: float, status: int | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        """Take in the answer to a request that ``acquire`` let through; no status: none came.

        ``sent`` is the time of our clock at which it left. Header names are in lower case.
        """
        headers = {} if headers is None else headers
        with self._answered:
            now = self._now()
            received = now - self._set_back
            self._in_flight -= 1
            for window in self._windows:
                # The server counted it no later than its answer arrived.
                window.count(now)
            self.server_clock.observe(headers.get("date"), sent, received, age(headers))
            spoken_of = self._read_headers(headers, now)
            for window in self._windows:
                if window is not spoken_of:
                    window.unreported()
            self._judge(status, headers, sent + self._set_back, now)
            self._answered.notify_all()

    def refused(self, sent: float, headers: Mapping[str, str]) -> None:
        """Take in that an answer refused for the limits, though its status did not say so.

        It was released before; what it asks for is waited for as after a 429.
        """
        with self._answered:
            self._judge(429, headers, sent + self._set_back, self._now())

    def _now(self) -> float:
        """Return the clock's time, made to stand still while a clock that was set back catches up.

        What was sent an hour ago must not lie in the future. A clock that is set forward looks
        like time that passed; the next answer's headers tell better.
        """
        now = self._clock.now() + self._set_back
        if now < self._latest:
            self._set_back += self._latest - now
            now = self._latest
        self._latest = now
        return now

    def _check_budget(self) -> None:
        if self._budget is not None and self.requests >= self._budget:
            raise QuotaExhausted(
                f"The run's budget of {counted(self._budget, 'request')} is spent.",
                hint="What was read is loaded; run again to go on, or raise --budget.",
            )

    def _next_wait(self, now: float) -> Wait | None:
        if self._blocked_until > now:
            return Wait(self._blocked_until - now + TICK, self._blocked_why)
        if self.requests == 0:
            return None  # ask the API before believing what a former run noted
        full = [window for window in self._windows if not window.room(now, self._in_flight)]
        if not full:
            return None
        waits = [
            Wait(free_at - now + TICK, self._reason(window.limit))
            for window in full
            if (free_at := window.free_at(now, self._in_flight)) is not None
        ]
        return max(waits, key=lambda wait: wait.seconds, default=_FOR_AN_ANSWER)

    def _reason(self, limit: Limit) -> str:
        kept = f"{self._reserve_share:.0%} left to the partner's own traffic"
        return f"the limit of {counted(limit.requests, 'request')} a {limit.name} ({kept})"

    def _read_headers(self, headers: Mapping[str, str], now: float) -> Window | None:
        """Take in what the headers say, and return the window that they speak of."""
        said = rate_headers(headers)
        if said is None:
            return None
        until = self.server_clock.surely_passed(said.reset) + ROUNDED_DOWN + self._set_back
        if until <= now:
            return None  # a window that is over says nothing about the next one
        window = self._window_of(said, until - now - ROUNDED_DOWN)
        if window is not None:
            known = self.server_clock.known
            window.tell(said, until, now, self._in_flight, clock_known=known)
        return window

    def _window_of(self, said: RateHeaders, seconds_left: float) -> Window | None:
        """Tell which window the headers speak of: by its limit, else by the time it has left."""
        fits = [w for w in self._windows if seconds_left <= w.limit.seconds + SLACK]
        for window in fits:
            if said.limit == window.limit.requests:
                return window
        for window in self._windows:
            if said.limit == window.contract.requests:
                return window  # its reset is out of reach: the window's own length bounds it
        return self._window_of_length(said.limit, seconds_left)

    def _window_of_length(self, limit: int, seconds_left: float) -> Window | None:
        """Find or make the window of a limit that the contract does not name."""
        fits = [name for name, seconds in LENGTHS.items() if seconds_left <= seconds + SLACK]
        if not fits:
            return None
        name, seconds = fits[0], LENGTHS[fits[0]]
        for window in self._windows:
            if window.limit.seconds < seconds and window.limit.requests == limit:
                window.limit = window.contract  # near its end, a longer window looked like it
        for window in self._windows:
            if window.limit.seconds == seconds:
                return window
        return self._add(Limit(name, seconds, limit))

    def _add(self, limit: Limit) -> Window:
        window = Window(limit, self._reserve_share, agreed=False)
        self._windows.append(window)
        self._windows.sort(key=lambda window: window.limit.seconds)
        return window

    def _judge(
        self, status: int | None, headers: Mapping[str, str], sent: float, now: float
    ) -> None:
        """Note the wait that an answer asks for."""
        passes = status is not None and (status >= 500 or status == 429 or status in PASSING)
        until = self._retry_after(headers, now) if passes else None
        why = f"Retry-After of the API's {status}"
        if status == 429 and until is None:
            resets = [w.reset_of_empty(now) for w in self._windows]
            until = max((at for at in resets if at is not None), default=None)
            why = "the reset that the API's 429 names"
        if status == 429 and until is None:
            until = self._guess(sent, now)
            why = "a 429 that does not say how long"
        elif status is not None and status != 429:
            self._unexplained = 0
        if until is not None and until > self._blocked_until:
            self._blocked_from, self._blocked_until, self._blocked_why = now, until, why

    def _guess(self, sent: float, now: float) -> float:
        """Return until when to wait without a hint: a shortest window, then longer each time."""
        if sent >= self._blocked_from:  # else it is one more answer of the same refusal
            self._unexplained = min(self._unexplained + 1, 12)
        shortest = min((w.limit.seconds for w in self._windows), default=60)
        return now + shortest * (1 + SLACK / 60) * 2.0 ** (self._unexplained - 1)

    def _retry_after(self, headers: Mapping[str, str], now: float) -> float | None:
        """Return our time until which the server asks us to wait; None without a usable hint."""
        seconds, date = retry_after(headers)
        if date is not None:
            until = self.server_clock.surely_passed(date) + self._set_back
        else:
            until = now + (seconds or 0)
        # No limit lasts longer than a day; the next run asks again.
        return min(until, now + LENGTHS["day"]) if until > now else None

    def _exhausted(self, wait: Wait) -> QuotaExhausted:
        again = utc(self._clock.now() + wait.seconds)
        pause = length(wait.seconds)
        return QuotaExhausted(
            f"The API's quota is used up: going on needs a wait of {pause} for {wait.reason}.",
            hint=f"What was read is loaded; run again after {again:%Y-%m-%d %H:%M} UTC to go on.",
        )
