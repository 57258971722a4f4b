"""What a scan notes of its pages: the list's length and order, and the places that it has read."""

from __future__ import annotations

from itertools import pairwise

from pipelines.sync.position import ScanPosition
from pipelines.sync.protocol import ListPage

#: So many pages lie between a page and itself, where it was not the list that moved.
FAR = 5


def note_answer(at: ScanPosition, page: ListPage) -> int:
    """Note what the answer says of the list; return by how much its total has grown."""
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


def note_hidden(at: ScanPosition, page: ListPage) -> None:
    """Take a page that shows the same rows again for one that leaves places out for good."""
    if at.suspected and page.keys == at.anchor:
        at.hidden += at.suspected
    at.suspected = 0


def count_places(at: ScanPosition, page: ListPage, place: int, moved: int) -> None:
    """Count new places of records without a key: by place, for their content may change.

    And those of rows that the same answer shows in front of them, of the same time and status:
    no other row stands there.
    """
    first = max(place, at.page_end + moved - page.offset) if at.anchor else 0
    at.bad += sum(row.is_bad for row in page.rows[first:])
    before = set(page.rows[:first])
    for row in page.rows[first:]:
        if not row.is_bad:
            again = row in before and row.made_at is not None
            at.repeated += again
            at.read += not again
            before.add(row)


def note_page(at: ScanPosition, page: ListPage, place: int) -> bool:
    """Make the page the last one read; tell whether it brought rows or was to come again."""
    at.searches, at.before, at.behind, at.jumping = 0, None, None, False
    is_again = at.asked_again == page.offset == at.page_offset
    # A page that begins as the last one did is that page again, however long it is now.
    brought_some = place < len(page.rows) and page.keys[:1] != at.anchor[:1]
    if brought_some:
        at.smallest_cut = min(at.smallest_cut, at.last_page)
        at.brought += len(page.rows) - place
    at.last_page = len(page.rows)
    at.idle = 0 if brought_some or is_again else at.idle + 1
    _note_order(at, page)
    at.anchor, at.page_offset, at.page_end = page.keys, page.offset, page.end
    return brought_some or is_again


def goes_round(at: ScanPosition, page: ListPage) -> bool:
    """Tell whether a page shows rows again that were read long before: no order brings them back.

    Where the list moves by more than a page at once, rows are met again that were read just before.
    One page is kept in mind, and a later one when twice as many rows have come.
    """
    again = len(set(at.marked).intersection(page.keys))
    if at.brought - at.marked_at > FAR * at.longest_page and 2 * again >= len(at.marked):
        return True
    if at.brought > 2 * at.marked_at:
        at.marked, at.marked_at = page.keys, at.brought
    return False


def _note_order(at: ScanPosition, page: ListPage) -> None:
    """Note how the page is sorted; between pages, the overlap repeats some rows."""
    times = page.times
    for earlier, later in pairwise(times):
        at.falling = at.falling and later <= earlier
        at.rising = at.rising and later >= earlier
    if times:
        at.last_made_at = times[-1].isoformat()
