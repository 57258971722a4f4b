"""What the driver does with an answer: its rows are kept, and strategies see them at a glance.

Once a list is proven, an answer that is older than the proof, out of a cache, keeps nothing: what
it says was known better.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Protocol

from pipelines.client import Page
from pipelines.client.errors import ApiError
from pipelines.clock import utc
from pipelines.destinations.where import made, made_at
from pipelines.lists import ListSpec
from pipelines.source.glance import Glance, Glancer
from pipelines.source.parse import Parser, Rejected
from pipelines.sync.head import CLOCK_SLACK
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


class Nowhere:
    """Where nothing is kept. Implements ``Sink``."""

    def __len__(self) -> int:
        """Nothing waits."""
        return 0

    def add(self, resource: str, rejected: Rejected, seen_at: datetime) -> None:
        """Keep nothing."""

    def add_record(self, resource: str, record: Any, look: Look, number: int) -> None:
        """Keep nothing."""


class Intake:
    """Keeps the rows of answers, stamped with the scans under way.

    ``proven`` tells as of when a list is proven by now; None: it is not.
    """

    def __init__(
        self,
        parsers: Mapping[str, Parser],
        pending: Sink,
        stats: Mapping[str, ListStats],
        scans: Mapping[str, ScanPosition],
        proven: Callable[[str], datetime | None],
    ) -> None:
        self._parsers = parsers
        self._glances = {
            name: Glancer(parser, made(parser.shape.table)) for name, parser in parsers.items()
        }
        self._pending = pending
        self._stats = stats
        self._scans = scans
        self._proven = proven

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
        look, sink = (
            Look(asked_at, page.place, scan.id if scan else None),
            self._sink(request, page),
        )
        rows = [
            self._row(request.spec, record, look, number, sink)
            for number, record in enumerate(page.rows)
        ]
        return ListPage(request.offset, rows, page.total, asked_at)

    def _sink(self, request: PageRequest, page: Page) -> Sink:
        """Return where the rows go: nowhere if they are older than what is proven."""
        proven = self._proven(request.spec.name)
        is_older = proven is not None and proven - utc(page.asked_at) > CLOCK_SLACK
        return Nowhere() if is_older else self._pending

    def unreadable(self, request: PageRequest, error: ApiError, at: datetime) -> ListPage:
        """Put one place that cannot be read alone into quarantine, and go on behind it."""
        which = "" if request.status is None else f" in status {request.status}"
        place = f"{request.spec.name}{which} at offset {request.offset}"
        reason = f"the row cannot be read alone: {error.message}"
        bad = Rejected(request.spec.name, reason, place, f'"{place}"')
        row = self._rejected(request.spec, bad, at, self._pending)
        stats = self._stats[request.spec.name]
        stats.unread_places |= {place: None}
        return ListPage(request.offset, [row], stats.total, at, is_unread=True)

    def _row(self, spec: ListSpec, record: Any, look: Look, number: int, sink: Sink) -> ListRow:
        """Keep a record, and return what a strategy sees of it."""
        seen = self._glances[spec.name](record)
        if seen is None:
            place = f"{look.place} row {number}"
            parsed = self._parsers[spec.name].parse(record, seen_at=look.seen_at, place=place)
            if isinstance(parsed, Rejected):
                return self._rejected(spec, parsed, look.seen_at, sink)
            seen = Glance(parsed[spec.key], made_at(spec, parsed), parsed["status"])
        sink.add_record(spec.name, record, look, number)
        return ListRow(*seen)

    @staticmethod
    def _rejected(spec: ListSpec, parsed: Rejected, asked_at: datetime, sink: Sink) -> ListRow:
        sink.add(spec.name, parsed, asked_at)
        place = parsed.row(asked_at)["quarantine_id"]
        return ListRow(place, None, parsed.status, is_bad=True)
