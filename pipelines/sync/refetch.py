"""Reading chosen rows of a sorted list by where they must stand in it.

In a list sorted by the time its rows were made, a row's place follows from how many of the known
rows are newer. So a row that may have changed is read again at the cost of one page, together with
its neighbours.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from pipelines.destinations.where import where
from pipelines.lists import PAGE_SIZE, ListSpec
from pipelines.sync.copy import LocalCopy
from pipelines.sync.protocol import PageRequest, Strategy
from pipelines.sync.state import ListState

#: A row is looked for a few places around where it must stand: some are made in the same second.
_MARGIN = 3

Span = tuple[int, int]


@dataclass(frozen=True)
class KnownOrder:
    """The known rows of one list in the API's order."""

    spec: ListSpec
    state: ListState
    copy: LocalCopy

    def spans(self, keys: Collection[str]) -> dict[str, Span]:
        """Return the first and the last position at which each row may stand.

        They are one position unless rows were made at the same time; a row is left out when it is
        not known when it was made, and when the API has dropped it.
        """
        cutoff = self.state.retention_cutoff
        places = self.copy.places(self.spec, keys, cutoff)
        length = self.length if places and self.state.order == "oldest_first" else 0
        spans = {}
        for key, place in places.items():
            first = place.later
            if self.state.order == "oldest_first":
                first = length - place.later - place.same
            spans[key] = (first, first + max(place.same - 1, 0))
        return spans

    @property
    def length(self) -> int:
        """How many rows the API must be listing."""
        return self.copy.count(self.spec, where(self.spec, since=self.state.retention_cutoff))


def refetch(
    order: KnownOrder, keys: Collection[str], purpose: str, *, at_most: int
) -> Strategy[frozenset[str]]:
    """Read the pages on which the keys stand; return those that were not met there."""
    missing = set(keys)
    spans = order.spans(missing)
    displacement, spent = 0, 0
    reached: dict[Span, int] = {}
    for key in sorted(spans, key=lambda name: spans[name]):
        span = spans[key]
        for _ in range(2):  # once more where the pages show that the list has moved
            place = max(reached.get(span, span[0]) + displacement - _MARGIN, 0)
            met: dict[str, int] = {}
            while key in missing and place <= span[1] + displacement and spent < at_most:
                page = yield PageRequest(order.spec, place, purpose)
                spent += 1
                met |= {name: place + number for number, name in enumerate(page.keys)}
                missing -= met.keys()
                place = max(page.end, place + 1)
            if key not in missing or not met:
                break
            displacement = _displacement(order, met, displacement)
        reached[span] = place - displacement
    return frozenset(missing)


def _displacement(order: KnownOrder, met: dict[str, int], unless: int) -> int:
    """Return by how much rows stand further back than they should."""
    spans = order.spans(met.keys())
    exact = (met[key] - span[0] for key, span in spans.items() if span[0] == span[1])
    return next(exact, unless)


def look_around(order: KnownOrder, moment: datetime, purpose: str) -> Strategy[None]:
    """Read the page on which a row would stand that was made at a time."""
    later = order.copy.count(order.spec, where(order.spec, since=moment))
    place = order.length - later if order.state.order == "oldest_first" else later
    yield PageRequest(order.spec, max(place - PAGE_SIZE // 2, 0), purpose)
