"""Reading a whole list by offset while it moves, without losing a row.

A page overlaps the one before it by two rows. As long as rows only come and go and keep their
order among themselves, a page that holds the last row read so far continues exactly there, wherever
its offset now points. Where it does not hold it, the list has moved by more than the overlap, and
the walk looks for it: first where the change of ``total`` says, then ever further in the direction
that the rows' times show, and at last by halving.

The walk moves on by the rows that came, never by the rows it asked for. A ``total`` may be missing
or wrong: a whole walk ends with an answer that shows the last row read with nothing behind it, and
is too short to have been cut. And it ends, whatever the server does: a list that cannot be followed
is given up after so many requests.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

from pipelines.sync.reading import Listing, Reader

OVERLAP = 2
#: Pages in a row without a new row: then the walk is given up.
PATIENCE = 6
#: The least page that any text of the API knows: a shorter one was not cut, unless the server has
#: been seen to do so.
SMALLEST_PAGE = 20
#: Looks in a row for the lost place, enough to halve any list; then the walk begins anew.
SEARCHES = 40
RESTARTS = 2
#: What a list without a total is taken to hold at most, in rows.
ENDLESS = 20_000_000


@dataclass
class Position:
    """Where a walk stands. Plain values, so that a later sync can take it up."""

    id: str = ""
    started_at: str = ""
    offset: int = 0
    #: Keys of the last page in order: the newest of them that a page holds is the place to go on.
    anchor: list[str] = field(default_factory=list)
    total: int | None = None
    first_total: int | None = None
    largest_total: int = 0
    #: More rows came than `total` says there are: it is not believed any more.
    total_is_wrong: bool = False
    longest_page: int = 0
    #: The shortest page after which more rows came, and the length of the last one.
    smallest_cut: int = SMALLEST_PAGE
    last_page: int = SMALLEST_PAGE
    requests: int = 0
    restarts: int = 0
    idle: int = 0
    searches: int = 0
    #: While searching: an offset that lies before the lost place, and one that lies behind it.
    before: int | None = None
    behind: int | None = None
    last_made_at: str = ""
    falling: bool = True
    rising: bool = True


class Walk:
    """One reading of a list, from its first row to its last, a page at each :meth:`step`.

    ``until`` may end it before the last row. ``trusting``: a total that is reached is the end.
    ``filters`` are those of the list.
    """

    def __init__(
        self,
        reader: Reader,
        state: Mapping[str, Any] | None = None,
        *,
        purpose: str = "walk",
        until: Callable[[Listing], bool] | None = None,
        trusting: bool = False,
        **filters: Any,
    ) -> None:
        self._reader = reader
        self._purpose = purpose
        self._until = until
        self._trusting = trusting
        self._filters = filters
        self._at = Position(**(state or {}))
        self._at.id = self._at.id or uuid.uuid4().hex
        #: The first and the last answer of this run.
        self.first: Listing | None = None
        self.last: Listing | None = None
        self.done = False
        self.lost_because: str | None = None

    @property
    def id(self) -> str:
        """What the rows that the walk meets are stamped with."""
        return self._at.id

    @property
    def started_at(self) -> datetime:
        """When the first page was asked for, by the server's clock."""
        return datetime.fromisoformat(self._at.started_at)

    @property
    def first_total(self) -> int | None:
        """``total`` as the first page gave it; None where it turned out to be wrong."""
        return None if self._at.total_is_wrong else self._at.first_total

    @property
    def requests(self) -> int:
        """Requests made so far."""
        return self._at.requests

    @property
    def order(self) -> str:
        """How the rows stood: newest_first, oldest_first or unknown."""
        if self._at.falling == self._at.rising:
            return "unknown"
        return "newest_first" if self._at.falling else "oldest_first"

    @property
    def is_mixed(self) -> bool:
        """Whether the rows were neither sorted the one way nor the other."""
        return not (self._at.falling or self._at.rising)

    def state(self) -> dict[str, Any]:
        """Return the position for a later sync."""
        return asdict(self._at)

    def pages_left(self) -> int | None:
        """Estimate how many requests are left; None while the API gives no total."""
        at = self._at
        if at.total is None:
            return None
        return -(-max(at.total - at.offset, 0) // max(at.longest_page - OVERLAP, 1))

    def run(self) -> None:
        """Read to the end."""
        while not self.done:
            self.step()

    def step(self) -> None:
        """Read one page and decide where the next one begins."""
        at = self._at
        listing = self._reader.read(at.offset, self._purpose, **self._filters)
        self.first, self.last = self.first or listing, listing
        grown = self._note(listing)
        place = self._place(listing)
        if not listing.entries and not at.anchor:
            self._end()
        elif place is None:
            self._search(listing, grown)
        else:
            self._advance(listing, place)
        if not self.done and self._at.requests > self._most_requests():
            self._give_up("the list moved faster than it could be read")

    def _note(self, listing: Listing) -> int:
        """Note what the answer says of the list; return by how much its total has grown."""
        at = self._at
        at.requests += 1
        if not at.started_at:
            at.started_at = listing.asked_at.isoformat()
            at.first_total = listing.total
        at.longest_page = max(at.longest_page, len(listing.entries))
        if listing.total is None:
            return 0
        grown = 0 if at.total is None else listing.total - at.total
        at.total = listing.total
        at.largest_total = max(at.largest_total, listing.total)
        at.total_is_wrong |= bool(listing.entries) and listing.end > listing.total
        return grown

    def _place(self, listing: Listing) -> int | None:
        """Return where in the page the unread rows begin; None where the page is not joined on."""
        if not self._at.anchor:
            return 0
        places = {key: place for place, key in enumerate(listing.keys)}
        found = next((places[key] for key in reversed(self._at.anchor) if key in places), None)
        return None if found is None else found + 1

    def _advance(self, listing: Listing, place: int) -> None:
        at = self._at
        at.searches, at.before, at.behind = 0, None, None
        length = len(listing.entries)
        # A page that begins as the last one did is that page again, however long it is now.
        brought_some = place < length and listing.keys[:1] != at.anchor[:1]
        if brought_some:
            at.smallest_cut = min(at.smallest_cut, at.last_page)
        at.last_page = length
        at.idle = 0 if brought_some else at.idle + 1
        self._note_order(listing)
        at.anchor = listing.keys
        ended = self._trusting and listing.end == listing.total and not at.total_is_wrong
        more = not at.total_is_wrong and listing.total is not None and listing.end < listing.total
        is_short = not brought_some and not more and length < at.smallest_cut
        if (self._until and self._until(listing)) or ended or is_short:
            self._end()
        elif at.idle >= PATIENCE and place == length < at.smallest_cut:
            self._end()  # more rows are promised than there are: whoever counts them will see
        elif at.idle >= PATIENCE:
            self._give_up("the server repeats its pages")
        else:
            at.offset = max(listing.end - OVERLAP, at.offset + (length > 1))

    def _search(self, listing: Listing, grown: int) -> None:
        """Look for the last row read: where the total says, else where the rows' times say."""
        at = self._at
        at.searches += 1
        reach = max(at.longest_page - OVERLAP, 1) * 2 ** (at.searches - 1)
        if grown and at.searches == 1:
            at.offset = max(at.offset + grown, 0)
            return
        if self._stands_before(listing):
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

    def _stands_before(self, listing: Listing) -> bool:
        """Tell whether the page stands before the last row read, as far as the times show it."""
        at = self._at
        first = next((entry.made_at for entry in listing.entries if entry.made_at), None)
        if first is None or not at.last_made_at or self.order == "unknown":
            return False
        is_newer = first > datetime.fromisoformat(at.last_made_at)
        return is_newer == at.falling

    def _restart(self) -> None:
        """Begin anew: the place is lost."""
        at = self._at
        if at.restarts >= RESTARTS:
            self._give_up("the list has no order that holds between two requests")
            return
        self._at = Position(
            uuid.uuid4().hex,
            requests=at.requests,
            restarts=at.restarts + 1,
            longest_page=at.longest_page,
            largest_total=at.largest_total,
        )

    def _end(self) -> None:
        self.done = True
        if self.is_mixed and self.first_total is None:
            self.lost_because = "the list gives no total and has no order"

    def _give_up(self, reason: str) -> None:
        self.done = True
        self.lost_because = reason

    def _most_requests(self) -> int:
        """Three times what a quiet list would take, with room for small ones."""
        at = self._at
        rows = ENDLESS
        if at.total is not None and not at.total_is_wrong:
            rows = min(at.largest_total, 2 * (at.first_total or 0) + 100_000, ENDLESS)
        return 3 * (rows // max(at.longest_page - OVERLAP, 1) + 10)

    def _note_order(self, listing: Listing) -> None:
        """Note how the page is sorted; between pages, the overlap repeats some rows."""
        times = [entry.made_at for entry in listing.entries if entry.made_at]
        at = self._at
        for earlier, later in pairwise(times):
            at.falling = at.falling and later <= earlier
            at.rising = at.rising and later >= earlier
        if times:
            at.last_made_at = times[-1].isoformat()
