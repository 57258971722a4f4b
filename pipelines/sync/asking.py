"""The driver's requests: of as many rows as can be had, some of them early, all of them counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from pipelines.client import Page
from pipelines.client.errors import ApiError, NotFound, Refused
from pipelines.errors import QuotaExhausted
from pipelines.source.parse import Parser
from pipelines.sync.ahead import Ahead, Fetch
from pipelines.sync.list_stats import ListStats
from pipelines.sync.page_size import FEW, PageSize
from pipelines.sync.place_by_place import (
    NotAloneError,
    NothingBehindError,
    Part,
    place_by_place,
)
from pipelines.sync.position import OVERLAP
from pipelines.sync.protocol import PageRequest, RequestRefused


class Asking:
    """Asks for the pages that strategies want, with ``in_flight`` requests of one list at a time.

    ``waiting`` carries out what may wait for an answer; ``sent`` tells how many requests were sent
    for a list; ``room``, how many may be made without a wait.
    """

    def __init__(
        self,
        fetch: Fetch,
        parsers: Mapping[str, Parser],
        stats: Mapping[str, ListStats],
        *,
        waiting: Callable[[Callable[[], Page]], Page],
        sent: Callable[[str], int],
        room: Callable[[], int],
        in_flight: int,
    ) -> None:
        self._fetch = fetch
        self._parsers = parsers
        self._stats = stats
        self._waiting = waiting
        self._sent = sent
        self._ahead = Ahead(fetch, in_flight, room)
        self.sizes: dict[str, PageSize] = {name: PageSize() for name in parsers}
        self.is_under_way = False

    @property
    def taken(self) -> int:
        """How many requests were made."""
        return sum(stats.requests.total() for stats in self._stats.values())

    def look_ahead(self, left: float, lists: int) -> None:
        """Ask early while so many requests are left that scans of so many lists come to them."""
        self._ahead.look(left, lists)

    def drop(self) -> None:
        """Drop what was asked for early and nobody came for, and count it."""
        self._ahead.drop()
        self._count_early()

    def close(self) -> None:
        """Drop what nobody came for, wait for nothing, and count it."""
        self._ahead.close()
        self._count_early()

    def ask(self, wanted: PageRequest) -> list[Part]:
        """Make one request, of fewer rows where an answer of so many cannot be had.

        Return it as it was made, for the API may round offsets, with its answer. It is of several
        parts where one place alone cannot be read.

        Raises:
            RequestRefused: the API does not take the filter, or the offset.
            ApiError: the list cannot be read.
        """
        size = self.sizes[wanted.spec.name]
        while True:
            offset, limit = size.window(wanted.offset)
            ahead = wanted.ahead if size.paged_by is None else ()
            request = replace(wanted, offset=offset, ahead=ahead)
            try:
                page = self._page(request, limit)
            except ApiError as error:
                if _is_refused(request, error):
                    raise RequestRefused(error.message) from error
                if not size.shrink(error, request.status, offset):
                    raise
                parts = self._one_by_one(request, limit, error) if limit <= FEW else None
                if parts:
                    return parts
            else:
                size.note_success()
                if not size.learn(request.status, offset, page.rows):
                    return [Part(request, page)]

    def _one_by_one(self, request: PageRequest, limit: int, error: ApiError) -> list[Part] | None:
        """Return few places that cannot be had at once; None: fewer rows are the better way."""
        size, resume = self.sizes[request.spec.name], request.resume
        # Where the API never shows more than the overlap, longer pages would not be followed.
        is_narrow = max(size.longest, resume.longest_page if resume else 0) <= OVERLAP
        parts = self._places(request, limit if is_narrow else max(limit, FEW), error)
        if parts is None and limit == 1:
            raise error
        bad = [part.request.offset for part in parts or () if part.is_bad]
        for place in bad:
            size.excuse(request.status, place)
        if not is_narrow:
            size.limit = max(size.limit, OVERLAP + 1)
            return parts
        return parts[: None if limit > 1 else 1] if parts and bad else None

    def _places(self, request: PageRequest, rows: int, error: ApiError) -> list[Part] | None:
        """Ask for places one by one; None: that tells nothing.

        Raises:
            RequestRefused: nothing behind them can be read, and the list's beginning can.
            ApiError: the API is down.
        """
        try:
            return place_by_place(request, rows, self._alone)
        except NotAloneError:
            return None
        except NothingBehindError:
            if request.offset > 0 and self._answers_at(request, 0):
                raise RequestRefused(error.message) from error
            raise error from None

    def _alone(self, request: PageRequest) -> Page | ApiError:
        try:
            return self._page(request, 1)
        except ApiError as error:
            if _is_refused(request, error):
                raise RequestRefused(error.message) from error
            if not error.page_too_large:
                raise
            return error

    def _page(self, request: PageRequest, limit: int) -> Page:
        status = self._spelt(request.spec.name, request.status)
        return self._wait(request, lambda: self._ahead.ask(request, limit, status))

    def _wait(self, request: PageRequest, answer: Callable[[], Page]) -> Page:
        """Wait for an answer, as long as nobody ends the run, and count what it took."""
        self.is_under_way = True
        try:
            return self._waiting(answer)
        finally:
            self.is_under_way = False
            self._count(request.spec.name, request.purpose)

    def _answers_at(self, request: PageRequest, offset: int) -> bool:
        try:
            self._wait(
                request, lambda: self._fetch(request.spec, offset=offset, limit=1, status=None)
            )
        except QuotaExhausted:  # which a refusal for the limits is, too
            raise
        except ApiError:
            return False
        return True

    def _spelt(self, name: str, status: str | None) -> str | None:
        """Return a status as the API spells it: a filter may tell capitals from small letters."""
        return status if status is None else self._parsers[name].spellings.get(status, status)

    def _count_early(self) -> None:
        for name in self._stats:
            self._count(name, "early")

    def _count(self, name: str, purpose: str) -> None:
        """Count what was sent for a list since it was last counted, answered or not."""
        requests = self._stats[name].requests
        new = self._sent(name) - requests.total()
        if new:
            requests[purpose] += new


def _is_refused(request: PageRequest, error: ApiError) -> bool:
    """Tell whether the API refuses the filter or the offset, and not the list."""
    filter_refused = request.status is not None and isinstance(error, Refused | NotFound)
    return error.offset_refused or (filter_refused and not error.page_too_large)
