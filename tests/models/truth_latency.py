"""The latency marts, from what is known of each order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, cached_property
from typing import Any

from truth_estimators import (
    CANCELLED,
    ENDED,
    OPEN,
    Step,
    Subject,
    incidence,
    interval,
    naive_median,
    quantile,
    wilson,
)
from truth_orders import STAGES, Known, OrderTruth
from truth_world import AS_OF, Row

#: Days from payment within which parcels are promised.
PROMISES = (3, 5, 7, 10, 14)
_LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)
Period = tuple[datetime, datetime]
#: From when until when what happened counts.
PERIODS = {
    "all": (_LONG_AGO, AS_OF),
    "last_28_days": (AS_OF - timedelta(days=28), AS_OF),
    "previous_28_days": (AS_OF - timedelta(days=56), AS_OF - timedelta(days=28)),
}
ALWAYS = PERIODS["all"]
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Span:
    """A moment, or the bounds of one: the middle, the earliest and the latest."""

    at: datetime | None
    not_before: datetime
    not_after: datetime


@dataclass(frozen=True, eq=False)
class Stay:
    """One order in one stage, equal to itself alone: what was found out of it is looked up."""

    start: Span
    end: Span
    outcome: str
    watched_from: datetime

    @property
    def is_watched(self) -> bool:
        """Whether its end was not over before anybody watched."""
        told = self.end.at is not None or self.watched_from > _LONG_AGO
        in_time = self.end.not_before >= self.watched_from < self.end.not_after
        return told and in_time

    @property
    def is_imputed(self) -> bool:
        """Whether it ended at a time that only looks bound."""
        low, high = self._age("low"), self._age("high")
        return self.outcome == ENDED and self.is_watched and bool(self.end.at) and low < high

    def is_watched_through(self) -> bool:
        """Whether somebody watched from its beginning on."""
        return self._entered(self.watched_from, "point") < 0

    def may_end_within(self, days: int) -> tuple[bool, bool, bool]:
        """Tell whether it did within the days: for certain, by the middle, and perhaps."""
        allowed = timedelta(days=days, microseconds=999_999)
        if self.outcome == OPEN:
            low = self.end.not_before - self.start.not_after
            return False, False, not self.is_watched or low < timedelta(days=days)
        if self.outcome == CANCELLED or not self.is_watched:
            return False, False, self.outcome == ENDED
        fast, middle, slow = (self._age(v) <= allowed for v in ("low", "point", "high"))
        return slow, middle and self.end.at is not None, fast

    def subject(self, variant: str, period: Period = ALWAYS) -> Subject | None:
        """Return it as the estimator takes it; None where it was not there to be seen."""
        return _subject(self, variant, period)

    def seen(self, variant: str, period: Period) -> Subject | None:
        """Return the same, without remembering it."""
        since, until = period
        if not self.is_watched or (variant == "point" and self.end.at is None):
            return None
        watched = self._entered(self.watched_from, variant)
        entered = max(watched, self._entered(since, variant))
        gone, outcome = self.left_after(variant), self.outcome
        if until < AS_OF and gone > (last := self._entered(until, variant)):
            gone, outcome = last, OPEN
        if gone <= entered:
            return None
        return Subject(_coarse(gone, up=True), outcome, _coarse(entered, up=False))

    def may_touch(self, period: Period) -> bool:
        """Whether it may have been in the stage at some time of it."""
        since, until = period
        is_over = self.outcome != OPEN and self.end.not_after <= since
        return not is_over and self._start("point") < until

    def left_after(self, variant: str = "point") -> int:
        """Return the age in whole seconds at which it left."""
        watched = self._entered(self.watched_from, variant)
        return max(int(self._age(variant) // _SECOND), watched + 1)

    def _start(self, variant: str) -> datetime:
        starts = {"point": self.start.at, "low": self.start.not_after}
        start = starts.get(variant, self.start.not_before)
        assert start
        return start

    def _entered(self, since: datetime, variant: str) -> int:
        age = since - self._start(variant)
        return int(age // _SECOND) if age > timedelta(0) else -1

    def _age(self, variant: str) -> timedelta:
        low = max(self.end.not_before - self.start.not_after, timedelta(0))
        high = max(self.end.not_after - self.start.not_before, timedelta(0))
        if self.outcome == OPEN:
            return self.end.not_after - self._start(variant)
        return {"low": low, "high": high}.get(variant, (low + high) / 2)


@cache
def _subject(stay: Stay, variant: str, period: Period) -> Subject | None:
    return stay.seen(variant, period)


def _coarse(seconds: int, *, up: bool) -> int:
    """Round an age of more than a day to the minute."""
    if seconds <= 86_400:
        return seconds
    return -(-seconds // 60) * 60 if up else seconds // 60 * 60


class LatencyTruth(OrderTruth):
    """How long each stage takes."""

    @cached_property
    def stages(self) -> list[Row]:
        """Each stage that an order has begun, with how long it has been in it."""
        return [
            {
                "stage": stage,
                "cohort_date": (day := self._cohort(known, start)),
                "week_start": day - timedelta(days=day.weekday()),
                "carrier": order["carrier"] or "unknown",
                "country": order["country"] or "unknown",
                "carrier in country": " in ".join(
                    order[name] or "unknown" for name in ("carrier", "country")
                ),
                "stay": self._stay(order, known, start, end),
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

    def _stay(self, order: Row, known: dict[str, Known], start: str, end: str) -> Stay:
        until = self.history.seen(order)
        outcome, at = self._outcome(known, end, until)
        watched = [
            min(self.logged_from.get(f"order.{step}", AS_OF), self.watched_from(order))
            for step in (end, "cancelled")
            if self._missed[step]
        ]
        begun = known[start]
        return Stay(
            Span(begun.at, begun.not_before or _LONG_AGO, begun.not_after),
            Span(at.at, at.not_before or _LONG_AGO, min(at.not_after, until)),
            outcome,
            max(watched, default=_LONG_AGO),
        )

    def _outcome(self, known: dict[str, Known], end: str, until: datetime) -> tuple[str, Known]:
        outcomes = [(ENDED, known.get(end)), (CANCELLED, known.get("cancelled"))]
        reached = [(k.at, name, k) for name, k in outcomes if k and k.at and k.at <= until]
        if known.get(end) and not known[end].at:
            return ENDED, known[end]
        if reached:
            _, outcome, at = min(reached, key=lambda triple: triple[0])
            return outcome, at
        if "cancelled" in known and not known["cancelled"].at:
            return CANCELLED, known["cancelled"]
        return OPEN, Known(until, OPEN, until, until)

    @cached_property
    def _missed(self) -> dict[str, bool]:
        """Whether more than a hundredth of a step's times, and more than chance, are unknown."""
        steps = [(step, at.source) for known in self.known.values() for step, at in known.items()]
        names = {step for step, _ in steps} | {"paid", "shipped", "delivered", "cancelled"}
        counts = {
            name: (steps.count((name, "unknown")), sum(step == name for step, _ in steps))
            for name in names
        }
        return {
            name: unknown > 0.01 * every and unknown > 0.2 * every**0.5
            for name, (unknown, every) in counts.items()
        }

    @cached_property
    def _uncertain(self) -> set[str]:
        return {
            row["stage"]
            for row in self.stages
            for stay in [row["stay"]]
            if (low := stay.subject("low"))
            and (high := stay.subject("high"))
            and (low.time < high.time or stay.end.at is None)
        }

    def _latency(self, key: Row, stays: list[Stay], period: Period = ALWAYS) -> Row | None:
        curves = {v: _subjects(stays, v, period) for v in ("point", "low", "high")}
        steps = {variant: incidence(subjects) for variant, subjects in curves.items()}
        timed = curves["point"]
        untimed = [
            stay for stay in stays if stay.subject("point") is None and stay.may_touch(period)
        ]
        if not timed and not untimed:
            return None
        count = {o: sum(1 for s in timed if s.outcome == o) for o in (ENDED, CANCELLED, OPEN)}
        naive = naive_median(timed)
        is_from_start = any(subject.entered < 0 for subject in timed)
        row = key | {
            "orders": len(timed),
            **count,
            "untimed": len(untimed),
            "imputed": sum(
                stay.is_imputed and subject.outcome == ENDED
                for stay in stays
                if (subject := stay.subject("point", period))
            ),
            "final_share": steps["point"][-1].cumulative_ended if is_from_start else None,
            "naive_p50_hours": None if naive is None else naive / 3600,
        }
        for name, share in (("p50", 0.5), ("p90", 0.9), ("p95", 0.95)):
            found = _quantile(steps, share, is_uncertain=key["stage"] in self._uncertain)
            if name == "p95" and len(timed) < 100:
                found["hours"] = None
            if not is_from_start:
                found["hours"] = found["hours_low"] = None
            row |= {f"{name}_{what}": value for what, value in found.items()}
        return row

    def delivery_latency_daily(self) -> Iterator[Row]:
        """By stage and day."""
        for key, stays in grouped(self.stages, "cohort_date", "stage"):
            yield self._latency(key, stays) or {}

    def delivery_latency_weekly(self) -> Iterator[Row]:
        """By stage and week."""
        for key, stays in grouped(self.stages, "week_start", "stage"):
            yield self._latency(key, stays) or {}

    def delivery_latency_summary(self) -> Iterator[Row]:
        """By stage, and by carrier and country."""
        for dimension in ("all", "carrier", "country", "carrier in country"):
            rows = [
                row | {"dimension": dimension, "value": row.get(dimension, "all")}
                for row in self.stages
            ]
            for name, period in PERIODS.items():
                for key, stays in grouped(rows, "stage", "dimension", "value"):
                    if row := self._latency(key | {"period": name}, stays, period):
                        yield row

    def delivery_sla_weekly(self) -> Iterator[Row]:
        """By week and route: who was delivered in time."""
        rows = [row for row in self.stages if row["stage"] == "paid_to_delivered"]
        for dimension in ("all", "country", "carrier in country"):
            named = [
                row | {"dimension": dimension, "value": row.get(dimension, "all")} for row in rows
            ]
            for key, stays in grouped(named, "week_start", "dimension", "value"):
                for days in PROMISES:
                    yield key | {"days": days} | self._in_time(key["week_start"], stays, days)

    def _in_time(self, week_start: date, stays: list[Stay], days: int) -> Row:
        watched = [stay for stay in stays if stay.is_watched_through()]
        sure, middle, perhaps = (
            (sum(told) for told in zip(*(s.may_end_within(days) for s in watched), strict=True))
            if watched
            else (0, 0, 0)
        )
        over = datetime.combine(week_start + timedelta(7), time(), self._zone).astimezone(UTC)
        n, is_mature = len(watched), over + timedelta(days) <= AS_OF
        has_share = is_mature and n > 0
        return {
            "orders": n,
            "unwatched": len(stays) - n,
            "delivered": middle,
            "share_delivered": middle / n if has_share and 10 * (perhaps - sure) <= n else None,
            "share_low": wilson(sure, n)[0] if has_share else None,
            "share_high": wilson(perhaps, n)[1] if has_share else None,
            "is_mature": is_mature,
        }

    def delivery_latency_curve(self) -> Iterator[Row]:
        """The curves themselves."""
        for name, period in PERIODS.items():
            for key, stays in grouped(self.stages, "stage"):
                for step in incidence(_subjects(stays, "point", period)):
                    yield key | {
                        "period": name,
                        "hours": step.time / 3600,
                        "at_risk": step.at_risk,
                        "ended": step.ended,
                        "cancelled": step.cancelled,
                        "censored": step.censored,
                        "cumulative_incidence": step.cumulative_ended,
                        "cumulative_incidence_low": step.low,
                        "cumulative_incidence_high": step.high,
                        "cumulative_cancelled": step.cumulative_cancelled,
                    }


def _subjects(stays: list[Stay], variant: str, period: Period) -> list[Subject]:
    return [subject for stay in stays if (subject := stay.subject(variant, period))]


def _quantile(steps: dict[str, list[Step]], share: float, *, is_uncertain: bool) -> Row:
    """Return a quantile in hours, with the bounds that sampling and the looks leave."""
    point = quantile(steps["point"], share)
    low, high = interval(steps["point"], share)
    state = "reached" if point is not None else _state(steps["point"], share)
    if is_uncertain:
        shortest, longest = (quantile(steps[variant], share) for variant in ("low", "high"))
        lowest, highest = interval(steps["low"], share)[0], interval(steps["high"], share)[1]
        low = min((at for at in (low, lowest) if at is not None), default=None)
        high = None if high is None or highest is None else max(high, highest)
        if point is not None and shortest is not None and shortest * 10 <= point:
            point = point if longest == shortest else None
    values = {"hours": point, "hours_low": low, "hours_high": high}
    return {name: None if at is None else at / 3600 for name, at in values.items()} | {
        "state": state
    }


def _state(steps: list[Step], share: float) -> str:
    """Tell whether a share that is not reached still can be."""
    if not steps:
        return "not yet"
    last = max((step.time for step in steps if step.ended), default=None)
    if last is None:
        return "not yet"
    orders = sum(step.ended + step.cancelled + step.censored for step in steps)
    may_end = sum(step.ended + step.censored * (step.time <= 2 * last) for step in steps)
    return "never" if may_end < share * orders else "not yet"


def grouped(rows: list[Row], *names: str) -> Iterator[tuple[Row, list[Stay]]]:
    """Return the stays of each combination of the named columns."""
    groups: dict[tuple[Any, ...], list[Stay]] = defaultdict(list)
    for row in rows:
        groups[tuple(row[name] for name in names)].append(row["stay"])
    for key, stays in groups.items():
        yield dict(zip(names, key, strict=True)), stays
