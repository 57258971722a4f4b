"""Aalen-Johansen and its kin in plain Python, by the textbook: one loop, ties taken together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

ENDED, CANCELLED, OPEN = "ended", "cancelled", "open"


@dataclass(frozen=True)
class Step:
    """The curve at one time: who left then, and the shares by then."""

    time: float
    at_risk: int
    ended: int
    cancelled: int
    censored: int
    cumulative_ended: float
    cumulative_cancelled: float


def incidence(subjects: Iterable[tuple[float, str]]) -> list[Step]:
    """Return the cumulative incidence of ``ended`` with ``cancelled`` competing.

    A subject is (time, outcome). What is censored at a time is still at risk at that time.
    """
    left = Counter(subjects)
    at_risk = sum(left.values())
    survival, ended, cancelled = 1.0, 0.0, 0.0
    steps = []
    for time in sorted({time for time, _ in left}):
        e, c, o = (left[time, outcome] for outcome in (ENDED, CANCELLED, OPEN))
        ended += survival * e / at_risk
        cancelled += survival * c / at_risk
        survival *= 1 - (e + c) / at_risk
        steps.append(Step(time, at_risk, e, c, o, ended, cancelled))
        at_risk -= e + c + o
    return steps


def quantile(steps: list[Step], share: float) -> float | None:
    """Return the first time by which that share of all has ended; None if it never has."""
    return next((step.time for step in steps if step.cumulative_ended >= share - 1e-9), None)


def naive_median(subjects: Iterable[tuple[float, str]]) -> float | None:
    """Return the median of those that ended, as if there were no others."""
    times = [time for time, outcome in subjects if outcome == ENDED]
    return median(times) if times else None


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """Return the 95 % interval as the roots of the quadratic that defines it."""
    z2 = 1.959963984540054**2
    share = successes / trials
    a, b, c = 1 + z2 / trials, 2 * share + z2 / trials, share**2
    root = (b * b - 4 * a * c) ** 0.5
    return (b - root) / (2 * a), (b + root) / (2 * a)
