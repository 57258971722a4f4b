"""A list's young end, read back to what was read of it before; and its old end, where rows go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipelines.destinations.where import where
from pipelines.lists import PAGE_SIZE, ListSpec
from pipelines.sync.copy import LocalCopy
from pipelines.sync.position import ScanPosition
from pipelines.sync.protocol import ListPage, PageRequest, Strategy
from pipelines.sync.scan import ScanResult, full_scan
from pipelines.sync.state import ListState

#: How far before the known end an oldest-first list's young end is read again, in rows.
TAIL = 10
#: How far two estimates of the server's clock may lie apart: a `Date` has whole seconds.
CLOCK_SLACK = timedelta(seconds=2)
#: The old end is near where `total` says, or `total` is wrong: so many pages tell.
_OLD_END_PAGES = 5


@dataclass(frozen=True)
class HeadResult:
    """The last page of the young end, and until when the end is now contiguous; None: as before.

    ``began``: when the first of its pages was asked for, also of those that did not reach back.
    """

    last: ListPage
    began: datetime
    contiguous_since: datetime | None


def head(
    spec: ListSpec, state: ListState, copy: LocalCopy, total: int | None
) -> Strategy[HeadResult | None]:
    """Read the young end; ``total`` is the list's length as far as it is known.

    None when it does not join what is known: the list's order is not what it was.
    """
    newest_first = state.order == "newest_first"
    start, step = 0, PAGE_SIZE
    if not newest_first:
        length = copy.count(spec, where(spec, since=state.retention_cutoff))
        start = max(min(length, length if total is None else total) - TAIL, 0)
    reaches_back = _reaches_back(state)
    began: datetime | None = None
    while True:
        first = yield PageRequest(spec, start, "head")
        began = began or first.asked_at
        if newest_first or not start or reaches_back(first):
            break
        # Rows have left the list: the young end stands further to the front.
        length = start if first.total is None else first.total
        start, step = max(min(start, length) - step, 0), 2 * step
    result = yield from full_scan(
        spec,
        ScanPosition(offset=start),
        purpose="head",
        until=lambda page: newest_first and reaches_back(page),
        stop_at_total=True,
        given=first,
    )
    return _joined(state, result, reaches_back, began)


def _reaches_back(state: ListState) -> Callable[[ListPage], bool]:
    """Return whether a page holds a row from before the last look at the young end."""
    marks = [state.contiguous_since] if state.contiguous_since else []
    if state.high_water_mark:
        marks.append(state.high_water_mark - CLOCK_SLACK)
    limit = max(marks, default=None)
    return lambda page: limit is not None and any(at <= limit for at in page.times)


def _joined(
    state: ListState,
    result: ScanResult,
    reaches_back: Callable[[ListPage], bool],
    began: datetime,
) -> HeadResult | None:
    at, first, last = result.position, result.first, result.last
    if result.lost_because or at.is_mixed or at.order not in (state.order, "unknown"):
        return None
    if first is None or last is None:
        return None
    since = None
    if state.order == "oldest_first":
        since = max(last.times, default=None)
    elif reaches_back(last) or (last.offset > 0 and last.end == last.total):
        since = first.asked_at - CLOCK_SLACK
    return HeadResult(last, began, since)


def old_end(spec: ListSpec, state: ListState, total: int) -> Strategy[datetime | None]:
    """Return when the oldest row was made that the API still lists; None: it cannot be told."""
    times: list[datetime] = []

    def note(page: ListPage) -> bool:
        times.extend(page.times)
        return state.order == "oldest_first"

    start = max(total - PAGE_SIZE // 2, 0) if state.order == "newest_first" else 0
    result = yield from full_scan(
        spec,
        ScanPosition(offset=start),
        purpose="old end",
        until=note,
        stop_at_total=True,
        at_most=_OLD_END_PAGES,
    )
    return min(times) if times and not result.lost_because else None
