"""Where a page stands in a scan: where its unread rows begin, and what it leaves out."""

from __future__ import annotations

from pipelines.sync.position import ScanPosition
from pipelines.sync.protocol import ListPage


def find_place(at: ScanPosition, page: ListPage) -> tuple[int | None, int]:
    """Return where in the page the unread rows begin, and by how much rows have moved back.

    None where the page does not hold the last rows read.
    """
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


def leaves_rows_out(at: ScanPosition, moved: int, grown: int) -> bool:
    """Tell whether the last page seems to have left rows out, and is to be asked for again."""
    is_settled = at.searches or not at.anchor or at.asked_again == at.page_offset
    return at.usable_total is not None and not is_settled and moved > max(grown, 0)


def is_behind_hidden(at: ScanPosition, page: ListPage, grown: int) -> bool:
    """Tell whether the page goes on behind places that are counted and not shown."""
    return at.jumping and bool(page.rows) and not grown and page.offset >= at.page_end


def is_next(at: ScanPosition, page: ListPage, grown: int) -> bool:
    """Tell whether a page of one row follows the last one: it has no room for an overlap."""
    is_single = at.longest_page == 1 and bool(page.rows)
    return is_single and not grown and page.offset == at.page_end


def promises_more(at: ScanPosition, page: ListPage) -> bool:
    """Tell whether the list is longer than what was read of it, by its total."""
    return at.usable_total is not None and page.end < at.usable_total
