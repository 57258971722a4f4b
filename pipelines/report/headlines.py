"""The headlines: each metric in the last weeks, beside the weeks before, and what chance explains.

In: ``sql/metrics.yaml`` and the marts. A period is whole weeks, so that weekdays weigh the same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

from pipelines import words
from pipelines.warehouse.metrics import Metric

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

#: Weeks of a period; fewer where the history is shorter than two periods.
WEEKS = 4
#: A page shows a handful of figures: at 95 % one of four pages would show a change by chance alone.
LEVEL = 0.99
_Z = NormalDist().inv_cdf((1 + LEVEL) / 2)
#: An interval of 95 % is so many standard errors wide.
_WIDTH = 2 * NormalDist().inv_cdf(0.975)

Parts = dict[str, Any]


@dataclass(frozen=True)
class Period:
    """Whole days, the last one included; or rows that a mart has for a period of its own."""

    days: int
    condition: str
    first: date | None = None
    last: date | None = None

    @property
    def in_words(self) -> tuple[str, str]:
        """How many days it has, and the last of them; of a mart's own, that of the data."""
        return str(self.days), f"{self.last:%-d %b}" if self.last else "now"


@dataclass(frozen=True)
class Headline:
    """A metric now and before; ``key`` is its value of ``by``, such as a currency.

    ``before`` is None where the history is too short for two periods. ``is_change`` is None where
    nothing tells how far chance alone moves the metric.
    """

    metric: Metric
    key: str | None
    period: Period | None
    now: float | None
    low: float | None
    high: float | None
    before: float | None
    is_change: bool | None

    @property
    def figures(self) -> tuple[str, str]:
        """The values now and before, as people read them."""
        return self._figure(self.now), self._figure(self.before)

    def _figure(self, value: float | None) -> str:
        if self.metric.unit == "money":
            return words.money(value, self.key)
        if self.metric.unit == "hours":
            return words.duration(value)
        return words.percent(value) if self.metric.unit == "share" else words.count(value)


def headlines(connection: DuckDBPyConnection, metric: Metric) -> list[Headline]:
    """Return a metric's headline; of one that is never added up across a column, one a value."""
    periods = _periods(connection, metric)
    now, *before = (_parts(connection, metric, period.condition) for period in periods or [_ALL])
    earlier = before[0] if before else {}
    period = periods[0] if periods else None
    return [
        _headline(metric, key, period, parts, earlier.get(key) or {}) for key, parts in now.items()
    ]


_ALL = Period(0, "true")


def _headline(
    metric: Metric, key: str | None, period: Period | None, now: Parts, before: Parts
) -> Headline:
    value, earlier = now["value"], before.get("value")
    error = _standard_error(now, before)
    change = None
    if None not in (value, earlier, error):
        change = abs(float(value) - float(earlier or 0)) > _Z * (error or 0)
    return Headline(metric, key, period, value, now.get("low"), now.get("high"), earlier, change)


def _parts(
    connection: DuckDBPyConnection, metric: Metric, condition: str
) -> dict[str | None, Parts]:
    cursor = connection.execute(metric.query(condition))
    names = [column[0] for column in cursor.description or ()]
    rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return {row.get(metric.by) if metric.by else None: row for row in rows}


def _standard_error(now: Parts, before: Parts) -> float | None:
    """Return the standard error of the difference, were there none; None where nothing tells it."""
    if now.get("denominator") and before.get("denominator"):
        counts = [float(part["denominator"]) for part in (now, before)]
        share = sum(float(part["numerator"]) for part in (now, before)) / sum(counts)
        return math.sqrt(share * (1 - share) * sum(1 / count for count in counts))
    if now.get("variance") is not None and before.get("variance") is not None:
        return math.sqrt(float(now["variance"]) + float(before["variance"]))
    ends = [part[end] for part in (now, before) for end in ("low", "high") if part.get(end)]
    if len(ends) < 4:
        return None
    low, high, low_before, high_before = map(float, ends)
    return math.hypot(high - low, high_before - low_before) / _WIDTH


def _periods(connection: DuckDBPyConnection, metric: Metric) -> Sequence[Period]:
    """Return the last period and the one before it; none where there is not a week of each."""
    if metric.periods:
        return [_own(connection, metric, condition) for condition in metric.periods]
    if metric.time is None:
        return []
    first, last = judged_days(connection, metric)
    weeks = 0 if first is None or last is None else min(WEEKS, ((last - first).days + 1) // 14)
    if not weeks or last is None:
        return []
    ends = (last - timedelta(weeks=weeks * number) for number in range(2))
    return [_whole_days(metric.time, end, weeks * 7) for end in ends]


def _own(connection: DuckDBPyConnection, metric: Metric, condition: str) -> Period:
    """Return a period of the mart's own: a week, or the days before the data's time."""
    if metric.time is None:
        return Period(WEEKS * 7, condition)
    query = f"select max({metric.time}) from {metric.model} where {condition}"  # noqa: S608
    (first,) = connection.execute(query).fetchall()[0]
    return Period(7, condition, first, None if first is None else first + timedelta(days=6))


def _whole_days(column: str, last: date, days: int) -> Period:
    first = last - timedelta(days=days - 1)
    condition = f"{column} between date '{first}' and date '{last}'"
    return Period(days, condition, first, last)


def judged_days(connection: DuckDBPyConnection, metric: Metric) -> tuple[date | None, date | None]:
    """Return the first and the last day that can be judged: one that is over, and mature."""
    where = f"where {metric.where}" if metric.where else ""
    query = f"""
        select
            -- Where dates are missing, what is dated early is a stray among those that are not.
            case
                when count({metric.time}) * 100 < count(*) * 99
                    then percentile_disc(0.01) within group (order by {metric.time})
                else min({metric.time})
            end,
            -- A day without a sale has no rows, and counts; one that is not mature has none either.
            least(
                (select max(date) from analytics.dim_dates where is_over),
                case when {metric.unit == "share"} then max({metric.time}) end
            )
        from {metric.model} {where}
    """  # noqa: S608 - our own file's names
    first, last = connection.execute(query).fetchall()[0]
    if last is not None and metric.time == "week_start":
        return first, last + timedelta(days=6)  # what has one row a week is about all of its days
    return first, last
