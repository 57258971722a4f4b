"""What a strategy says and hears: it yields the page that it wants and is sent that page, parsed.

Strategies know neither the network nor the clock nor a database. The driver does all I/O and obeys
these rules:

1. A strategy gets its pages in the order in which it asked. Of the offsets that it would like next
   (``ahead``) the driver may ask some early; one that is not asked for next is dropped.
2. Full scans alone look ahead; counts, the head that follows them and single looks never do.
3. The as-of time of evidence is the earliest ``asked_at`` of the pages that it rests on.
4. Of two observations of a row the one that was asked later counts.
5. A fault that an early page met is forgotten: the page is asked for again in its turn.
6. Rows that a list shows while it is scanned are stamped with that scan.
7. A flush stores the ``resume`` of the request that is pending, and rows of handed-over pages only.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from pipelines.lists import ListSpec
from pipelines.sync.position import ScanPosition


@dataclass(frozen=True, slots=True)
class ListRow:
    """One place in a list. ``is_bad``: the record is no row, and ``key`` stands for it alone."""

    key: str
    made_at: datetime | None
    status: str | None = None
    is_bad: bool = False


@dataclass(frozen=True, slots=True)
class ListPage:
    """One answer of a list. ``asked_at`` is the request's time on the server's clock."""

    offset: int
    rows: Sequence[ListRow]
    total: int | None
    asked_at: datetime
    #: Whether no answer came: the one row stands for a place that cannot be read.
    is_unread: bool = False

    @property
    def keys(self) -> list[str]:
        """The keys in the order of the answer."""
        return [row.key for row in self.rows]

    @property
    def times(self) -> list[datetime]:
        """When the rows were made, as far as they say."""
        return [row.made_at for row in self.rows if row.made_at]

    @property
    def end(self) -> int:
        """The place after the last row that came."""
        return self.offset + len(self.rows)


def joined(pages: Sequence[ListPage]) -> ListPage:
    """Make one page of those of several places, one behind the other, and of one moment."""
    if len(pages) == 1:
        return pages[0]
    read = [page for page in pages if not page.is_unread] or pages
    rows = [row for page in pages for row in page.rows]
    asked_at = min(page.asked_at for page in read)
    return ListPage(pages[0].offset, rows, read[-1].total, asked_at)


@dataclass(frozen=True, slots=True)
class PageRequest:
    """The page that a strategy wants. ``purpose`` is what the certificate counts it under.

    ``resume``: what a later sync needs to go on from this request.
    """

    spec: ListSpec
    offset: int
    purpose: str
    status: str | None = None
    ahead: tuple[int, ...] = ()
    resume: ScanPosition | None = None


class RequestRefused(Exception):  # noqa: N818 - it is the API's answer, not a fault
    """The API does not take the request as it was asked: a filter, or an offset that far."""


R = TypeVar("R")
Strategy = Generator[PageRequest, ListPage, R]
