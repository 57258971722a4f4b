"""Webhook logs as a change feed: each event tells where an order has moved, without reading it.

An event is applied when it happened after the list last showed the order and when it moves the
order forward: an event that was logged late, or twice, changes nothing. What the list itself shows
later always has the last word, and shows how good the events are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from pipelines.client.wire import NotTheContractError, decode
from pipelines.source.parse import Parser, Row, fingerprint
from pipelines.source.schema import ORDER_HISTORY, ORDERS, WEBHOOK_LOGS
from pipelines.sync.batch import CLOCK_SLACK, Batch
from pipelines.sync.history import STATUS_TIMES
from pipelines.sync.known import Known
from pipelines.sync.store import Store

#: An order only ever moves to a higher rank.
RANKS = {"pending": 0, "paid": 1, "processing": 1, "shipped": 2, "delivered": 3, "cancelled": 4}
_STATUS_OF_EVENT = {
    "order.created": "pending",
    "order.shipped": "shipped",
    "order.delivered": "delivered",
    "order.cancelled": "cancelled",
}
#: The times that an order has of the steps before its status.
_TIMES_BEFORE = {"shipped": ("paid_at",), "delivered": ("paid_at", "shipped_at")}
#: Columns that no event fills in: they are the row's own, or its notes.
_OWN = {"order_id", "session_id", "status", "created_at", "currency", "extra", "personal"}
_COLUMNS = tuple(c.name for c in ORDERS.columns if c.name[0] != "_" and c.name != "deleted_at")
_NAMES = ("webhook_log_id", "order_id", "event_type", "order_status", "_seen_at", "payload")


class Feed:
    """Applies the events that happened since a time to the known orders."""

    def __init__(self, store: Store, batch: Batch, known: Known, parser: Parser) -> None:
        self._store = store
        self._batch = batch
        self._known = known
        self._parser = parser
        self._shown: set[str] = set()
        self._paid: str | None = None

    def apply(self, since: datetime) -> dict[str, datetime]:
        """Move the orders into the batch.

        Return the orders that are not known, with the time of the first event that speaks of them.
        """
        events = self._events(since - CLOCK_SLACK)
        known = self._known.rows(ORDERS, events)
        if known:
            self._look_at_list()
        for order_id, order in known.items():
            moved = self._moved(order, events[order_id])
            if moved is not None:
                self._batch.add_known(ORDERS.name, moved)
        unknown = events.keys() - known.keys()
        return {order_id: events[order_id][0]["happened_at"] for order_id in unknown}

    def half_told(self) -> set[str]:
        """Return the orders that lack a time which the list shows: an event on the way was lost."""
        self._look_at_list()
        found: set[str] = set()
        waiting = self._batch.rows(ORDERS)
        for status, columns in _TIMES_BEFORE.items():
            for column in self._shown.intersection(columns):
                told = ("_origin = 'event'", None), ("status = %s", status)
                stored = self._store.select(ORDERS, "order_id", *told, (f"{column} is null", None))
                found |= {row[0] for row in stored} - waiting.keys()
                found |= {
                    order_id
                    for order_id, row in waiting.items()
                    if (row["_origin"], row["status"], row[column]) == ("event", status, None)
                }
        return found

    def _events(self, since: datetime) -> dict[str, list[Row]]:
        """Return what happened since a time to each order, in the order in which it happened."""
        happened_at = "coalesce(event_at, created_at, _seen_at)"
        stored = self._store.select(
            WEBHOOK_LOGS,
            f"{', '.join(_NAMES)}, event_at, {happened_at}",
            ("order_id is not null", None),
            (f"{happened_at} >= %s", since),
        )
        names = (*_NAMES, "event_at", "happened_at")
        waiting = self._batch.rows(WEBHOOK_LOGS)
        found = [dict(zip(names, row, strict=True)) for row in stored if row[0] not in waiting]
        found += [
            {**row, "happened_at": row["event_at"] or row["created_at"] or row["_seen_at"]}
            for row in waiting.values()
            if row["order_id"] is not None
        ]
        events: dict[str, list[Row]] = defaultdict(list)
        for event in sorted(found, key=lambda event: event["happened_at"]):
            if event["happened_at"] >= since:
                events[event["order_id"]].append(event)
        return events

    def _moved(self, order: Row, events: Iterable[Row]) -> Row | None:
        if order["deleted_at"] is not None:
            return None
        row = dict(order)
        newest = order["_event_at"] or order["_seen_at"]
        for event in events:
            status = self._status(event)
            if status is None or order["_seen_at"] - event["happened_at"] > CLOCK_SLACK:
                continue
            if RANKS.get(status, -1) <= RANKS.get(row["status"], len(RANKS)):
                continue
            row["status"] = status
            self._fill_in(row, event)
            newest = max(newest, event["happened_at"])
            self._batch.add_history(ORDER_HISTORY, _history(order, status, event))
        if row["status"] == order["status"]:
            return None
        row |= {"_origin": "event", "_event_at": newest}
        row["_fingerprint"] = fingerprint(row)
        return row

    def _fill_in(self, row: Row, event: Row) -> None:
        """Fill in what the list would show of the new status, where it shows such things."""
        told = self._told(event)
        time_column = STATUS_TIMES.get(row["status"])
        if time_column is not None and event["event_at"] is not None:
            told[time_column] = event["event_at"]
        for column in self._shown - _OWN:
            if row[column] is None:
                row[column] = told.get(column)

    def _told(self, event: Row) -> Row:
        """Return what an event's payload says of its order, in the columns of an order."""
        try:
            payload = decode((event["payload"] or "null").encode())
        except NotTheContractError:
            return {}
        data = payload.get("data") if isinstance(payload, dict) else None
        parsed = self._parser.parse(data, seen_at=event["_seen_at"], place="")
        return dict(parsed) if isinstance(parsed, dict) else {}

    def _status(self, event: Row) -> str | None:
        """Return the status that the event leads to, in the list's own words."""
        if event["event_type"] == "order.paid":
            return self._paid or event["order_status"] or "processing"
        return _STATUS_OF_EVENT.get(event["event_type"])

    def _look_at_list(self) -> None:
        """Learn which columns the list ever fills, and what it calls a paid order."""
        listed = ("_origin = 'list'", None)
        counts = ", ".join(f"count({name})" for name in _COLUMNS)
        rows = self._store.select(ORDERS, counts, listed)
        self._shown = {
            name for name, count in zip(_COLUMNS, rows[0] if rows else (), strict=False) if count
        }
        words = self._store.select(
            ORDERS,
            "arg_max(status, _seen_at)",
            listed,
            ("status in ('paid', 'processing')", None),
        )
        self._paid = words[0][0] if words else None


def _history(order: Row, status: str, event: Row) -> Row:
    return {
        "order_id": order["order_id"],
        "status": status,
        "not_before": order["_seen_at"],
        "first_seen_at": event["_seen_at"],
        "changed_at": event["event_at"],
        "origin": "event",
    }
