"""The days that left the band of their own weekday, from the other marts' truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from statistics import mean, variance
from typing import NamedTuple

from truth_open import OpenTruth
from truth_sessions import SessionTruth
from truth_webhooks import WebhookTruth
from truth_world import AS_OF, Row


class Day(NamedTuple):
    """What was counted on a day, out of how many if it is a share."""

    date: date
    hits: int
    trials: int | None = None

    @property
    def value(self) -> float:
        """The figure."""
        return self.hits / (self.trials or 1)


class AlertTruth(OpenTruth, SessionTruth, WebhookTruth):
    """Figures by day, each against those of seven, 14 and so on days before."""

    def metric_alerts(self) -> Iterator[Row]:
        """Every day that left its band."""
        for metric, days in self._figures().items():
            for day in days:
                same = [d for d in days if d.date < day.date and (day.date - d.date).days % 7 == 0]
                before = sorted(same, key=lambda d: d.date)[-8:]
                if len(before) >= 4:
                    low, expected, high = _band(day, before)
                    if not low <= day.value <= high:
                        yield {
                            "date": day.date,
                            "metric": metric,
                            "value": day.value,
                            "expected": expected,
                            "low": max(low, 0.0),
                            "high": high,
                            "direction": "below" if day.value < low else "above",
                            "weekdays": len(before),
                        }

    def _figures(self) -> dict[str, list[Day]]:
        cohorts = {row["cohort_date"]: row for row in self.session_conversion_daily()}
        delivered = [known["delivered"] for known in self.known.values() if "delivered" in known]
        untimed = [at.not_after for at in delivered if at.at is None]
        dated = [at.at for at in delivered if at.at]
        since = max(untimed) if len(untimed) * 100 > len(delivered) else min(dated, default=AS_OF)
        lost = [gap for gap in self.webhook_gaps() if gap["explanation"] == "none"]
        gaps = [gap["expected_at"] for gap in lost]
        vague = self._vague([(at.not_before, at.not_after) for at in delivered])
        vague_gaps = self._vague([(gap["not_before"], gap["not_after"]) for gap in lost])
        logged_from = max(self.logged_from.values(), default=AS_OF)
        minutes = timedelta(minutes=156)
        first = min((day for day, row in cohorts.items() if row["sessions"]), default=None)
        return {
            "sessions": [
                Day(row["date"], cohorts[row["date"]]["sessions"] if row["date"] in cohorts else 0)
                for row in self._days_over(timedelta())
                if first and row["date"] >= first
            ],
            "paid_within_48h_rate": [
                Day(day, row["paid_within_48h_sessions"], row["sessions"])
                for day, row in cohorts.items()
                if row["paid_within_48h_rate"] is not None
            ],
            "deliveries": [
                Day(row["date"], Counter(map(self.date, dated))[row["date"]])
                for row in self._days_over(timedelta())
                if row["starts_at"] >= since
                and vague[row["date"]] * 10 <= Counter(map(self.date, dated))[row["date"]]
            ],
            "gaps": [
                Day(row["date"], Counter(map(self.date, gaps))[row["date"]])
                for row in self._days_over(minutes)
                if row["starts_at"] >= logged_from
                and vague_gaps[row["date"]] * 10 <= Counter(map(self.date, gaps))[row["date"]]
            ],
        }

    def _vague(self, bounds: list[tuple[datetime | None, datetime]]) -> Counter[date]:
        """Count by date what may have happened on it, and more than two days before or after."""
        wide = [(low, high) for low, high in bounds if low and high - low > timedelta(hours=48)]
        return Counter(
            day
            for low, high in wide
            for day in (
                self.date(low) + timedelta(n)
                for n in range((self.date(high) - self.date(low)).days + 1)
            )
        )

    def _days_over(self, for_so_long: timedelta) -> list[Row]:
        days = list(self.dim_dates())
        ends = [row["starts_at"].timestamp() for row in days[1:]]
        latest = (AS_OF - for_so_long).timestamp()
        return [row for row, end in zip(days, ends, strict=False) if end <= latest]

    def dim_dates(self) -> Iterator[Row]:
        """Every date; see Marts."""
        raise NotImplementedError


def _band(day: Day, before: list[Day]) -> tuple[float, float, float]:
    values, n = [other.value for other in before], len(before)
    if day.trials:
        expected = sum(other.hits for other in before) / sum(other.trials or 0 for other in before)
        chance = expected * (1 - expected) / day.trials
    else:
        expected, chance = mean(values), (sum(values) + 1) / n
    spread: float = 3 * (max(variance(values), chance) * (1 + 1 / n)) ** 0.5
    return expected - spread, expected, expected + spread
