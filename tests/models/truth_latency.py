"""The latency marts, from what is known of each order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime
from functools import cached_property
from typing import Any

from truth_estimators import CANCELLED, ENDED, OPEN, incidence, naive_median, quantile
from truth_orders import STAGES, Known, OrderTruth, hours
from truth_world import Row

_UNTIMED = "untimed"


class LatencyTruth(OrderTruth):
    """How long each stage takes."""

    @cached_property
    def stages(self) -> list[Row]:
        """Each stage that an order has begun, with how long it has been in it."""
        return [
            {
                "stage": stage,
                "cohort_date": self._cohort(known, start),
                "carrier": order["carrier"] or "unknown",
                "country": order["country"] or "unknown",
                "subject": self._outcome(known, start, end, self.history.seen(order)),
            }
            for order in self.history.orders
            for known in [self.known[order["order_id"]]]
            for stage, (start, end) in STAGES.items()
            if start in known and (begun := known[start].at) and begun <= self.history.seen(order)
        ]

    def _cohort(self, known: dict[str, Known], start: str) -> date:
        paid = known.get("paid")
        at = paid.at if paid and paid.at and start != "created" else known["created"].at
        assert at is not None
        return self.date(at)

    def _outcome(
        self, known: dict[str, Known], start: str, end: str, until: datetime
    ) -> tuple[float, str]:
        begun = known[start].at
        assert begun is not None
        outcomes = [(ENDED, known.get(end)), (CANCELLED, known.get("cancelled"))]
        timed = [(k.at, outcome) for outcome, k in outcomes if k and k.at]
        reached = [(at, outcome) for at, outcome in timed if at <= until]
        if known.get(end) and not known[end].at:
            return 0, _UNTIMED
        if reached:
            at, outcome = min(reached, key=lambda pair: pair[0])
            return max(hours(at - begun), 0), outcome
        if "cancelled" in known and not known["cancelled"].at:
            return 0, _UNTIMED
        return hours(until - begun), OPEN

    def _latency(self, key: Row, subjects: list[tuple[float, str]]) -> Row:
        timed = [subject for subject in subjects if subject[1] != _UNTIMED]
        steps = incidence(timed)
        count = {
            o: sum(1 for _, outcome in timed if outcome == o) for o in (ENDED, CANCELLED, OPEN)
        }
        return key | {
            "orders": len(timed),
            **count,
            "untimed": len(subjects) - len(timed),
            "p50_hours": quantile(steps, 0.5),
            "p90_hours": quantile(steps, 0.9),
            "p95_hours": quantile(steps, 0.95),
            "naive_p50_hours": naive_median(timed),
        }

    def delivery_latency_daily(self) -> Iterator[Row]:
        """By stage and day."""
        for key, subjects in grouped(self.stages, "cohort_date", "stage"):
            yield self._latency(key, subjects)

    def delivery_latency_summary(self) -> Iterator[Row]:
        """By stage, and by carrier and country."""
        for dimension in ("all", "carrier", "country"):
            rows = [
                row | {"dimension": dimension, "value": row.get(dimension, "all")}
                for row in self.stages
            ]
            for key, subjects in grouped(rows, "stage", "dimension", "value"):
                yield self._latency(key, subjects)

    def delivery_latency_curve(self) -> Iterator[Row]:
        """The curves themselves."""
        for key, subjects in grouped(self.stages, "stage"):
            timed = [subject for subject in subjects if subject[1] != _UNTIMED]
            for step in incidence(timed):
                yield key | {
                    "hours": step.time,
                    "at_risk": step.at_risk,
                    "ended": step.ended,
                    "cancelled": step.cancelled,
                    "censored": step.censored,
                    "cumulative_incidence": step.cumulative_ended,
                    "cumulative_cancelled": step.cumulative_cancelled,
                }


def grouped(rows: list[Row], *names: str) -> Iterator[tuple[Row, list[tuple[float, str]]]]:
    groups: dict[tuple[Any, ...], list[tuple[float, str]]] = defaultdict(list)
    for row in rows:
        groups[tuple(row[name] for name in names)].append(row["subject"])
    for key, subjects in groups.items():
        yield dict(zip(names, key, strict=True)), subjects
