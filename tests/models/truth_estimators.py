"""Aalen-Johansen and its kin by the textbook, ties taken together and variances as double sums."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, NamedTuple

import numpy as np

ENDED, CANCELLED, OPEN = "ended", "cancelled", "open"
_Z = 1.959963984540054


class Subject(NamedTuple):
    """One order in a stage: watched from an age on, until it left or was last seen."""

    time: float
    outcome: str
    #: Whoever entered at a time is at risk after it.
    entered: float = -1


@dataclass(frozen=True)
class Step:
    """The curve at one time: who left then, and the shares by then with their 95 % band."""

    time: float
    at_risk: int
    ended: int
    cancelled: int
    censored: int
    cumulative_ended: float
    cumulative_cancelled: float
    low: float | None
    high: float


def incidence(subjects: Iterable[Subject]) -> list[Step]:
    """Return the cumulative incidence of ``ended`` with ``cancelled`` competing.

    What is censored at a time is still at risk at that time. An event that leaves nobody at risk,
    while others have yet to enter, is left out.
    """
    known = [Subject(*subject) for subject in subjects]
    left = Counter((s.time, s.outcome) for s in known)
    times = sorted({s.time for s in known})
    entered = np.sort([s.entered for s in known])
    gone = np.sort([s.time for s in known])
    survival, rows = 1.0, []
    ended, cancelled = 0.0, 0.0
    for time in times:
        at_risk = int(np.searchsorted(entered, time) - np.searchsorted(gone, time))
        e, c, o = (left[time, outcome] for outcome in (ENDED, CANCELLED, OPEN))
        is_void = e + c == at_risk and bool(np.any(entered >= time))
        d, f = (0, 0) if is_void else (e, c)
        ended += survival * d / at_risk
        cancelled += survival * f / at_risk
        rows.append((time, at_risk, e, c, o, ended, cancelled, survival, d, d + f))
        survival *= 1 - (d + f) / at_risk
    return _with_bands(rows)


def _with_bands(rows: Sequence[tuple[Any, ...]]) -> list[Step]:
    if not rows:
        return []
    y, share, still, d, events = (np.array([row[i] for row in rows]) for i in (1, 5, 7, 8, 9))
    a = np.where(events < y, events / (y * np.maximum(y - events, 1)), 0.0)
    b, c = still**2 * d * (y - d) / y**3, still * d / y**2
    # Each pair of a time and an earlier one.
    rise = np.tril(share[:, None] - share[None, :])
    earlier = np.tril(np.ones_like(rise))
    variance = (rise**2 * a + earlier * b - 2 * rise * c).sum(axis=1).clip(min=0)
    told = [(*row[:7], *_band(row[5], v)) for row, v in zip(rows, variance.tolist(), strict=True)]
    return [Step(*values) for values in told]


def _band(share: float, variance: float) -> tuple[float | None, float]:
    """Return the log-log interval of a share."""
    if share <= 0:
        return 0.0, 0.0
    if share >= 1 - 1e-9:
        return None, 1.0
    spread = float(np.exp(_Z * variance**0.5 / (share * -np.log(share))))
    return share**spread, share ** (1 / spread)


def quantile(steps: list[Step], share: float) -> float | None:
    """Return the first time by which that share of all has ended; None if it never has."""
    return next((step.time for step in steps if step.cumulative_ended >= share - 1e-9), None)


def interval(steps: list[Step], share: float) -> tuple[float | None, float | None]:
    """Return the times at which the band, from above and from below, reaches the share."""
    return (
        next((step.time for step in steps if step.high >= share - 1e-9), None),
        next((step.time for step in steps if (step.low or 0) >= share - 1e-9), None),
    )


def naive_median(subjects: Iterable[Subject]) -> float | None:
    """Return the median of those that ended, as if there were no others."""
    times = [subject[0] for subject in subjects if subject[1] == ENDED]
    return median(times) if times else None


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """Return the 95 % interval as the roots of the quadratic that defines it."""
    z2 = _Z**2
    share = successes / trials
    a, b, c = 1 + z2 / trials, 2 * share + z2 / trials, share**2
    root = (b * b - 4 * a * c) ** 0.5
    return (b - root) / (2 * a), (b + root) / (2 * a)
