"""The marts about what is still open, from what is known of each order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from functools import cached_property
from math import ceil, floor

from truth_estimators import ENDED, Step, incidence
from truth_latency import PERIODS, LatencyTruth, Stay
from truth_world import AS_OF, Row

_STAGE_AFTER = {
    "created": "created_to_paid",
    "paid": "paid_to_shipped",
    "shipped": "shipped_to_delivered",
}
_HOUR = timedelta(hours=1)


class OpenTruth(LatencyTruth):
    """What is on its way, and when it should arrive."""

    @cached_property
    def _references(self) -> dict[tuple[str, str], list[int]]:
        """The whole hours that each stage took, by country and over all."""
        ended: dict[tuple[str, str], list[Stay]] = defaultdict(list)
        for row in self.stages:
            stay = row["stay"]
            if stay.outcome == ENDED and stay.is_watched_through() and stay.subject("point"):
                ended[row["stage"], row["country"]].append(stay)
                ended[row["stage"], "all countries"].append(stay)
        return {key: _reference(stays) for key, stays in ended.items()}

    def _reference_of(self, stage: str, country: str | None) -> tuple[str, list[int]] | None:
        for basis in (country or "unknown", "all countries"):
            if len(found := self._references.get((stage, basis), [])) >= 50:
                return "country" if basis == (country or "unknown") else basis, found
        return None

    def orders_open(self) -> Iterator[Row]:
        """Every open order."""
        for order in self.history.orders:
            known = self.known[order["order_id"]]
            if known.keys() & {"delivered", "cancelled"} or order["deleted_at"]:
                continue
            last = [step for step in _STAGE_AFTER if step in known][-1]
            entered_by = known[last].at or known[last].not_after
            age = max((AS_OF - entered_by) / _HOUR, 0)
            found = self._reference_of(_STAGE_AFTER[last], order["country"])
            basis, took = found or (None, [])
            slower = [hour for hour in took if hour > floor(age)]
            half = sorted(slower)[(len(slower) + 1) // 2 - 1] if len(slower) >= 5 else None
            late = sorted(took)[ceil(len(took) * 0.9 - 1e-9) - 1] if took else None
            yield {
                "order_id": order["order_id"],
                "stage": _STAGE_AFTER[last],
                "entered_at": known[last].at,
                "age_hours": age,
                "expected_at": entered_by + half * _HOUR if half else None,
                "overdue_at": entered_by + late * _HOUR if late else None,
                "is_overdue": entered_by + late * _HOUR <= AS_OF if late else None,
                "overdue_by": basis,
                "country": order["country"],
                "carrier": order["carrier"],
            }

    def delivery_forecast_daily(self) -> Iterator[Row]:
        """The next 14 days, each open order by its age."""
        ends = [self._hour_of_date(number) for number in range(1, 16)]
        days = list(zip([0, *ends], ends, strict=False))
        shipping, arriving = (
            _Curve(self._curve(stage)) for stage in ("paid_to_shipped", "shipped_to_delivered")
        )
        ages: dict[str, list[int]] = defaultdict(list)
        for row in self.orders_open():
            ages[row["stage"]].append(floor(row["age_hours"]))
        for number in range(1, 15):
            day = days[number]
            expected = sum(arriving.chance(age, day) for age in ages["shipped_to_delivered"])
            for first, last in days[: number + 1]:
                shipped = sum(
                    shipping.chance(age, (first, last)) for age in ages["paid_to_shipped"]
                )
                expected += shipped * arriving.chance(-((first + last) // 2), day)
            beyond = sum(age + day[1] > arriving.end for age in ages["shipped_to_delivered"])
            beyond += sum(age + day[1] > shipping.end for age in ages["paid_to_shipped"])
            waiting = len(ages["shipped_to_delivered"]) + len(ages["paid_to_shipped"])
            is_known = arriving.ended > 0 and 4 * beyond <= waiting
            yield {
                "date": self.date(AS_OF) + timedelta(number),
                "expected_deliveries": expected if is_known else None,
                "untold_orders": beyond,
            }

    def _curve(self, stage: str) -> list[Step]:
        stays = [row["stay"] for row in self.stages if row["stage"] == stage]
        return incidence(
            [s for stay in stays if (s := stay.subject("point", PERIODS["last_28_days"]))]
        )

    def _hour_of_date(self, number: int) -> int:
        """Return in how many hours the day of that number begins."""
        day = self.date(AS_OF) + timedelta(number)
        minutes = floor((datetime.combine(day, time(), self._zone) - AS_OF) / timedelta(minutes=1))
        return floor(minutes / 60 + 0.5)


def _reference(stays: list[Stay]) -> list[int]:
    newest = max(stay.end.not_after for stay in stays)
    started = [(stay, stay.start.at) for stay in stays]
    return [
        stay.left_after() // 3600 + 1
        for stay, start in started
        if start and newest - timedelta(days=196) < start <= newest - timedelta(days=14)
    ]


class _Curve:
    """A curve at whole hours."""

    def __init__(self, steps: list[Step]) -> None:
        self._steps = [(ceil(step.time / 3600), step) for step in steps]
        self.end = max((hour for hour, _ in self._steps), default=0)
        self.ended = sum(step.ended for step in steps)

    def chance(self, age: int, day: tuple[int, int]) -> float:
        """Return the chance of one of that age to leave between two hours from now."""
        now = self._at(age)
        still = 1 - now.cumulative_ended - now.cumulative_cancelled if now else 1.0
        first, last = (self._at(age + hour) for hour in day)
        share = (last.cumulative_ended if last else 0) - (first.cumulative_ended if first else 0)
        return share / still if still > 1e-9 else 0.0

    def _at(self, hour: int) -> Step | None:
        return next((step for at, step in reversed(self._steps) if at <= hour), None)
