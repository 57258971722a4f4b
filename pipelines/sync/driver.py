"""All I/O of a sync: it asks for the pages that strategies want, and keeps the rows that come.

It alone knows the client, the clock and the destination: pacing and budget are the client's
governor's; the order of observations, flushes, resume positions and progress are kept here. How a
page is asked for is in ``asking.py``, what becomes of its rows in ``intake.py``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Generator, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TypeVar

from pipelines.client import Page
from pipelines.client.errors import ApiError
from pipelines.clock import Clock, utc
from pipelines.lists import ListSpec
from pipelines.progress import Listener, PageRead, ignore
from pipelines.source.parse import Parser
from pipelines.sync.ahead import Fetch
from pipelines.sync.asking import Asking
from pipelines.sync.intake import Intake, Sink
from pipelines.sync.list_stats import ListStats
from pipelines.sync.position import ScanPosition
from pipelines.sync.protocol import ListPage, PageRequest, RequestRefused, Strategy, joined
from pipelines.sync.turn import Turn

#: Rows kept in memory before they are loaded, and how long they may wait, in seconds.
FLUSH_ROWS = 30_000
FLUSH_SECONDS = 120.0
#: Of so many, few are asked for again: they are loaded before a list is compared.
MANY_WAITING = 1_000

R = TypeVar("R")
#: What to do about an error of the strategy of a name: raise it, or let the others go on.
OnError = Callable[[str, ApiError], None]


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
        proven: Callable[[str], datetime | None] = lambda name: None,
        in_flight: int = 1,
    ) -> None:
        self.stats: dict[str, ListStats] = {name: ListStats() for name in parsers}
        #: The scans under way: where each goes on.
        self.scans: dict[str, ScanPosition] = {}
        self._asking = Asking(
            fetch,
            parsers,
            self.stats,
            waiting=waiting,
            sent=sent,
            room=room,
            in_flight=in_flight,
        )
        self.sizes = self._asking.sizes
        self._intake = Intake(parsers, pending, self.stats, self.scans, proven)
        self._pending = pending
        self._clock = clock
        self._listener = listener
        self._load = load
        self._quota_left = quota_left
        self._loaded_at = clock.now()
        self._begun: dict[str, Turn[None]] = {}

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
        turn = Turn(strategy)
        while not turn.is_over:
            self._step(turn)
            yield
        return turn.result()

    def begin(self, name: str, strategy: Strategy[None]) -> None:
        """Read the first page of a strategy that :meth:`go_on` carries on."""
        turn = Turn(strategy)
        self._step(turn)
        self._begun[name] = turn

    def go_on(self, *, refused: OnError, at_most: float = math.inf) -> None:
        """Carry on what was begun, a page of each in turn, with ``at_most`` requests in all.

        ``refused`` is told of an error that ends one of them; what it does not raise is passed by.
        """
        turns = {name: turn for name, turn in self._begun.items() if not turn.is_over}
        self._begun, most = {}, at_most + self._asking.taken
        with self._closing(turns.values()):
            while turns:
                for name, turn in list(turns.items()):
                    if self._asking.taken >= most:
                        return
                    self._asking.look_ahead(most - self._asking.taken, len(turns))
                    if not self._goes_on(name, turn, refused):
                        del turns[name]
                self.load_when_due()

    def _goes_on(self, name: str, turn: Turn[None], refused: OnError) -> bool:
        try:
            self._step(turn)
        except ApiError as error:
            refused(name, error)
            return False
        return not turn.is_over

    @contextmanager
    def _closing(self, turns: Collection[Turn[None]]) -> Iterator[None]:
        try:
            yield
        finally:
            self._asking.drop()
            for turn in turns:
                turn.close()

    def run_in_turn(
        self, strategies: Mapping[str, Strategy[None]], *, refused: OnError, at_most: int
    ) -> None:
        """Carry strategies out as :meth:`go_on` does."""
        self._begun = {name: Turn(strategy) for name, strategy in strategies.items()}
        self.go_on(refused=refused, at_most=at_most)

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
        if self._asking.is_under_way and len(self._pending):
            self.load_now()

    def close(self) -> None:
        """Drop the pages that were asked for early and are not needed, and count them."""
        self._asking.close()

    def end_scan(self, spec: ListSpec) -> None:
        """Stamp the list's rows no more."""
        self.scans.pop(spec.name, None)

    def _step(self, turn: Turn[R]) -> None:
        """Answer the request that a strategy waits for."""
        request = turn.request
        if request.resume is not None:
            self.scans[request.spec.name] = request.resume
        try:
            page = self._answer(request)
        except RequestRefused as refused:
            turn.throw(refused)
        except BaseException:
            turn.close()
            raise
        else:
            turn.send(page)

    def _answer(self, wanted: PageRequest) -> ListPage:
        """Ask for a page, and keep its rows."""
        pages = [self._take(part.request, part.found) for part in self._asking.ask(wanted)]
        self._tell(wanted.spec.name)
        return joined(pages)

    def _take(self, request: PageRequest, found: Page | ApiError) -> ListPage:
        if isinstance(found, ApiError):
            return self._intake.unreadable(request, found, utc(self._clock.now()))
        self._intake.note(request, found)
        self._load_before_end(request, found)
        return self._intake.keep(request, found)

    def _load_before_end(self, request: PageRequest, page: Page) -> None:
        """Load what waits before a scan's last page: what is asked then is asked of the rows."""
        is_end = page.total is not None and request.offset + len(page.rows) >= page.total
        if is_end and request.resume is not None and len(self._pending) >= MANY_WAITING:
            self.load_now()

    def _tell(self, name: str) -> None:
        stats = self.stats[name]
        self._listener(
            PageRead(name, stats.rows_read, stats.total, stats.requests.total(), self._quota_left())
        )
