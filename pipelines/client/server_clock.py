"""The server's clock, as far as its ``Date`` headers show it.

The limits are counted on the server's clock, which may be minutes away from ours. A ``Date`` has
whole seconds and arrives some time after it was written, so one header gives an interval for the
difference, and the intervals of many requests intersect to a narrow one.

A proxy's ``Date`` may be of another day, and a certificate that believes it is false for ever. So a
difference that nothing explains is doubted until ``AGREE`` answers in a row show the same:

    no Date yet ── near ours ──▶ known, trusted ◀── AGREE agree ── doubted
         └──────── far from ours ──▶ doubted ◀── another difference ──┘

What was known is used on meanwhile, and our own clock where nothing is, but nothing may be
certified by either. A first difference that an earlier run's answers agreed on is explained, too.
A clock that is more than ``IMPLAUSIBLE`` away from ours is never trusted, however constant it is.
One that falls behind little by little is followed: its dates are those of a cache that does not say
so, and no answer is newer than they tell.
"""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime

from pipelines.words import length

#: A server's time is less than this many seconds after its `Date`: the second that the header
#: cuts off, and another one because servers write the header's text once a second and keep it.
DATE_AGE = 2.0
#: The Date of an answer that a cache has kept for more seconds tells nothing of the clock.
KEPT = 60.0
#: Two clocks that are being adjusted drift apart by at most so many seconds a second.
SLEW = 5e-4
#: A first `Date` is believed when it is at most this many seconds from our clock.
NEAR = 600.0
#: Later ones when they are at most this many seconds from what is known.
LEAP = 60.0
#: So many answers in a row have to agree before a difference is believed that was doubted.
AGREE = 3
#: No clock that anything may be certified by is this many seconds from ours.
IMPLAUSIBLE = 86_400.0

Interval = tuple[float, float]


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
        self._interval: Interval | None = None  # of server minus local
        self._anchor: Interval = (0.0, 0.0)  # what the interval may not leave by a leap
        self._seen_at = 0.0
        self._rival: Interval | None = None
        self._rivals = 0  # answers in a row that show the rival
        self._agreed = AGREE  # answers in a row that show the interval
        self._observed = 0  # answers that told a time
        self._remembered: float | None = None  # what an earlier run's answers agreed on

    @property
    def known(self) -> bool:
        """Whether any ``Date`` was believed."""
        return self._interval is not None

    @property
    def offset(self) -> float:
        """Best estimate of server minus local, in seconds; 0 while nothing is known."""
        return sum(self._interval) / 2 if self._interval else 0.0

    @property
    def trusted(self) -> bool:
        """Whether something may be certified by this clock."""
        return self.doubt is None

    @property
    def agreed(self) -> float | None:
        """The difference that a later run may begin with, in whole seconds; None while in doubt."""
        return round(self.offset) if self.trusted else None

    def remember(self, agreed: float) -> None:
        """Believe a first ``Date`` too that shows what an earlier run's answers agreed on."""
        self._remembered = agreed

    @property
    def is_unsettled(self) -> bool:
        """Whether all answers so far were doubted, and are too few to agree."""
        return self._interval is None and 0 < self._observed < AGREE

    @property
    def doubt(self) -> str | None:
        """Why nothing may be certified by this clock, in plain words; None while it is trusted."""
        if self._rival and self._agreed < AGREE:
            away = _in_words(sum(self._rival) / 2)
            return f"an answer's Date is {away} of our clock, and others do not agree with it yet"
        if self._interval is None:
            return "no answer has a Date that can be read"
        if abs(self.offset) > IMPLAUSIBLE:
            return f"the API's clock is {_in_words(self.offset)} of ours"
        if self._agreed < AGREE:
            return "the dates of the API's answers contradict each other"
        return None

    def observe(self, date: str | None, sent: float, received: float, age: float = 0.0) -> None:
        """Take in one answer's ``Date``, and when its request left and it arrived (our time).

        ``age``: for how many seconds a cache had kept the answer, whose ``Date`` may be as old.
        """
        stamp = http_date(date)
        if stamp is None or received < sent or age > KEPT:
            return  # no date, or our clock was set back between the two, or it tells too little
        self._observed += 1
        # The header was written between `sent` and `received`, or by so much before.
        seen = (stamp - received, stamp + age + DATE_AGE - sent)
        known = self._drifted(self._interval, received)
        shared = known and _shared(known, seen)
        if shared or self._is_near(seen):
            falls_behind = seen[1] < self._anchor[0]
            if not known or falls_behind:
                self._anchor = seen
            self._interval, self._rival = shared or seen, None
            self._agreed = min(self._agreed + 1, AGREE)
        else:
            self._contradict(seen, self._drifted(self._rival, received))
        self._seen_at = received

    def _is_near(self, seen: Interval) -> bool:
        """Tell whether a difference is explained by what is known, or was by an earlier run."""
        if self._interval:
            return _gap(seen, self._anchor) <= LEAP
        was = self._remembered
        return _gap(seen, self._anchor) <= NEAR or (
            was is not None and _gap(seen, (was, was)) <= LEAP
        )

    def _drifted(self, interval: Interval | None, now: float) -> Interval | None:
        """Return an interval, widened by how far the clocks may have drifted since."""
        drift = SLEW * abs(now - self._seen_at)
        return interval and (interval[0] - drift, interval[1] + drift)

    def _contradict(self, seen: Interval, rival: Interval | None) -> None:
        """Doubt what is known, and believe the other once enough answers have shown it."""
        shared = rival and _shared(rival, seen)
        self._rival, self._rivals = shared or seen, self._rivals + 1 if shared else 1
        self._agreed = 0
        if self._rivals >= AGREE:
            self._interval = self._anchor = self._rival
            self._rival, self._agreed = None, AGREE

    def apparent_age(self, date: str | None, local: float) -> float:
        """Return the seconds for which an answer has existed, by its ``Date``, when it was asked.

        0 for an answer that was made for the request, and while the clock is not known.
        """
        stamp = http_date(date)
        if stamp is None or self._interval is None:
            return 0.0
        return max(self._interval[0] + local - stamp - DATE_AGE, 0.0)

    @property
    def _usable(self) -> Interval:
        """Return by what our times are translated: by nothing while nothing plausible is known."""
        plausible = abs(self.offset) <= IMPLAUSIBLE
        return self._interval if self._interval and plausible else (0.0, 0.0)

    def to_server(self, local: float) -> float:
        """Return the server's time at one of our times, as well as it is known."""
        return local + sum(self._usable) / 2

    def earliest(self, local: float) -> float:
        """Return the time that the server's clock has certainly reached at one of our times."""
        return local + self._usable[0]

    def latest(self, local: float) -> float:
        """Return the time that the server's clock has certainly not passed at one of ours."""
        return local + self._usable[1]

    def surely_passed(self, server: float) -> float:
        """Return our time at which the server's clock has certainly reached ``server``.

        Pacing needs it of a clock that is not trusted, too: its resets are told in its own time.
        """
        return server - (self._interval[0] if self._interval else 0.0)


def _shared(one: Interval, other: Interval) -> Interval | None:
    low, high = max(one[0], other[0]), min(one[1], other[1])
    return (low, high) if low <= high else None


def _gap(one: Interval, other: Interval) -> float:
    return max(one[0] - other[1], other[0] - one[1], 0.0)


def _in_words(seconds: float) -> str:
    return f"{length(seconds)} {'ahead' if seconds > 0 else 'behind'}"
