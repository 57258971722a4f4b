"""All I/O of a sync: it asks for the pages that strategies want, and keeps the rows that come.

It alone knows the client, the clock and the destination: pacing and budget are the client's
governor's; the order of observations, flushes, resume positions and progress are kept here.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from pipelines.client import Page
from pipelines.client.errors import ApiError, NotFound, Refused
from pipelines.clock import Clock, utc
from pipelines.destinations.where import made, made_at
from pipelines.lists import ListSpec
from pipelines.progress import Listener, PageRead, ignore
from pipelines.source.glance import Glance, Glancer
from pipelines.source.parse import Parser, Rejected
from pipelines.sync.ahead import Ahead, Fetch
from pipelines.sync.page_size import PageSize
from pipelines.sync.protocol import ListPage, ListRow, PageRequest, RequestRefused, Strategy
from pipelines.sync.state import ScanPosition
from pipelines.sync.unread import Look

#: Rows kept in memory before they are loaded, and how long they may wait, in seconds.
FLUSH_ROWS = 30_000
FLUSH_SECONDS = 120.0
#: Of so many, few are asked for again: they are loaded before a list is compared.
MANY_WAITING = 1_000

R = TypeVar("R")
#: What to do about an error of the strategy of a name: raise it, or let the others go on.
OnError = Callable[[str, ApiError], None]


class Sink(Protocol):
    """Where rows are kept until they are loaded."""

    def __len__(self) -> int:
        """How many rows wait."""

    def add(self, resource: str, rejected: Rejected, seen_at: datetime) -> None:
        """Keep a record that is no row."""

    def add_record(self, resource: str, record: Any, look: Look, number: int) -> None:
        """Keep a record that is surely a row, the ``number``-th of its answer."""


@dataclass
class ListStats:
    """What reading one list took and gave in this run; ``total`` is that of the last answer."""

    requests: Counter[str] = field(default_factory=Counter)
    rows_read: int = 0
    total: int | None = None
    oldest_answer: float = 0.0
    began: datetime | None = None


class Driver:
    """Runs strategies, with ``in_flight`` requests of one list at a time."""

    def __init__(
        self,
        fetch: Fetch,
        parsers: Mapping[str, Parser],
        pending: Sink,
        *,
        clock: Clock,
        listener: Listener = ignore,
        load: Callable[[], None] = lambda: None,
        quota_left: Callable[[], dict[str, int]] = dict,
        waiting: Callable[[Callable[[], Page]], Page] = lambda wait: wait(),
        sent: Callable[[str], int] = lambda name: 0,
        room: Callable[[], int] = lambda: 0,
        in_flight: int = 1,
    ) -> None:
        self._fetch = fetch
        self._sent = sent
        self._ahead = Ahead(fetch, in_flight, room)
        self._parsers = parsers
        self._glances = {
            name: Glancer(parser, made(parser.shape.table)) for name, parser in parsers.items()
        }
        self._pending = pending
        self._clock = clock
        self._listener = listener
        self._load = load
        self._quota_left = quota_left
        self._waiting = waiting
        self._loaded_at = clock.now()
        self._is_asking = False
        self.stats: dict[str, ListStats] = {name: ListStats() for name in parsers}
        self.sizes: dict[str, PageSize] = {name: PageSize() for name in parsers}
        #: The scans under way: where each goes on.
        self.scans: dict[str, ScanPosition] = {}
        self._begun: dict[str, _Turn[None]] = {}

    def run(self, strategy: Strategy[R]) -> R:
        """Carry a strategy out."""
        pages = self.pages(strategy)
        while True:
            try:
                next(pages)
            except StopIteration as end:
                result: R = end.value
                return result

    def pages(self, strategy: Strategy[R]) -> Generator[None, None, R]:
        """Carry a strategy out, and pause after each page."""
        turn = _Turn(strategy)
        while not turn.is_over:
            self._step(turn)
            yield
        return turn.result()

    def begin(self, name: str, strategy: Strategy[None]) -> None:
        """Read the first page of a strategy that :meth:`go_on` carries on."""
        turn = _Turn(strategy)
        self._step(turn)
        self._begun[name] = turn

    def go_on(self, *, refused: OnError, at_most: float = math.inf) -> None:
        """Carry on what was begun, a page of each in turn, with ``at_most`` requests in all.

        ``refused`` is told of an error that ends one of them; what it does not raise is passed by.
        """
        turns = {name: turn for name, turn in self._begun.items() if not turn.is_over}
        self._begun, most = {}, at_most + self._taken
        with self._closing(turns.values()):
            while turns:
                for name, turn in list(turns.items()):
                    if self._taken >= most:
                        return
                    self._ahead.look(most - self._taken, len(turns))
                    if not self._goes_on(name, turn, refused):
                        del turns[name]
                self.load_when_due()

    def _goes_on(self, name: str, turn: _Turn[None], refused: OnError) -> bool:
        try:
            self._step(turn)
        except ApiError as error:
            refused(name, error)
            return False
        return not turn.is_over

    @contextmanager
    def _closing(self, turns: Collection[_Turn[None]]) -> Iterator[None]:
        try:
            yield
        finally:
            self._ahead.drop()
            self._count_early()
            for turn in turns:
                turn.close()

    def run_in_turn(
        self, strategies: Mapping[str, Strategy[None]], *, refused: OnError, at_most: int
    ) -> None:
        """Carry strategies out as :meth:`go_on` does."""
        self._begun = {name: _Turn(strategy) for name, strategy in strategies.items()}
        self.go_on(refused=refused, at_most=at_most)

    @property
    def _taken(self) -> int:
        return sum(stats.requests.total() for stats in self.stats.values())

    def requests(self, spec: ListSpec) -> int:
        """Return how many requests a list has taken in this run."""
        return self.stats[spec.name].requests.total()

    def load_when_due(self) -> None:
        """Load what waits, if it is much or has waited long."""
        waited = self._clock.now() - self._loaded_at
        if len(self._pending) >= FLUSH_ROWS or (len(self._pending) and waited >= FLUSH_SECONDS):
            self.load_now()

    def load_now(self) -> None:
        """Load what waits."""
        self._load()
        self._loaded_at = self._clock.now()

    def load_before_waiting(self) -> None:
        """Load what waits, before a pause in which the process may well be ended."""
        if self._is_asking and len(self._pending):
            self.load_now()

    def close(self) -> None:
        """Drop the pages that were asked for early and are not needed, and count them."""
        self._ahead.close()
        self._count_early()

    def _count_early(self) -> None:
        for name in self.stats:
            self._count(name, "early")

    def _count(self, name: str, purpose: str) -> None:
        """Count what was sent for a list since it was last counted, answered or not."""
        requests = self.stats[name].requests
        new = self._sent(name) - requests.total()
        if new:
            requests[purpose] += new

    def end_scan(self, spec: ListSpec) -> None:
        """Stamp the list's rows no more."""
        self.scans.pop(spec.name, None)

    def _step(self, turn: _Turn[R]) -> None:
        """Answer the request that a strategy waits for."""
        request = turn.request
        if request.resume is not None:
            self.scans[request.spec.name] = request.resume
        try:
            page = self._ask(request)
        except RequestRefused as refused:
            turn.throw(refused)
        except BaseException:
            turn.close()
            raise
        else:
            turn.send(page)

    def _ask(self, request: PageRequest) -> ListPage:
        """Make one request, of fewer rows where an answer of so many cannot be had."""
        name = request.spec.name
        size = self.sizes[name]
        while True:
            try:
                page = self._page(request, size.limit)
            except ApiError as error:
                if _is_refused(request, error):
                    raise RequestRefused(error.message) from error
                if not size.shrink(error):
                    raise
                if size.limit == 0:
                    size.limit = 1
                    self._look_behind(request, error)
                    return self._unreadable(request, error)
            else:
                size.note_success()
                return self._listed(request, page)

    def _page(self, request: PageRequest, limit: int) -> Page:
        status = self._spelt(request.spec.name, request.status)
        self._is_asking = True
        try:
            return self._waiting(lambda: self._ahead.ask(request, limit, status))
        finally:
            self._is_asking = False
            self._count(request.spec.name, request.purpose)

    def _look_behind(self, request: PageRequest, error: ApiError) -> None:
        """Make sure that it is one place that cannot be read.

        Raises:
            RequestRefused: nothing behind it can be read, and the list's beginning can.
            ApiError: the API is down.
        """
        if self._answers_at(request, request.offset + 1):
            return
        if request.offset > 0 and self._answers_at(request, 0):
            raise RequestRefused(error.message) from error
        raise error

    def _answers_at(self, request: PageRequest, offset: int) -> bool:
        try:
            self._fetch(request.spec, offset=offset, limit=1, status=None)
        except ApiError:
            return False
        else:
            return True
        finally:
            self._count(request.spec.name, request.purpose)

    def _spelt(self, name: str, status: str | None) -> str | None:
        """Return a status as the API spells it: a filter may tell capitals from small letters."""
        return status if status is None else self._parsers[name].spellings.get(status, status)

    def _listed(self, request: PageRequest, page: Page) -> ListPage:
        """Keep the page's rows, and return it as strategies see it."""
        stats = self.stats[request.spec.name]
        stats.rows_read += len(page.rows)
        stats.oldest_answer = max(stats.oldest_answer, page.age_seconds)
        if request.status is None:
            stats.total = page.total
        asked_at = utc(page.asked_at)
        stats.began = min(stats.began or asked_at, asked_at)
        self._load_before_end(request, page)
        scan = self.scans.get(request.spec.name)
        look = Look(asked_at, page.place, scan.id if scan else None)
        rows = [
            self._row(request.spec, record, look, number) for number, record in enumerate(page.rows)
        ]
        self._tell(request.spec.name)
        return ListPage(request.offset, rows, page.total, asked_at)

    def _load_before_end(self, request: PageRequest, page: Page) -> None:
        """Load what waits before a scan's last page: what is asked then is asked of the rows."""
        is_end = page.total is not None and request.offset + len(page.rows) >= page.total
        if is_end and request.resume is not None and len(self._pending) >= MANY_WAITING:
            self.load_now()

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

    def _unreadable(self, request: PageRequest, error: ApiError) -> ListPage:
        """Put one place that cannot be read alone into quarantine, and go on behind it."""
        stats, at = self.stats[request.spec.name], utc(self._clock.now())
        place = f"{request.spec.name} at offset {request.offset}"
        reason = f"the row cannot be read alone: {error.message}"
        bad = Rejected(request.spec.name, reason, place, f'"{place}"')
        row = self._rejected(request.spec, bad, at)
        return ListPage(request.offset, [row], stats.total, at)

    def _tell(self, name: str) -> None:
        stats = self.stats[name]
        self._listener(
            PageRead(name, stats.rows_read, stats.total, stats.requests.total(), self._quota_left())
        )


def _is_refused(request: PageRequest, error: ApiError) -> bool:
    """Tell whether the API refuses the filter or the offset, and not the list."""
    return error.offset_refused or (
        request.status is not None and isinstance(error, Refused | NotFound)
    )


class _Turn(Generic[R]):
    """A strategy under way, and the request that it waits for."""

    def __init__(self, strategy: Strategy[R]) -> None:
        self._strategy = strategy
        self._request: PageRequest | None = None
        self._result: list[R] = []
        self._go_on(lambda: next(strategy))

    @property
    def is_over(self) -> bool:
        """Whether there is a result."""
        return bool(self._result)

    @property
    def request(self) -> PageRequest:
        """The page that the strategy waits for."""
        if self._request is None:
            raise RuntimeError("the strategy is over")
        return self._request

    def result(self) -> R:
        """Return what the strategy returned."""
        return self._result[0]

    def send(self, page: ListPage) -> None:
        """Hand the page over."""
        self._go_on(lambda: self._strategy.send(page))

    def throw(self, refused: RequestRefused) -> None:
        """Say that the API does not take the request."""
        self._go_on(lambda: self._strategy.throw(refused))

    def close(self) -> None:
        """End the strategy early."""
        self._strategy.close()

    def _go_on(self, step: Callable[[], PageRequest]) -> None:
        try:
            self._request = step()
        except StopIteration as end:
            self._request, self._result = None, [end.value]
