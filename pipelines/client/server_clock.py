"""The server's clock, as far as its ``Date`` headers show it.

The limits are counted on the server's clock, which may be minutes away from ours. A ``Date`` has
whole seconds and arrives some time after it was written, so one header gives an interval for the
difference, and the intervals of many requests intersect to a narrow one.
"""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime

#: A server's time is less than this many seconds after its `Date`: the second that the header
#: cuts off, and another one because servers write the header's text once a second and keep it.
DATE_AGE = 2.0
#: Two clocks that are being adjusted drift apart by at most so many seconds a second.
SLEW = 5e-4
#: A difference that leaps by more than this many seconds is believed when it is seen twice.
LEAP = 86_400.0


def http_date(text: str | None) -> float | None:
    """Parse an HTTP date to epoch seconds; None for a missing, malformed or absurd one."""
    try:
        moment = parsedate_to_datetime(text or "")
    except (ValueError, OverflowError):
        return None
    if not 2000 <= moment.year < 2100:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.timestamp()


class ServerClock:
    """Translates between the server's time and ours. Both in epoch seconds."""

    def __init__(self) -> None:
        self._low = float("-inf")
        self._high = float("inf")
        self._seen_at = 0.0
        self._doubted: tuple[float, float] | None = None

    @property
    def known(self) -> bool:
        """Whether any ``Date`` was seen."""
        return self._low != float("-inf")

    @property
    def offset(self) -> float:
        """Best estimate of server minus local, in seconds; 0 while nothing is known."""
        return (self._low + self._high) / 2 if self.known else 0.0

    def observe(self, date: str | None, sent: float, received: float) -> None:
        """Take in one answer's ``Date``, and when its request left and it arrived (our time)."""
        stamp = http_date(date)
        if stamp is None or received < sent:
            return  # no date, or our clock was set back between the two
        # The header was written between `sent` and `received`.
        low, high = stamp - received, stamp + DATE_AGE - sent
        drift = SLEW * abs(received - self._seen_at) if self.known else 0.0
        known_low, known_high = self._low - drift, self._high + drift
        if low > known_high or high < known_low:
            self._set(low, high, received)
            return
        self._low, self._high = max(low, known_low), min(high, known_high)
        self._seen_at, self._doubted = received, None

    def _set(self, low: float, high: float, received: float) -> None:
        """Start anew: one of the clocks was set, and what was learned before no longer holds."""
        leap = max(low - self._high, self._low - high)
        doubted, self._doubted = self._doubted, (low, high)
        if leap > LEAP and (doubted is None or low > doubted[1] or high < doubted[0]):
            return  # one wild Date, of a proxy perhaps: wait whether the next one agrees
        self._low, self._high, self._seen_at, self._doubted = low, high, received, None

    def to_server(self, local: float) -> float:
        """Return the server's time at one of our times, as well as it is known."""
        return local + self.offset

    def earliest(self, local: float) -> float:
        """Return the time that the server's clock has certainly reached at one of our times."""
        return local + (self._low if self.known else 0.0)

    def latest(self, local: float) -> float:
        """Return the time that the server's clock has certainly not passed at one of ours."""
        return local + (self._high if self.known else 0.0)

    def surely_passed(self, server: float) -> float:
        """Return our time at which the server's clock has certainly reached ``server``."""
        return server - (self._low if self.known else 0.0)
