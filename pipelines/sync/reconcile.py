"""Finding the rows that came under a status or left it, by halving the list of that status.

Without a status it is the whole list. Between two pages of a sorted list, as many rows must stand
as are known; where it is otherwise, the difference lies there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from pipelines.destinations.where import where
from pipelines.lists import PAGE_SIZE, ListSpec
from pipelines.sync.copy import LocalCopy
from pipelines.sync.position import ScanPosition
from pipelines.sync.protocol import ListPage, PageRequest, Strategy
from pipelines.sync.scan import full_scan
from pipelines.sync.state import ListState

#: A filtered list of so many pages is read whole rather than searched by halving; and it is, where
#: halving finds too many differences, up to so many pages.
_SHORT, _LONG = 3, 200


@dataclass
class _Halving:
    spec: ListSpec
    state: ListState
    copy: LocalCopy
    status: str | None
    left: int
    listed: set[str] = field(default_factory=set)

    @property
    def _is_falling(self) -> bool:
        return self.state.order != "oldest_first"

    def by_halving(self, total: int) -> Strategy[set[str] | None]:
        first = yield from self._sample(0)
        last = yield from self._sample(max(total - PAGE_SIZE, 0))
        if first is None or last is None:
            return None
        found = yield from self._between(first, last)
        if found is None:
            return None
        return found | self._absent(first, edge="first") | self._absent(last, edge="last")

    def _between(self, low: ListPage, high: ListPage) -> Strategy[set[str] | None]:
        """Halve the stretch between two pages while its length is not what is known."""
        if high.offset <= low.end or not low.rows or not high.rows:
            return self._gap(low, high)
        if self._surplus(high) == self._surplus(low):
            return set()
        middle = (low.offset + high.offset) // 2
        if middle <= low.offset or middle >= high.offset:
            return self._gap(low, high)
        page = yield from self._sample(middle)
        if page is None:
            return None
        left = yield from self._between(low, page)
        right = yield from self._between(page, high)
        if left is None or right is None:
            return None
        return left | right | self._absent(page)

    def _gap(self, low: ListPage, high: ListPage) -> set[str]:
        """Return known keys between the last row of one page and the first of the next."""
        a = low.rows[-1].made_at if low.rows else None
        b = high.rows[0].made_at if high.rows else None
        return self._known(min(a, b), max(a, b)) if a and b else set()

    def _absent(self, page: ListPage, edge: str = "") -> set[str]:
        """Return known keys that should stand on the page and do not."""
        times = page.times
        if not times:
            return self._known(None, None) if not page.rows and page.offset == 0 else set()
        low: datetime | None = min(times)
        high: datetime | None = max(times)
        # Beyond the first and the last row of the whole list there is nothing more.
        if edge == ("first" if self._is_falling else "last"):
            high = None
        if edge == ("last" if self._is_falling else "first"):
            low = None
        return self._known(low, high)

    def _known(self, low: datetime | None, high: datetime | None) -> set[str]:
        """Return the known keys of a stretch that the API has not listed."""
        since = max((at for at in (low, self.state.retention_cutoff) if at), default=None)
        condition = where(self.spec, self.status, since=since, until=high)
        return {row[self.spec.key] for row in self.copy.select(self.spec, condition)} - self.listed

    def _surplus(self, page: ListPage) -> int:
        """Return how many more rows are known before the page than the API lists before it."""
        place, moment = self._unique_time(page)
        if moment is None:
            return 0
        newer = self._count(moment) - self._at(moment)
        older = self._count(None) - self._count(moment)
        return (newer if self._is_falling else older) - place

    def _unique_time(self, page: ListPage) -> tuple[int, datetime | None]:
        """Return the place and time of a row that no other known row was made with."""
        for number, row in enumerate(page.rows):
            if row.made_at and self._at(row.made_at) <= 1:
                return page.offset + number, row.made_at
        return page.offset, page.rows[0].made_at

    def _count(self, since: datetime | None) -> int:
        since = since or self.state.retention_cutoff
        return self.copy.count(self.spec, where(self.spec, self.status, since=since))

    def _at(self, moment: datetime) -> int:
        return self.copy.count(self.spec, where(self.spec, self.status, since=moment, until=moment))

    def _sample(self, offset: int) -> Strategy[ListPage | None]:
        if self.left <= 0:
            return None
        self.left -= 1
        page = yield PageRequest(self.spec, offset, "repair", self.status)
        self.listed.update(page.keys)
        return page


def reconcile(
    spec: ListSpec,
    state: ListState,
    copy: LocalCopy,
    status: str | None,
    total: int,
    *,
    at_most: int,
) -> Strategy[frozenset[str] | None]:
    """Return known keys that the API does not list any more.

    Rows that it lists and we did not know there are read on the way. None when that needs more
    than ``at_most`` requests, and the list is too long to be read whole.
    """
    pages = -(-total // PAGE_SIZE)
    if pages <= _SHORT:
        return (yield from _by_reading_all(spec, copy, status))
    halving = _Halving(spec, state, copy, status, left=min(at_most, pages))
    missing = yield from halving.by_halving(total)
    if missing is None and status is not None and pages <= _LONG:
        return (yield from _by_reading_all(spec, copy, status))
    return None if missing is None else frozenset(missing)


def _by_reading_all(
    spec: ListSpec, copy: LocalCopy, status: str | None
) -> Strategy[frozenset[str] | None]:
    """Read the list from end to end."""
    before = _keys(spec, copy, status)
    listed: set[str] = set()

    def note(page: ListPage) -> bool:
        listed.update(page.keys)
        return False

    result = yield from full_scan(
        spec, ScanPosition(), purpose="repair", status=status, until=note, stop_at_total=True
    )
    return None if result.lost_because else frozenset(before - listed)


def _keys(spec: ListSpec, copy: LocalCopy, status: str | None) -> set[str]:
    return {row[spec.key] for row in copy.select(spec, where(spec, status))}
