"""What can be known of each order, and the marts that show it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any, Final
from zoneinfo import ZoneInfo

from truth_world import STEPS, History, Row

STAGES = {
    "created_to_paid": ("created", "paid"),
    "paid_to_shipped": ("paid", "shipped"),
    "shipped_to_delivered": ("shipped", "delivered"),
    "paid_to_delivered": ("paid", "delivered"),
}
_CANCELLED: Final = STEPS.index("cancelled")


@dataclass(frozen=True)
class Known:
    """What can be known of one step of an order."""

    at: datetime | None
    source: str
    not_before: datetime | None
    not_after: datetime


def hours(duration: timedelta) -> float:
    """Return a duration in hours."""
    return duration / timedelta(hours=1)


def _oldest(times: list[datetime]) -> datetime:
    hour = times[len(times) // 100].replace(minute=0, second=0, microsecond=0)
    return min(time for time in times if time >= hour)


class OrderTruth:
    """The marts about orders themselves; ``known`` is what all the others go by."""

    def __init__(self, history: History) -> None:
        self.history = history
        self._zone = ZoneInfo(history.scenario.zone)
        self.logged = {(log["order_id"], log["event_type"]) for log in history.logs}

    def date(self, at: datetime) -> date:
        """Return the date in the report time zone."""
        return at.astimezone(self._zone).date()

    @cached_property
    def known(self) -> dict[str, dict[str, Known]]:
        """What can be known of each order: step to time."""
        return {order["order_id"]: self._known(order) for order in self.history.orders}

    def _known(self, order: Row) -> dict[str, Known]:
        exact = {step: told for step in STEPS if (told := self._exact(order, step))}
        known: dict[str, Known] = {s: Known(at, src, at, at) for s, (at, src) in exact.items()}
        for number, step in enumerate(STEPS):
            if step not in exact:
                later = [exact[s][0] for s in STEPS[number + 1 : _CANCELLED] if s in exact]
                found = self._between(order, number, later, exact)
                if found:
                    known[step] = found
        return known

    def _exact(self, order: Row, step: str) -> tuple[datetime, str] | None:
        at = order[f"{step}_at"]
        if at is None:
            return None
        told = self.history.scenario.order_times and at <= self.history.seen(order)
        if step == "created" or told:
            return at, "order"
        return (at, "event") if (order["order_id"], f"order.{step}") in self.logged else None

    def _between(
        self, order: Row, number: int, later: list[datetime], exact: dict[str, Any]
    ) -> Known | None:
        """Bound a step by the looks and by the steps around it; None when nothing shows it."""
        looks = self.history.looks_at(order)
        ranks = [self._rank(order, look) for look in looks]
        shown = [
            rank == _CANCELLED if number == _CANCELLED else number <= rank < _CANCELLED
            for rank in ranks
        ]
        first = shown.index(True) if any(shown) else None
        tops = later + ([looks[first]] if first is not None else [])
        if not tops:
            return None
        look = self._look_before(order, ranks, first)
        earlier = [exact[s][0] for s in STEPS[: min(number, 3)] if s in exact]
        bottom = min(max([*earlier, *([look] if look else [])]), *tops)
        if look is None:
            return Known(None, "unknown", bottom, min(tops))
        half = (min(tops) - bottom) // timedelta(seconds=2) * timedelta(seconds=1)
        return Known(bottom + half, "interval", bottom, min(tops))

    def _rank(self, order: Row, look: datetime) -> int:
        """Return what the list showed at a look: -1 for nothing yet, 4 for cancelled."""
        status = self.history.status(order, look)
        words = {"pending": "created", self.history.scenario.paid_word: "paid"}
        return -1 if status is None else STEPS.index(words.get(status, status))

    def _look_before(self, order: Row, ranks: list[int], first: int | None) -> datetime | None:
        """Return the last look that had not seen it, or the creation if that was watched."""
        if first and ranks[first - 1] >= 0:
            return self.history.looks[first - 1]
        return order["created_at"] if order["created_at"] >= self.history.looks[0] else None

    def watched_from(self, order: Row) -> datetime:
        """Return from when on the looks bound whatever happens to the order."""
        created: datetime = order["created_at"]
        if created >= self.history.looks[0]:
            return created
        return min(look for look in self.history.looks_at(order) if look >= created)

    @cached_property
    def logged_from(self) -> dict[str, datetime]:
        """When the oldest log of each type was made, but for the hours of the oldest hundredth."""
        known = {order["order_id"] for order in self.history.orders}
        made: dict[str, list[datetime]] = defaultdict(list)
        for log in sorted(self.history.logs, key=lambda log: log["created_at"]):
            if log["order_id"] in known:
                made[log["event_type"]].append(log["created_at"])
        return {kind: _oldest(times) for kind, times in made.items()}

    def fct_orders(self) -> list[Row]:
        """Orders with their times, sources and hours."""
        return self._every_order

    @cached_property
    def _every_order(self) -> list[Row]:
        rows = []
        for order in self.history.orders:
            known = self.known[order["order_id"]]
            row: Row = {
                "order_id": order["order_id"],
                "session_id": order["session_id"],
                "status": self.history.status(order, self.history.seen(order)),
                "total_amount": order["total_amount"],
                "currency": order["currency"],
                "carrier": order["carrier"],
                "country": order["country"],
                "is_paid": "paid" in known,
                "is_payment_unknown": self._is_payment_unknown(order, known),
                "is_cancelled": "cancelled" in known,
                "deleted_at": order["deleted_at"],
                "is_open": not (known.keys() & {"delivered", "cancelled"} or order["deleted_at"]),
            }
            for step in STEPS:
                at = known.get(step)
                row[f"{step}_at"] = at and at.at
                row[f"{step}_at_source"] = at and at.source
            for stage, (start, end) in STAGES.items():
                begun, done = row[f"{start}_at"], row[f"{end}_at"]
                row[f"{stage}_hours"] = hours(done - begun) if begun and done else None
            rows.append(row)
        return rows

    def _is_payment_unknown(self, order: Row, known: dict[str, Known]) -> bool:
        """Tell whether it was cancelled, and no payment before that would be told."""
        if "paid" in known or "cancelled" not in known or self.history.scenario.order_times:
            return False
        ranks = {look: self._rank(order, look) for look in self.history.looks_at(order)}
        unpaid = [look for look, rank in ranks.items() if 0 <= rank < _CANCELLED]
        logged_from = self.logged_from.get("order.paid")
        return not (logged_from and max([order["created_at"], *unpaid]) >= logged_from)

    def order_status_history(self) -> Iterator[Row]:
        """Steps with the hours until the next."""
        for order_id, known in self.known.items():
            steps = sorted(known, key=lambda s: (known[s].at or known[s].not_after, STEPS.index(s)))
            for position, step in enumerate(steps, start=1):
                after = steps[position] if position < len(steps) else None
                at, left = known[step].at, known[after].at if after else None
                yield {
                    "order_id": order_id,
                    "status": step,
                    "position": position,
                    "entered_at": at,
                    "source": known[step].source,
                    "hours_in_status": hours(left - at) if at and left else None,
                    "is_last": after is None,
                }

    def order_amounts(self) -> Iterator[Row]:
        """The list's amounts: the sandbox changes none."""
        for order in self.history.orders:
            yield {
                "order_id": order["order_id"],
                "total_amount": order["total_amount"],
                "currency": order["currency"] or "unknown",
                "events": 0,
                "is_current": True,
            }
