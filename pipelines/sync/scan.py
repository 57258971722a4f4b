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
from itertools import pairwise

from pipelines.lists import ListSpec
from pipelines.sync.position import ScanPosition
from pipelines.sync.protocol import ListPage, PageRequest, RequestRefused, Strategy

OVERLAP = 2
#: Pages in a row without a new row: then the scan is given up.
PATIENCE = 6
#: Looks in a row for the lost place, enough to halve any list; then the scan begins anew.
SEARCHES = 40
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
    ) -> None:
        self.at = at
        self._spec = spec
        self._purpose = purpose
        self._status = status
        self._until = until
        self._stop_at_total = stop_at_total
        self._at_most = at_most
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
        step = max(at.longest_page - OVERLAP, 1)
        resume = at.copy() if self._purpose == "walk" else None
        is_steady = resume is not None and bool(at.anchor) and not at.searches
        end = at.offset + 8 * step if at.usable_total is None else at.usable_total
        ahead = tuple(range(at.offset + step, end, step)[:7]) if is_steady else ()
        return PageRequest(self._spec, at.offset, self._purpose, self._status, ahead, resume)

    def _take(self, page: ListPage) -> None:
        """Take one page, and decide where the next one begins."""
        at = self.at
        self.first, self.last = self.first or page, page
        grown = self._note(page)
        place, moved = self._place(page)
        if grown and at.is_blind:
            self._restart()  # the total may tell late of what came between two pages
        elif not page.rows and not at.anchor:
            self._end_empty()
        elif place is None and self._jumped_over_hidden(page, grown):
            self._advance(page, 0, 0)
        elif place is None and self._is_next(page, grown):
            at.is_blind = True
            self._advance(page, 0, 0)
        elif place is None and at.jumping and not page.rows:
            self._pass_over(page)
        elif place is None:
            self._search(page, grown)
        elif self._leaves_rows_out(moved, grown):
            at.offset, at.asked_again = at.page_offset, at.page_offset
            at.suspected = moved - max(grown, 0)
        else:
            self._note_hidden(page)
            self._count_bad(page, place, moved)
            self._advance(page, place, moved)
        if not self.done and (at.requests > self._most_requests() or at.requests == self._at_most):
            self._give_up("the list moved faster than it could be read")

    def _note(self, page: ListPage) -> int:
        """Note what the answer says of the list; return by how much its total has grown."""
        at = self.at
        at.requests += 1
        if not at.started_at:
            at.started_at = page.asked_at.isoformat()
            at.first_total = page.total
        at.longest_page = max(at.longest_page, len(page.rows))
        if page.total is None:
            return 0
        grown = 0 if at.total is None else page.total - at.total
        at.total = page.total
        at.largest_total = max(at.largest_total, page.total)
        at.total_is_wrong |= bool(page.rows) and page.end > page.total
        return grown

    def _place(self, page: ListPage) -> tuple[int | None, int]:
        """Return where in the page the unread rows begin, and by how much rows have moved back.

        None where the page does not hold the last rows read.
        """
        at = self.at
        if not at.anchor:
            return 0, 0
        keys = page.keys
        known = set(keys)
        for back, key in enumerate(reversed(at.anchor), start=1):
            if key in known:
                place = at.page_end - back - page.offset
                if keys[place : place + 1] != [key]:  # of several, the one where it stood
                    place = keys.index(key)
                return place + 1, page.offset + place - (at.page_end - back)
        return None, 0

    def _leaves_rows_out(self, moved: int, grown: int) -> bool:
        """Tell whether the last page seems to have left rows out, and is to be asked for again."""
        at = self.at
        is_settled = at.searches or not at.anchor or at.asked_again == at.page_offset
        return at.usable_total is not None and not is_settled and moved > max(grown, 0)

    def _note_hidden(self, page: ListPage) -> None:
        """Take a page that shows the same rows again for one that leaves places out for good."""
        if self.at.suspected and page.keys == self.at.anchor:
            self.at.hidden += self.at.suspected
        self.at.suspected = 0

    def _count_bad(self, page: ListPage, place: int, moved: int) -> None:
        """Count new places of records without a key: by place, for their content may change.

        And those of rows that the same answer shows in front of them, of the same time and status:
        no other row stands there.
        """
        first = max(place, self.at.page_end + moved - page.offset) if self.at.anchor else 0
        self.at.bad += sum(row.is_bad for row in page.rows[first:])
        before = set(page.rows[:first])
        for row in page.rows[first:]:
            if not row.is_bad:
                again = row in before and row.made_at is not None
                self.at.repeated += again
                self.at.read += not again
                before.add(row)

    def _advance(self, page: ListPage, place: int, moved: int) -> None:
        at = self.at
        at.searches, at.before, at.behind, at.jumping = 0, None, None, False
        is_again = at.asked_again == page.offset == at.page_offset
        length = len(page.rows)
        # A page that begins as the last one did is that page again, however long it is now.
        brought_some = place < length and page.keys[:1] != at.anchor[:1]
        if brought_some:
            at.smallest_cut = min(at.smallest_cut, at.last_page)
        at.last_page = length
        at.idle = 0 if brought_some or is_again else at.idle + 1
        self._note_order(page)
        at.anchor, at.page_offset, at.page_end = page.keys, page.offset, page.end
        ended = self._stop_at_total and page.end == page.total and not at.total_is_wrong
        more = at.usable_total is not None and page.end < at.usable_total
        is_short = not (brought_some or more or is_again) and length < at.smallest_cut
        is_last = at.idle >= 2 and place == length and page.end == at.usable_total and not moved
        if (self._until and self._until(page)) or ended or is_short or is_last:
            self._end()
        elif at.idle >= PATIENCE and place == length < at.smallest_cut:
            self._end()  # more rows are promised than there are: whoever counts them will see
        elif at.idle >= PATIENCE:
            self._give_up("the server repeats its pages")
        elif at.idle >= 2 and more and place == length < at.longest_page and not moved:
            at.jumping = True
            at.offset = page.offset + max(at.longest_page, 1)  # the places behind are hidden
        elif at.longest_page == 1:
            at.offset = page.end
        else:
            at.offset = max(page.end - OVERLAP, at.offset + (length > 1))

    def _jumped_over_hidden(self, page: ListPage, grown: int) -> bool:
        """Tell whether the page goes on behind places that are counted and not shown."""
        at = self.at
        jumped = at.jumping and bool(page.rows) and not grown and page.offset >= at.page_end
        if jumped:
            at.hidden += page.offset - at.page_end
        return jumped

    def _is_next(self, page: ListPage, grown: int) -> bool:
        """Tell whether a page of one row follows the last one: it has no room for an overlap."""
        at = self.at
        is_single = at.longest_page == 1 and bool(page.rows)
        return is_single and not grown and page.offset == at.page_end

    def _pass_over(self, page: ListPage) -> None:
        """Go on behind a page of hidden places, unless it lies behind the list's end."""
        at = self.at
        at.idle += 1
        if at.idle > 2 * PATIENCE or page.offset >= (at.usable_total or 0):
            self._end()
        else:
            at.offset = page.offset + max(at.longest_page, 1)

    def _search(self, page: ListPage, grown: int) -> None:
        """Look for the last row read: where the total says, else where the rows' times say."""
        at = self.at
        at.searches += 1
        reach = max(at.longest_page - OVERLAP, 1) * 2 ** (at.searches - 1)
        if grown and at.searches == 1:
            at.offset = max(at.offset + grown, 0)
            return
        if self._stands_before(page):
            at.before = at.offset
            aim = at.offset + reach
        else:
            at.behind = at.offset
            aim = max(at.offset - reach, 0)
        if at.before is not None and at.behind is not None:
            aim = (at.before + at.behind) // 2
        if aim == at.offset or at.searches > SEARCHES:
            self._restart()
        else:
            at.offset = aim

    def _stands_before(self, page: ListPage) -> bool:
        """Tell whether the page stands before the last row read, as far as the times show it."""
        at = self.at
        first = next(iter(page.times), None)
        if first is None or not at.last_made_at or at.order == "unknown":
            return False
        is_newer = first > datetime.fromisoformat(at.last_made_at)
        return is_newer == at.falling

    def _restart(self) -> None:
        """Begin anew: the place is lost."""
        at = self.at
        if at.restarts >= RESTARTS:
            self._give_up("the list has no order that holds between two requests")
            return
        vars(at).update(
            vars(
                ScanPosition(
                    uuid.uuid4().hex,
                    requests=at.requests,
                    restarts=at.restarts + 1,
                    longest_page=at.longest_page,
                    largest_total=at.largest_total,
                    total_is_wrong=at.total_is_wrong,
                    total_was_wrong=at.total_was_wrong,
                )
            )
        )

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
        return 3 * (rows // max(at.longest_page - OVERLAP, 1) + 10)

    def _note_order(self, page: ListPage) -> None:
        """Note how the page is sorted; between pages, the overlap repeats some rows."""
        at, times = self.at, page.times
        for earlier, later in pairwise(times):
            at.falling = at.falling and later <= earlier
            at.rising = at.rising and later >= earlier
        if times:
            at.last_made_at = times[-1].isoformat()


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
) -> Strategy[ScanResult]:
    """Read a list from a position to its end.

    ``until`` may end it before the last row; ``stop_at_total``: a total that is reached is the end;
    ``at_most`` requests in all; ``given``: the first page, where it is there already.
    """
    scan = _Scan(spec, at, purpose, status, until, stop_at_total, at_most)
    return (yield from scan.read(given))
