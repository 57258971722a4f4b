"""Reading a whole list by offset while it moves, without losing a row.

A page overlaps the one before it by two rows. As long as rows only come and go and keep their
order among themselves, a page that holds the last row read so far continues exactly there, wherever
its offset now points. Where it does not hold it, the list has moved by more than the overlap, and
the scan looks for it: first where the change of ``total`` says, then ever further in the direction
that the rows' times show, and at last by halving.

The scan moves on by the rows that came, never by the rows it asked for. Where the last row read
stands further back than rows were added, a page has left rows out: it is asked for again, and what
is counted and not shown then is noted as hidden. A ``total`` may be missing or wrong: a full scan
ends with an answer that shows the last row read with nothing behind it, and is too short to have
been cut. And it ends, whatever the server does: a list that cannot be followed is given up after so
many requests.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from pipelines.lists import ListSpec
from pipelines.sync.position import OVERLAP, ScanPosition, step
from pipelines.sync.protocol import ListPage, PageRequest, RequestRefused, Strategy
from pipelines.sync.scan_notes import (
    count_places,
    goes_round,
    note_answer,
    note_hidden,
    note_page,
)
from pipelines.sync.scan_place import (
    find_place,
    is_behind_hidden,
    is_next,
    leaves_rows_out,
    promises_more,
)
from pipelines.sync.scan_search import next_look

#: Pages in a row without a new row: then the scan is given up.
PATIENCE = 6
#: So often a scan begins anew.
RESTARTS = 2
#: What a list without a total is taken to hold at most, in rows.
ENDLESS = 20_000_000


@dataclass(frozen=True)
class ScanResult:
    """A scan that has ended. ``lost_because``: why it proves nothing; None: it kept its place."""

    position: ScanPosition
    first: ListPage | None
    last: ListPage | None
    lost_because: str | None
    offset_ceiling: int | None = None

    @property
    def started_at(self) -> datetime:
        """When the first page was asked for, by the server's clock."""
        return datetime.fromisoformat(self.position.started_at)


class _Scan:
    """One reading of a list, from its first row to its last."""

    def __init__(
        self,
        spec: ListSpec,
        at: ScanPosition,
        purpose: str,
        status: str | None,
        until: Callable[[ListPage], bool] | None,
        stop_at_total: bool,
        at_most: int | None,
        resume: Callable[[ScanPosition], ScanPosition] | None,
    ) -> None:
        self.at = at
        self._spec = spec
        self._purpose = purpose
        self._status = status
        self._until = until
        self._stop_at_total = stop_at_total
        self._at_most = at_most
        self._resume = ScanPosition.copy if purpose == "walk" else resume
        self.first: ListPage | None = None
        self.last: ListPage | None = None
        self.done = False
        self.lost_because: str | None = None
        self.offset_ceiling: int | None = None

    def read(self, given: ListPage | None) -> Strategy[ScanResult]:
        """Read to the end."""
        at = self.at
        at.id = at.id or uuid.uuid4().hex
        if given is not None:
            self._take(given)
        while not self.done:
            try:
                page = yield self._request()
            except RequestRefused:
                if at.offset == 0 or self._status is not None:
                    raise
                self.offset_ceiling = at.offset
                self._give_up(f"the API refuses offsets of {at.offset} and above")
                break
            self._take(page)
        return ScanResult(at, self.first, self.last, self.lost_because, self.offset_ceiling)

    def _request(self) -> PageRequest:
        at = self.at
        by = step(at.longest_page)
        resume = self._resume(at) if self._resume else None
        is_steady = bool(resume and self._status is None and at.anchor) and not at.searches
        end = at.offset + 8 * by if at.usable_total is None else at.usable_total
        ahead = tuple(range(at.offset + by, end, by)[:7]) if is_steady else ()
        return PageRequest(self._spec, at.offset, self._purpose, self._status, ahead, resume)

    def _take(self, page: ListPage) -> None:
        """Take one page, and decide where the next one begins."""
        at = self.at
        self.first, self.last = self.first or page, page
        grown = note_answer(at, page)
        place, moved = find_place(at, page)
        if grown and at.is_blind:
            self._restart()  # the total may tell late of what came between two pages
        elif not page.rows and not at.anchor:
            self._end_empty()
        elif place is None:
            self._go_on_without_place(page, grown)
        elif leaves_rows_out(at, moved, grown):
            at.offset, at.asked_again = at.page_offset, at.page_offset
            at.suspected = moved - max(grown, 0)
        else:
            note_hidden(at, page)
            count_places(at, page, place, moved)
            self._advance(page, place, moved)
        if not self.done and (at.requests > self._most_requests() or at.requests == self._at_most):
            self._give_up("the list moved faster than it could be read")

    def _go_on_without_place(self, page: ListPage, grown: int) -> None:
        """Take a page that does not hold the last row read, or look for that row."""
        at = self.at
        if is_behind_hidden(at, page, grown):
            at.hidden += page.offset - at.page_end
            self._advance(page, 0, 0)
        elif is_next(at, page, grown):
            at.is_blind = True
            self._advance(page, 0, 0)
        elif at.jumping and not page.rows:
            self._pass_over(page)
        elif (offset := next_look(at, page, grown)) is not None:
            at.offset = offset
        else:
            self._restart()

    def _advance(self, page: ListPage, place: int, moved: int) -> None:
        """Make the page the last one read, and go on behind it, if anything may follow."""
        brings_nothing = not note_page(self.at, page, place)
        if self._is_last(page, place, moved, brings_nothing):
            self._end()
        elif goes_round(self.at, page) or self.at.idle >= PATIENCE:
            self._give_up("the server repeats its pages")
        else:
            self._go_on(page, place, moved)

    def _is_last(self, page: ListPage, place: int, moved: int, brings_nothing: bool) -> bool:
        """Tell whether the page ends the scan."""
        at, length = self.at, len(page.rows)
        if self._until and self._until(page):
            return True
        ended = self._stop_at_total and page.end == page.total and not at.total_is_wrong
        is_short = brings_nothing and not promises_more(at, page) and length < at.smallest_cut
        is_still = at.idle >= 2 and place == length and page.end == at.usable_total and not moved
        # More rows are promised than there are: whoever counts them will see.
        in_vain = at.idle >= PATIENCE and place == length < at.smallest_cut
        return ended or is_short or is_still or in_vain

    def _go_on(self, page: ListPage, place: int, moved: int) -> None:
        at, length = self.at, len(page.rows)
        is_stuck = at.idle >= 2 and promises_more(at, page) and not moved
        if is_stuck and place == length < at.longest_page:
            at.jumping = True
            at.offset = page.offset + max(at.longest_page, 1)  # the places behind are hidden
        elif at.longest_page == 1:
            at.offset = page.end
        else:
            at.offset = max(page.end - OVERLAP, at.offset + (length > 1))

    def _pass_over(self, page: ListPage) -> None:
        """Go on behind a page of hidden places, unless it lies behind the list's end."""
        at = self.at
        at.idle += 1
        if at.idle > 2 * PATIENCE or page.offset >= (at.usable_total or 0):
            self._end()
        else:
            at.offset = page.offset + max(at.longest_page, 1)

    def _restart(self) -> None:
        """Begin anew: the place is lost."""
        if self.at.restarts >= RESTARTS:
            self._give_up("the list has no order that holds between two requests")
        else:
            self.at.begin_anew()

    def _end_empty(self) -> None:
        """Take a list for empty when two answers say so: nothing in one shows that it is late."""
        self.at.idle += 1
        if self.at.idle > 1 or self._status is not None:
            self._end()

    def _end(self) -> None:
        self.done = True
        if self.at.is_mixed and self.at.usable_total is None:
            self.lost_because = "the list gives no total and has no order"

    def _give_up(self, reason: str) -> None:
        self.done = True
        self.lost_because = reason

    def _most_requests(self) -> int:
        """Three times what a quiet list would take, with room for small ones."""
        at = self.at
        rows = ENDLESS
        if at.usable_total is not None:
            rows = min(at.largest_total, 2 * (at.first_total or 0) + 100_000, ENDLESS)
        return 3 * (rows // step(at.longest_page) + 10)


def full_scan(
    spec: ListSpec,
    at: ScanPosition,
    *,
    purpose: str = "walk",
    status: str | None = None,
    until: Callable[[ListPage], bool] | None = None,
    stop_at_total: bool = False,
    at_most: int | None = None,
    given: ListPage | None = None,
    resume: Callable[[ScanPosition], ScanPosition] | None = None,
) -> Strategy[ScanResult]:
    """Read a list from a position to its end.

    ``until`` may end it before the last row; ``stop_at_total``: a total that is reached is the end;
    ``at_most`` requests in all; ``given``: the first page, where it is there already; ``resume``:
    what a later sync goes on with, of the position as it is; of a walk, that position.
    """
    scan = _Scan(spec, at, purpose, status, until, stop_at_total, at_most, resume)
    return (yield from scan.read(given))
