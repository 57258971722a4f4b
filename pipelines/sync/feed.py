"""Webhook logs as a change feed: each event tells where an order has moved, without reading it.

An event is applied when it happened after the list last showed the order and when it moves the
order forward: an event that was logged late, or twice, changes nothing. What the list itself shows
later always has the last word, and shows how good the events are. Nothing here does I/O.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pipelines.decoding import NotTheContractError, decode
from pipelines.destinations.where import Row, Where
from pipelines.lists import Feed, ListSpec
from pipelines.source.parse import Parser, fingerprint
from pipelines.sync.copy import LocalCopy
from pipelines.sync.head import CLOCK_SLACK

#: So long after an event the list must show it; of older ones an order may have been put back.
LAG, RECENT = timedelta(seconds=10), timedelta(hours=1)
#: So far back the last event is looked for; a quiet hour is longer at night.
_SPANS = (RECENT, timedelta(hours=4), timedelta(days=1))
#: The times that an order has of the steps before its status.
_TIMES_BEFORE = {"shipped": ("paid_at",), "delivered": ("paid_at", "shipped_at")}
#: Columns that no event fills in: they are the row's own, or its notes.
_OWN = {"order_id", "session_id", "status", "created_at", "currency", "extra", "personal"}


@dataclass
class Moved:
    """What events say: rows that moved, the steps of each, and keys that are not known.

    ``unknown``: when the first event happened that speaks of the key.
    """

    rows: list[Row] = field(default_factory=list)
    history: list[Row] = field(default_factory=list)
    unknown: dict[str, datetime] = field(default_factory=dict)


@dataclass
class EventFeed:
    """Applies the events of one list to the known rows of another."""

    spec: ListSpec
    events: ListSpec
    feed: Feed
    parser: Parser

    def moved(self, copy: LocalCopy, since: datetime) -> Moved:
        """Return what the events say that happened since a time."""
        events: dict[str, list[Row]] = defaultdict(list)
        for event in copy.events(self.events, since - CLOCK_SLACK):
            events[event[self.feed.key]].append(event)
        known = copy.rows(self.spec, events.keys())
        found = Moved()
        shown = self._shown(copy) if known else frozenset()
        paid = copy.latest_look(self.spec, self.feed.paid_words) if known else None
        for key, row in known.items():
            self._move(found, row, events[key], shown, paid)
        for key in events.keys() - known.keys():
            found.unknown[key] = events[key][0]["happened_at"]
        return found

    def incomplete(self, copy: LocalCopy) -> set[str]:
        """Return the moved rows that lack a time which the list shows: an event was lost."""
        shown = self._shown(copy)
        return {
            row[self.spec.key]
            for status, columns in _TIMES_BEFORE.items()
            for column in shown.intersection(columns)
            for row in copy.select(
                self.spec,
                Where(statuses=frozenset({status}), equal=(("_origin", "event"),), null=(column,)),
            )
        }

    def told(self, copy: LocalCopy, since: datetime) -> frozenset[str]:
        """Return the keys of which events tell that happened since a time."""
        found = copy.events(self.events, since, (self.feed.key,))
        return frozenset(event[self.feed.key] for event in found)

    def ahead_of_list(self, copy: LocalCopy, as_of: datetime) -> int:
        """Count the orders of which events tell what the list, asked later, does not show.

        Asked are the events of the last hour; where it had none, the last one of the day: a list
        that stands still shows not even that, and one that shows it has put the others back.
        """
        ranks: dict[str, int] = {}
        for event, rank in self._last_told(copy, as_of):
            ranks[event[self.feed.key]] = max(rank, ranks.get(event[self.feed.key], -1))
        known = copy.rows(self.spec, ranks) if ranks else {}
        return sum(self._is_behind(known.get(key), rank) for key, rank in ranks.items())

    def _last_told(self, copy: LocalCopy, as_of: datetime) -> list[tuple[Row, int]]:
        """Return the newest events that the list must show, and the rank of each one's status."""
        for span in _SPANS:
            found = copy.events(self.events, as_of - span, self._telling)
            told = list(self._ranked(found, as_of - LAG))
            if told:
                return told if span == RECENT else told[-1:]
        return []

    @property
    def _telling(self) -> tuple[str, ...]:
        """The columns that tell which row an event moved, and to which status."""
        return self.feed.key, self.feed.kind, "order_status"

    def _ranked(self, events: Iterable[Row], until: datetime) -> Iterable[tuple[Row, int]]:
        """Yield events that happened until a time, with the ranks of their statuses.

        Where neither the event nor its log has a time, nothing tells which was first.
        """
        for event in events:
            status = self._status(event, None)
            is_dated = event["event_at"] is not None or event["created_at"] is not None
            if status is not None and is_dated and event["happened_at"] <= until:
                yield event, self.spec.statuses.rank(status, -1)

    def _is_behind(self, row: Row | None, rank: int) -> bool:
        order = self.spec.statuses
        if row is None:
            return True
        return row["deleted_at"] is None and order.rank(row["status"], order.last) < rank

    def _shown(self, copy: LocalCopy) -> frozenset[str]:
        columns = tuple(
            column.name
            for column in self.spec.table.columns
            if column.name[0] != "_" and column.name != "deleted_at"
        )
        return copy.filled(self.spec, columns)

    def _move(
        self,
        found: Moved,
        known: Row,
        events: Iterable[Row],
        shown: frozenset[str],
        paid: str | None,
    ) -> None:
        if known["deleted_at"] is not None:
            return
        row, order = dict(known), self.spec.statuses
        newest = known["_event_at"] or known["_seen_at"]
        for event in events:
            status = self._status(event, paid)
            if status is None or known["_seen_at"] - event["happened_at"] > CLOCK_SLACK:
                continue
            if order.rank(status, -1) <= order.rank(row["status"], order.last):
                continue
            row["status"] = status
            self._fill_in(row, event, shown)
            newest = max(newest, event["happened_at"])
            found.history.append(self._step(known, status, event))
        if row["status"] != known["status"]:
            row |= {"_origin": "event", "_event_at": newest}
            row["_fingerprint"] = fingerprint(row)
            found.rows.append(row)

    def _fill_in(self, row: Row, event: Row, shown: frozenset[str]) -> None:
        """Fill in what the list would show of the new status, where it shows such things."""
        told = self._told(event)
        time_column = self.spec.statuses.time_columns.get(row["status"])
        if time_column is not None and event["event_at"] is not None:
            told[time_column] = event["event_at"]
        for column in shown - _OWN:
            if row[column] is None:
                row[column] = told.get(column)

    def _told(self, event: Row) -> Row:
        """Return what an event's payload says of its row, in the row's columns."""
        try:
            payload = decode((event["payload"] or "null").encode())
        except NotTheContractError:
            return {}
        data = payload.get("data") if isinstance(payload, dict) else None
        parsed = self.parser.parse(data, seen_at=event["_seen_at"], place="")
        return dict(parsed) if isinstance(parsed, dict) else {}

    def _status(self, event: Row, paid: str | None) -> str | None:
        """Return the status that the event leads to, in the list's own words."""
        kind = event[self.feed.kind]
        if kind == self.feed.paid:
            return paid or event["order_status"] or self.feed.paid_words[0]
        return self.feed.statuses.get(kind)

    def _step(self, known: Row, status: str, event: Row) -> Row:
        return {
            self.spec.key: known[self.spec.key],
            "status": status,
            "not_before": known["_seen_at"],
            "first_seen_at": event["_seen_at"],
            "changed_at": event["event_at"],
            "origin": "event",
        }
