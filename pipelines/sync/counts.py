"""How many rows the API counts of each status.

A filter that is refused, ignored or answered with rows of another status is no count. The statuses
are judged word by word: one that the API does not honour makes no other count worthless.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from pipelines.destinations.where import where
from pipelines.lists import ListSpec
from pipelines.sync.copy import LocalCopy
from pipelines.sync.head import TAIL
from pipelines.sync.protocol import ListPage, PageRequest, RequestRefused, Strategy
from pipelines.sync.state import ListState

NO_COUNTS = "the API does not count by status"


@dataclass
class StatusCounts:
    """How many rows have each status; ``began`` when the first of them was asked for.

    ``uncounted``: the statuses that the API does not count; ``moved``: a row was shown in two, and
    is counted in both only where ``total`` tells in time.
    """

    began: datetime | None = None
    counts: dict[str, int] = field(default_factory=dict)
    uncounted: list[str] = field(default_factory=list)
    moved: bool = False
    _shown: set[str] = field(default_factory=set)
    _longest: int = 0

    def shows_too_few(self, page: ListPage) -> bool:
        """Tell whether an answer counts rows that it leaves out though it had room for more."""
        short = len(page.rows) < self._longest
        return short and page.total is not None and page.end < page.total

    def note_rows(self, page: ListPage) -> None:
        """Note which rows an answer shows."""
        self._longest = max(self._longest, len(page.rows))
        self.moved |= not self._shown.isdisjoint(page.keys)
        self._shown.update(page.keys)

    def fill_up(self, total: int | None) -> None:
        """Count statuses that the API does not by what the others leave: one, or nothing."""
        if total is None or not self.counts:
            return
        left = total - sum(self.counts.values())
        if left == 0:
            self.counts |= dict.fromkeys(self.uncounted, 0)  # refused because it finds nothing
            self.uncounted.clear()
        if len(self.uncounted) != 1:
            return
        if left >= 0:
            self.counts[self.uncounted.pop()] = left


def count(
    spec: ListSpec, state: ListState, copy: LocalCopy, status: str
) -> Strategy[ListPage | None]:
    """Ask how many rows have a status; None where the API does not honour the question.

    The answer also shows the youngest rows of that status: a row that came while the statuses were
    counted one after the other is known from it.
    """
    known = copy.count(spec, where(spec, status, since=state.retention_cutoff))
    offset = max(known - TAIL, 0) if state.order == "oldest_first" else 0
    try:
        page = yield PageRequest(spec, offset, "count", status)
    except RequestRefused:
        return None
    if any(not row.is_bad and row.status != status for row in page.rows):
        return None
    if page.total is not None and page.rows and page.total < page.end:
        return replace(page, total=None)  # it tells late, or of something else
    return page


def count_statuses(
    spec: ListSpec,
    state: ListState,
    copy: LocalCopy,
    statuses: Sequence[str],
    *,
    trusting: bool,
) -> Strategy[StatusCounts]:
    """Count the statuses in the order in which rows pass through them.

    Then a row that moves meanwhile is counted twice and none is missed. Where the first are not
    counted, the filter is not honoured at all: one tells, unless it is ``trusting``.
    """
    found = StatusCounts()
    for status in statuses:
        page = yield from count(spec, state, copy, status)
        if page is not None and not state.hidden and found.shows_too_few(page):
            page = yield from count(spec, state, copy, status)  # it may tell late of what went
        if page is not None:
            found.note_rows(page)
            found.began = found.began or page.asked_at
        if page is None or page.total is None:
            found.uncounted.append(status)
            if len(found.uncounted) > trusting and not found.counts:
                return found  # the filter is not honoured at all
            continue
        found.counts[status] = page.total
    return found


def statuses_in_order(spec: ListSpec, copy: LocalCopy) -> list[str]:
    """Return every status that a row has or may come into, in the order of passing."""
    order = spec.statuses
    known = {status for status in copy.statuses(spec) if status is not None}
    taken = {order.ranks.get(status) for status in known}
    # Of two spellings of one step, the one that the list uses is asked for.
    common = {status for status in order.common if order.ranks[status] not in taken}
    return sorted(known | common, key=lambda status: (order.rank(status, order.last), status))
