"""Where a scan looks for the last row read, once a page does not hold it."""

from __future__ import annotations

from datetime import datetime

from pipelines.sync.position import ScanPosition, step
from pipelines.sync.protocol import ListPage

#: Looks in a row for the lost place, enough to halve any list; then the scan begins anew.
SEARCHES = 40


def next_look(at: ScanPosition, page: ListPage, grown: int) -> int | None:
    """Return the offset to look at: where the total says, else where the rows' times say.

    None where there is nowhere left to look. What the page shows of the place is noted.
    """
    at.searches += 1
    reach = step(at.longest_page) * 2 ** (at.searches - 1)
    if grown and at.searches == 1:
        return max(at.offset + grown, 0)
    if _stands_before(at, page):
        at.before = at.offset
        aim = at.offset + reach
    else:
        at.behind = at.offset
        aim = max(at.offset - reach, 0)
    if at.before is not None and at.behind is not None:
        aim = (at.before + at.behind) // 2
    return None if aim == at.offset or at.searches > SEARCHES else aim


def _stands_before(at: ScanPosition, page: ListPage) -> bool:
    """Tell whether the page stands before the last row read, as far as the times show it."""
    first = next(iter(page.times), None)
    if first is None or not at.last_made_at or at.order == "unknown":
        return False
    is_newer = first > datetime.fromisoformat(at.last_made_at)
    return is_newer == at.falling
