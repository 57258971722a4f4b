"""Reading chosen rows of a sorted list by where they must stand in it.

In a list sorted by the time its rows were made, a row's place follows from how many of the known
rows are newer. So a row that may have changed is read again at the cost of one page, together with
its neighbours, and a row that came into a list or left it is found by halving.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from pipelines.client import PAGE_SIZE
from pipelines.source.schema import Table
from pipelines.sync.known import Known, made_at
from pipelines.sync.reading import Listing, Reader
from pipelines.sync.walk import Walk

#: A row is looked for a few places around where it must stand: some are made in the same second.
_MARGIN = 3
#: A filtered list of so many pages is read whole rather than searched by halving; and it is, where
#: halving finds too many differences, up to so many pages.
_SHORT, _LONG = 3, 200


class RankedList:
    """One resource's list, its known rows in the API's order.

    ``horizon``: the API has dropped what was made before that.
    """

    def __init__(
        self,
        reader: Reader,
        known: Known,
        table: Table,
        order: str,
        horizon: datetime | None = None,
    ) -> None:
        self._reader = reader
        self._known = known
        self._table = table
        self._falling = order == "newest_first"
        self._horizon = horizon

    def read_again(self, keys: Iterable[str], purpose: str, *, at_most: int = 10**9) -> set[str]:
        """Read the pages on which the keys stand; return those that were not met there."""
        missing = set(keys)
        spans = self.spans(missing)
        shift, spent = 0, 0
        reached: dict[tuple[int, int], int] = {}
        for key in sorted(spans, key=lambda name: spans[name]):
            first, last = spans[key]
            for _ in range(2):  # once more where the pages show that the list has moved
                place = max(reached.get((first, last), first) + shift - _MARGIN, 0)
                met: dict[str, int] = {}
                while key in missing and place <= last + shift and spent < at_most:
                    listing = self._reader.read(place, purpose)
                    spent += 1
                    met |= {name: place + number for number, name in enumerate(listing.keys)}
                    missing -= met.keys()
                    place = max(listing.end, place + 1)
                if key not in missing or not met:
                    break
                shift = self._shift(met, shift)
            reached[first, last] = place - shift
        return missing

    def _shift(self, met: dict[str, int], unless: int) -> int:
        """Return by how much rows stand further back than they should."""
        spans = self.spans(met)
        exact = (met[key] - span[0] for key, span in spans.items() if span[0] == span[1])
        return next(exact, unless)

    def read_around(self, moment: datetime, purpose: str) -> None:
        """Read the page on which a row would stand that was made at a time."""
        younger = len(self._known.times(self._table, since=moment))
        place = younger if self._falling else self._count() - younger
        self._reader.read(max(place - PAGE_SIZE // 2, 0), purpose)

    def spans(self, keys: Iterable[str]) -> dict[str, tuple[int, int]]:
        """Return the first and the last place at which each row may stand.

        They are one place unless rows were made at the same time; a row is left out when it is not
        known when it was made, and when the API has dropped it.
        """
        rows = self._known.rows(self._table, keys)
        times = {
            key: at
            for key, row in rows.items()
            if (at := made_at(row)) is not None and (self._horizon is None or at >= self._horizon)
        }
        if not times:
            return {}
        young = sorted(self._known.times(self._table, since=min(times.values())).values())
        older = self._count() - len(young)
        spans = {}
        for key, at in times.items():
            low, high = bisect_left(young, at), bisect_right(young, at)
            if self._falling:
                low, high = len(young) - high, len(young) - low
            else:
                low, high = older + low, older + high
            spans[key] = (low, max(high - 1, low))
        return spans

    def _count(self) -> int:
        return self._known.count(self._table, since=self._horizon)


class FilteredList:
    """The rows of one status, as known and as the API lists them: finds the differences.

    Without a status it is the whole list. ``horizon``: the API has dropped what was made before.
    """

    def __init__(
        self,
        reader: Reader,
        known: Known,
        table: Table,
        order: str,
        status: str | None,
        horizon: datetime | None = None,
    ) -> None:
        self._reader = reader
        self._filters: dict[str, Any] = {} if status is None else {"status": status}
        self._falling = order == "newest_first"
        self._known = known.times(table, status, horizon)
        self._times = sorted(self._known.values())
        self._listed: set[str] = set()
        self._left = 0

    def differences(self, total: int, *, at_most: int) -> set[str] | None:
        """Return known keys that the API does not list any more.

        Rows that it lists and we did not know there are read on the way. None when that needs more
        than ``at_most`` requests, and the list is too long to be read whole.
        """
        pages = -(-total // PAGE_SIZE)
        if pages <= _SHORT:
            return self._whole()
        self._left = min(at_most, pages)
        missing = self._by_halving(total)
        if missing is None and self._filters and pages <= _LONG:
            missing = self._whole()
        return missing

    def _whole(self) -> set[str] | None:
        """Read the list from end to end."""

        def note(listing: Listing) -> bool:
            self._listed.update(listing.keys)
            return False

        walk = Walk(self._reader, purpose="repair", until=note, trusting=True, **self._filters)
        walk.run()
        return None if walk.lost_because else self._known.keys() - self._listed

    def _by_halving(self, total: int) -> set[str] | None:
        first, last = self._probe(0), self._probe(max(total - PAGE_SIZE, 0))
        if first is None or last is None:
            return None
        found = self._between(first, last)
        if found is None:
            return None
        return found | self._absent(first, edge="first") | self._absent(last, edge="last")

    def _between(self, low: Listing, high: Listing) -> set[str] | None:
        """Halve the stretch between two pages while its length is not what is known."""
        if high.offset <= low.end or not low.entries or not high.entries:
            return self._gap(low, high)
        if self._shift(high) == self._shift(low):
            return set()
        middle = (low.offset + high.offset) // 2
        if middle <= low.offset or middle >= high.offset:
            return self._gap(low, high)
        page = self._probe(middle)
        if page is None:
            return None
        left, right = self._between(low, page), self._between(page, high)
        if left is None or right is None:
            return None
        return left | right | self._absent(page)

    def _gap(self, low: Listing, high: Listing) -> set[str]:
        """Return known keys between the last row of one page and the first of the next."""
        a = low.entries[-1].made_at if low.entries else None
        b = high.entries[0].made_at if high.entries else None
        return self._known_within(a, b) - self._listed if a and b else set()

    def _absent(self, page: Listing, edge: str = "") -> set[str]:
        """Return known keys that should stand on the page and do not."""
        times = [entry.made_at for entry in page.entries if entry.made_at]
        if not times:
            return set(self._known) if not page.entries and page.offset == 0 else set()
        low, high = min(times), max(times)
        # Beyond the first and the last row of the whole list there is nothing more.
        if edge == ("first" if self._falling else "last"):
            high = datetime.max.replace(tzinfo=high.tzinfo)
        if edge == ("last" if self._falling else "first"):
            low = datetime.min.replace(tzinfo=low.tzinfo)
        return self._known_within(low, high) - self._listed

    def _known_within(self, one: datetime, other: datetime) -> set[str]:
        low, high = min(one, other), max(one, other)
        return {name for name, moment in self._known.items() if low <= moment <= high}

    def _shift(self, page: Listing) -> int:
        """Return how many more rows are known before the page than the API lists before it."""
        place, moment = self._telling(page)
        if moment is None:
            return 0
        newer = len(self._times) - bisect_right(self._times, moment)
        older = bisect_left(self._times, moment)
        return (newer if self._falling else older) - place

    def _telling(self, page: Listing) -> tuple[int, datetime | None]:
        """Return the place and time of a row that no other known row was made with."""
        for number, entry in enumerate(page.entries):
            at = entry.made_at
            if at and bisect_right(self._times, at) - bisect_left(self._times, at) <= 1:
                return page.offset + number, at
        return page.offset, page.entries[0].made_at

    def _probe(self, offset: int) -> Listing | None:
        if self._left <= 0:
            return None
        self._left -= 1
        page = self._reader.read(offset, "repair", **self._filters)
        self._listed.update(page.keys)
        return page
