"""One resource's list, read a page at a time: rows parsed, counted and kept for the next load."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pipelines.client import PAGE_SIZE, Page
from pipelines.clock import utc
from pipelines.progress import Listener, PageRead, ignore
from pipelines.source.parse import SHAPES, Parsed, Parser, Rejected, Row

FetchPage = Callable[..., Page]


@dataclass(frozen=True)
class Entry:
    """One place in a list: its key, when its row was made, and the row (None: quarantined)."""

    key: str
    made_at: datetime | None
    row: Row | None


@dataclass(frozen=True)
class Listing:
    """One answer of a list, parsed. ``asked_at`` is the request's time on the server's clock."""

    offset: int
    entries: Sequence[Entry]
    total: int | None
    asked_at: datetime

    @property
    def keys(self) -> list[str]:
        """The keys in the order of the answer."""
        return [entry.key for entry in self.entries]

    @property
    def end(self) -> int:
        """The place after the last row that came."""
        return self.offset + len(self.entries)


@dataclass
class Tally:
    """What reading one resource took and gave."""

    requests: Counter[str] = field(default_factory=Counter)
    rows_read: int = 0
    total: int | None = None
    first_asked_at: datetime | None = None


class Reader:
    """Reads one resource. ``accept`` is given every row and every rejected record."""

    def __init__(
        self,
        resource: str,
        fetch: FetchPage,
        parser: Parser,
        accept: Callable[[str, Parsed | Rejected, datetime], None],
        *,
        listener: Listener = ignore,
        quota_left: Callable[[], dict[str, int]] = dict,
    ) -> None:
        self.resource = resource
        self.tally = Tally()
        #: The walk under way: every row that the list shows meanwhile is one that it has met.
        self.walk_id: str | None = None
        self._fetch = fetch
        self._parser = parser
        self._accept = accept
        self._listener = listener
        self._quota_left = quota_left
        self._key = SHAPES[resource].table.key[0]

    def read(self, offset: int, purpose: str, *, limit: int = PAGE_SIZE, **filters: Any) -> Listing:
        """Make one request; ``purpose`` is what the certificate counts it under."""
        page = self._fetch(offset=offset, limit=limit, **filters)
        self.tally.requests[purpose] += 1
        self.tally.rows_read += len(page.rows)
        if not filters:
            self.tally.total = page.total
        asked_at = utc(page.asked_at)
        self.tally.first_asked_at = self.tally.first_asked_at or asked_at
        entries = [
            self._entry(record, asked_at, f"{page.place} row {number}")
            for number, record in enumerate(page.rows)
        ]
        self._tell()
        return Listing(offset, entries, page.total, asked_at)

    def _entry(self, record: Any, asked_at: datetime, place: str) -> Entry:
        parsed = self._parser.parse(record, seen_at=asked_at, place=place)
        if isinstance(parsed, Rejected):
            self._accept(self.resource, parsed, asked_at)
            return Entry(parsed.key or parsed.row(asked_at)["quarantine_id"], None, None)
        parsed["_walk"] = self.walk_id
        self._accept(self.resource, parsed, asked_at)
        made_at = parsed["created_at"] or parsed.get("event_at")
        return Entry(parsed[self._key], made_at, parsed)

    def _tell(self) -> None:
        tally = self.tally
        self._listener(
            PageRead(
                self.resource,
                tally.rows_read,
                tally.total,
                tally.requests.total(),
                self._quota_left(),
            )
        )
