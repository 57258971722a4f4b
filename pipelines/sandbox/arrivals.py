"""When sessions are created, and when the partner's receiver is down."""

from __future__ import annotations

from typing import Final

import numpy as np

from pipelines.sandbox.times import DAY, HOUR, MINUTE, Array

#: Visitors by hour of the day in UTC: most of them live in America and Europe.
_BY_HOUR: Final = np.array(
    [9, 8, 7, 5, 4, 3, 3, 4, 5, 6, 6, 7, 8, 9, 10, 10, 11, 11, 11, 12, 12, 12, 11, 10], dtype=float
)
#: Visitors by day of the week, Monday first.
_BY_WEEKDAY: Final = np.array([1.0, 0.95, 0.95, 1.0, 1.05, 1.25, 1.3])

_WEEK: Final = 7 * DAY


def arrival_times(rng: np.random.Generator, count: int, start: int, end: int) -> Array:
    """Return that many times within [start, end), more of them in busy hours; sorted."""
    edges = np.append(np.arange(start, end, HOUR), end)
    hours = edges[:-1] // HOUR
    # Day 0 of the epoch was a Thursday.
    weights = _BY_HOUR[hours % 24] * _BY_WEEKDAY[(hours // 24 + 3) % 7] * np.diff(edges)
    per_hour = rng.multinomial(count, weights / weights.sum())
    starts, lengths = np.repeat(edges[:-1], per_hour), np.repeat(np.diff(edges), per_hour)
    return np.sort(starts + (rng.random(count) * lengths).astype(np.int64))


class Receiver:
    """The partner's endpoint for webhooks: when it is down is fixed by the seed, week by week."""

    def __init__(self, seed: int, days_between_outages: float) -> None:
        self._seed = seed
        self._per_week = 7 / days_between_outages if days_between_outages > 0 else 0.0
        self._weeks: dict[int, tuple[Array, Array]] = {}

    def is_down(self, at: Array) -> Array:
        """Tell, for each time, whether the receiver is down."""
        if not len(at):
            return np.zeros(0, dtype=bool)
        weeks = range(int(at.min()) // _WEEK, int(at.max()) // _WEEK + 1)
        outages = [self._outages(week) for week in weeks]
        starts = np.concatenate([start for start, _ in outages])
        ends = np.maximum.accumulate(np.concatenate([end for _, end in outages]))
        last = np.searchsorted(starts, at, side="right") - 1
        return (last >= 0) & (at < np.append(ends, 0)[last])

    def _outages(self, week: int) -> tuple[Array, Array]:
        """Return the starts and ends of one week's outages; none reaches into the next week."""
        if week not in self._weeks:
            rng = np.random.default_rng([self._seed, 3, week])
            starts = np.sort(week * _WEEK + rng.integers(0, _WEEK, rng.poisson(self._per_week)))
            lengths = rng.lognormal(np.log(45 * MINUTE), 1.1, len(starts)).astype(np.int64)
            self._weeks[week] = (starts, np.minimum(starts + lengths, (week + 1) * _WEEK))
        return self._weeks[week]
