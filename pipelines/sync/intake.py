"""What the driver does with an answer: its rows are kept, and strategies see them at a glance."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from pipelines.client import Page
from pipelines.client.errors import ApiError
from pipelines.clock import utc
from pipelines.destinations.where import made, made_at
from pipelines.lists import ListSpec
from pipelines.source.glance import Glance, Glancer
from pipelines.source.parse import Parser, Rejected
from pipelines.sync.list_stats import ListStats
from pipelines.sync.position import ScanPosition
from pipelines.sync.protocol import ListPage, ListRow, PageRequest
from pipelines.sync.unread import Look


class Sink(Protocol):
    """Where rows are kept until they are loaded."""

    def __len__(self) -> int:
        """How many rows wait."""

    def add(self, resource: str, rejected: Rejected, seen_at: datetime) -> None:
        """Keep a record that is no row."""

    def add_record(self, resource: str, record: Any, look: Look, number: int) -> None:
        """Keep a record that is surely a row, the ``number``-th of its answer."""


class Intake:
    """Keeps the rows of answers, stamped with the scans under way."""

    def __init__(
        self,
        parsers: Mapping[str, Parser],
        pending: Sink,
        stats: Mapping[str, ListStats],
        scans: Mapping[str, ScanPosition],
    ) -> None:
        self._parsers = parsers
        self._glances = {
            name: Glancer(parser, made(parser.shape.table)) for name, parser in parsers.items()
        }
        self._pending = pending
        self._stats = stats
        self._scans = scans

    def note(self, request: PageRequest, page: Page) -> None:
        """Note what an answer says of its list, and how old it is."""
        stats, asked_at = self._stats[request.spec.name], utc(page.asked_at)
        stats.rows_read += len(page.rows)
        stats.oldest_answer = max(stats.oldest_answer, page.age_seconds)
        if request.status is None:
            stats.total = page.total
        stats.began = min(stats.began or asked_at, asked_at)

    def keep(self, request: PageRequest, page: Page) -> ListPage:
        """Keep the page's rows, and return it as strategies see it."""
        asked_at, scan = utc(page.asked_at), self._scans.get(request.spec.name)
        look = Look(asked_at, page.place, scan.id if scan else None)
        rows = [
            self._row(request.spec, record, look, number) for number, record in enumerate(page.rows)
        ]
        return ListPage(request.offset, rows, page.total, asked_at)

    def unreadable(self, request: PageRequest, error: ApiError, at: datetime) -> ListPage:
        """Put one place that cannot be read alone into quarantine, and go on behind it."""
        place = f"{request.spec.name} at offset {request.offset}"
        reason = f"the row cannot be read alone: {error.message}"
        bad = Rejected(request.spec.name, reason, place, f'"{place}"')
        row = self._rejected(request.spec, bad, at)
        return ListPage(request.offset, [row], self._stats[request.spec.name].total, at)

    def _row(self, spec: ListSpec, record: Any, look: Look, number: int) -> ListRow:
        """Keep a record, and return what a strategy sees of it."""
        seen = self._glances[spec.name](record)
        if seen is None:
            place = f"{look.place} row {number}"
            parsed = self._parsers[spec.name].parse(record, seen_at=look.seen_at, place=place)
            if isinstance(parsed, Rejected):
                return self._rejected(spec, parsed, look.seen_at)
            seen = Glance(parsed[spec.key], made_at(spec, parsed), parsed["status"])
        self._pending.add_record(spec.name, record, look, number)
        return ListRow(*seen)

    def _rejected(self, spec: ListSpec, parsed: Rejected, asked_at: datetime) -> ListRow:
        self._pending.add(spec.name, parsed, asked_at)
        place = parsed.row(asked_at)["quarantine_id"]
        return ListRow(place, None, parsed.status, is_bad=True)
