"""Orders: moved by the events of the feed, completed from the young end, proven by counts.

A new order stands at the young end of the list. A moved one is told by a webhook log. What neither
shows is found by comparing, status by status, how many orders the API counts with how many are
known. Statuses are counted in the order in which orders pass through them, and the young end is
read after that: then an order that moves meanwhile is counted twice and none is missed, what came
is seen, and what went makes the list shorter than the known rows. So equal numbers mean equal
orders, because an order never goes back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipelines.sync.certificate import COUNTS_EQUAL
from pipelines.sync.events import RANKS, Feed
from pipelines.sync.lists import ORDER_CHANGED, REPAIR_REQUESTS, ListSync
from pipelines.sync.reading import Listing

#: How often the statuses are counted before a difference is left open.
_ROUNDS = 3
#: Orders that only events speak of are looked for in the list, so many a sync.
_LOOKS = 20
_FINAL = {"delivered", "cancelled"}
#: Where counts cannot tell which orders moved, open ones are read again this often.
OPEN_STALENESS = timedelta(hours=6)


@dataclass(frozen=True)
class Census:
    """How many orders have each status; ``began`` before the first of them was asked for."""

    began: datetime
    counts: dict[str, int]


class OrderSync(ListSync):
    """Keeps the orders complete. ``feed`` and ``refresh`` are set by whoever owns the logs."""

    feed: Feed
    #: Reads the webhook logs' young end once more.
    refresh: Callable[[], None]

    def catch_up(self) -> None:
        """Apply the events since the frontier, count the statuses, and read the young end."""
        unknown = self._apply_events()
        if unknown and not self._read_new(unknown):
            return
        if self.is_proven:
            self._prove_by_counts()
        else:
            self._read_open(self.doubted)
        self._read_badly_told()

    def _apply_events(self) -> dict[str, datetime]:
        assert self.frontier is not None  # noqa: S101 - only called when one can catch up
        return self.feed.apply(self.frontier)

    def _read_new(self, unknown: dict[str, datetime]) -> bool:
        """Read the young end, and look there for orders that events speak of."""
        if self._head() is None:
            return False
        for _, happened_at in zip(range(_LOOKS), self._not_known(unknown).values(), strict=False):
            # An order that was put back in time stands where its first event happened.
            self.read_around(happened_at, "orders of events")
        self.certificate.detail["orders_only_in_events"] = len(self._not_known(unknown))
        return True

    def _not_known(self, orders: dict[str, datetime]) -> dict[str, datetime]:
        known = self.known.rows(self.table, orders)
        return {order_id: at for order_id, at in orders.items() if order_id not in known}

    def _head(self) -> Listing | None:
        head = self.read_head()
        if head is None:
            self.doubt(ORDER_CHANGED)
        return head

    # Proof -----------------------------------------------------------------------------------

    def _prove_by_counts(self) -> None:
        for attempt in range(_ROUNDS):
            census = self._count_all()
            if census is None:
                self._read_open("the API does not count by status")
                return
            gaps = self._gaps(census)
            agrees = sum(census.counts.values()) == self.listed_count()
            head = self._head()
            if head is None:
                return
            reason = None if head.total is None else self.why_not_whole(head)
            if reason is not None:
                self.doubt(reason)
                return
            if agrees and not gaps:
                self.prove(census.began, COUNTS_EQUAL)
                return
            if gaps and (agrees or attempt):
                self._repair(census)
            if attempt < _ROUNDS - 1:
                self.refresh()
                self._apply_events()
        self.leave_open(f"the counts of {', '.join(gaps) or 'the statuses'} differ")

    def _count_all(self) -> Census | None:
        counts, began = {}, None
        for status in self._statuses():
            counted = self.count(status)
            if counted is None:
                return None
            counts[status] = counted[0]
            began = began or counted[1]
        return Census(began, counts) if began else None

    def _statuses(self) -> list[str]:
        """Return every status that an order has or may come into, in the order of passing."""
        known = self.known.statuses(self.table)
        paid = {"paid", "processing"}
        common = set(RANKS) - (paid if known & paid else {"paid"})
        return sorted(known | common, key=lambda status: (RANKS.get(status, len(RANKS)), status))

    def _gaps(self, census: Census) -> list[str]:
        """Return the statuses that the API counts otherwise than we do."""
        bad = self.quarantined()
        return [
            status
            for status, count in census.counts.items()
            if count != self.known.count(self.table, status) + bad.get(status, 0)
        ]

    def _repair(self, census: Census) -> None:
        """Find the orders that moved unseen, status by status as orders pass through them.

        What left one status is then known in the next, so that of that one, too, orders are
        missing on one side only.
        """
        bad = self.quarantined()
        for status, count in census.counts.items():
            if count != self.known.count(self.table, status) + bad.get(status, 0):
                self.repair(status, count)

    # What events tell badly ------------------------------------------------------------------

    def _read_badly_told(self) -> None:
        """Read moved orders again, of statuses where the list shows more than events tell."""
        batch, exact = self._shared.batch, self._state.setdefault("events_exact", {})
        batch.news(self.table)
        moved = [row for row in self.known.of_status(self.table, RANKS) if _is_told(row)]
        for status in RANKS:
            told = {row["order_id"] for row in moved if row["status"] == status}
            if told and status not in exact and not batch.events_judged(status):
                self.read_again({min(told)}, "check events")
            if batch.events_judged(status):
                exact[status] = not batch.events_wrong[status]
        unclear = {row["order_id"] for row in moved if not exact.get(row["status"], False)}
        unclear |= self.feed.half_told()
        if unclear:
            self.read_again(unclear, "badly told", at_most=REPAIR_REQUESTS)

    # Without counts --------------------------------------------------------------------------

    def _read_open(self, reason: str) -> None:
        """Read the young end and the open orders; only a whole walk proves more."""
        head = self._head()
        if head is None:
            return
        now = head.asked_at
        stale = {
            row["order_id"]
            for row in self.known.of_status(self.table, self.known.statuses(self.table) - _FINAL)
            if now - row["_seen_at"] >= OPEN_STALENESS
        }
        if stale:
            self.read_again(stale, "open orders", at_most=REPAIR_REQUESTS)
        self.doubt(reason)


def _is_told(row: dict[str, object]) -> bool:
    return row["_origin"] == "event"
