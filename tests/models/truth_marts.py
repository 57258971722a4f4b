"""Every mart again, from a world's history, in plain Python: no SQL, and nothing of ours."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from truth_alerts import AlertTruth
from truth_shop import ShopTruth
from truth_world import AS_OF, Row


class Marts(AlertTruth, ShopTruth):
    """The marts of one history: a method each, named as the mart is."""

    def dim_dates(self) -> Iterator[Row]:
        """Every date from the first to the as-of date, with its length."""
        times = [row["created_at"] for row in [*self.fct_sessions(), *self.history.orders]]
        times += [log["event_at"] for log in self.history.logs]
        day = self.date(min(times))
        while day <= self.date(AS_OF):
            start, end = (
                datetime(d.year, d.month, d.day, tzinfo=self._zone)
                for d in (day, day + timedelta(1))
            )
            yield {
                "date": day,
                "iso_week": day.isocalendar().week,
                "day_of_week": day.isoweekday(),
                "starts_at": start,
                "hours": (end.timestamp() - start.timestamp()) / 3600,
                "is_over": end.timestamp() <= AS_OF.timestamp(),
            }
            day += timedelta(1)

    def data_freshness(self) -> Iterator[Row]:
        """All is proven as of the one look that there was a certificate for."""
        for resource in ("orders", "webhook_logs", "sessions"):
            yield {
                "resource": resource,
                "complete_as_of": AS_OF,
                "evidence": "whole walk",
                "lag_seconds": 0.0,
            }
