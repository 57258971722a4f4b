"""Rows that a list showed further on than it shows them later in the same sync.

No row goes back, so two copies of the list have answered in turn, one behind the other. The later
look counts, as always; but what it stores is known to be old, and proves nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pipelines.destinations.where import Row
from pipelines.lists import ListSpec

#: The rank of a status that tells nothing.
_NONE = -1


class StepsBack:
    """The rows of each list that are known to be further on than their last look shows."""

    def __init__(self, specs: Mapping[str, ListSpec]) -> None:
        self._specs = specs
        #: The highest rank that was seen of rows of which the last look does not show it.
        self._furthest: dict[str, dict[Any, int]] = defaultdict(dict)
        self.behind: dict[str, set[Any]] = defaultdict(set)
        self._first: datetime | None = None
        self._loaded: tuple[datetime, datetime] | None = None

    def seen(self, at: datetime) -> None:
        """Note when a look of this sync was taken."""
        self._first = min(self._first or at, at)

    def loaded(self, until: datetime | None) -> None:
        """Note that all looks are stored; ``until``: when the latest one was taken."""
        if self._first is not None and until is not None:
            self._loaded = self._first, until

    def compare_stored(self, resource: str, key: Any, stored: Row | None, row: Row) -> None:
        """Compare a row with what is stored of it, if this sync has stored that."""
        if stored is None or self._loaded is None:
            return
        first, last = self._loaded
        if first <= stored["_seen_at"] <= last:
            self.compare(resource, key, stored, row)

    def compare(self, resource: str, key: Any, earlier: Row, row: Row) -> None:
        """Compare two looks of this sync at one row; events are no looks, and may move it on."""
        spec = self._specs.get(resource)
        if spec is None:
            return
        known, now = self._furthest[resource], spec.statuses.rank(row["status"], _NONE)
        furthest = max(known.get(key, _NONE), _shown(spec, earlier))
        if now >= furthest:
            self.behind[resource].discard(key)
        elif now != _NONE:
            self.behind[resource].add(key)
        if furthest > _shown(spec, row):
            known[key] = furthest


def _shown(spec: ListSpec, row: Row) -> int:
    """Return the rank that the list showed, and behind which no look of it may fall."""
    if row.get("_origin") == "event" or (spec.recheck and row["status"] == spec.recheck.by_hand):
        return _NONE
    return spec.statuses.rank(row["status"], _NONE)
