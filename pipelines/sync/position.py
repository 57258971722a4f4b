"""Where a full scan stands, so that a later sync can take it up."""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

Order = Literal["newest_first", "oldest_first", "unknown"]

#: The least page that any text of the API knows: a shorter one was not cut, unless the server has
#: been seen to do so.
SMALLEST_PAGE = 20

#: Rows that a page shows again of the one before it.
OVERLAP = 2


def step(longest_page: int) -> int:
    """Return by how many rows a page brings a scan on."""
    return max(longest_page - OVERLAP, 1)


@dataclass
class ScanPosition:
    """Where a full scan stands. Plain values, so that a later sync can take it up."""

    id: str = ""
    started_at: str = ""
    offset: int = 0
    #: Keys of the last page in order: the newest of them that a page holds is the place to go on.
    anchor: list[str] = field(default_factory=list)
    #: Where that page began and ended.
    page_offset: int = 0
    page_end: int = 0
    total: int | None = None
    first_total: int | None = None
    largest_total: int = 0
    #: More rows came than `total` says there are: it is not believed any more.
    total_is_wrong: bool = False
    #: So it was in an earlier scan, too.
    total_was_wrong: bool = False
    longest_page: int = 0
    #: The shortest page after which more rows came, and the length of the last one.
    smallest_cut: int = field(default_factory=lambda: SMALLEST_PAGE)
    last_page: int = field(default_factory=lambda: SMALLEST_PAGE)
    requests: int = 0
    restarts: int = 0
    idle: int = 0
    searches: int = 0
    #: While searching: an offset that lies before the lost place, and one that lies behind it.
    before: int | None = None
    behind: int | None = None
    last_made_at: str = ""
    falling: bool = True
    rising: bool = True
    #: Places whose records are no rows, and places that are counted and not shown.
    bad: int = 0
    hidden: int = 0
    #: Places of rows that stand in front of them in the same answer, too, and of all others.
    repeated: int = 0
    read: int = 0
    #: The offset of the page that is asked for again because it seemed to leave rows out, and how
    #: many.
    asked_again: int = -1
    #: How many rows pages brought; the page kept in mind that may come round, and how many then.
    brought: int = 0
    marked: list[str] = field(default_factory=list)
    marked_at: int = 0
    #: The scan goes on behind places that are hidden.
    jumping: bool = False
    suspected: int = 0
    #: Pages were joined by their offsets alone: they hold one row, and so no overlap.
    is_blind: bool = False
    #: Behind a ceiling on offsets: where the scan of each status stands; nothing: it has ended.
    by_status: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def order(self) -> Order:
        """How the rows stood."""
        if self.falling == self.rising:
            return "unknown"
        return "newest_first" if self.falling else "oldest_first"

    @property
    def is_mixed(self) -> bool:
        """Whether the rows were neither sorted the one way nor the other."""
        return not (self.falling or self.rising)

    @property
    def usable_total(self) -> int | None:
        """The list's length as the API last gave it; None where it turned out to be wrong."""
        return None if self.total_is_wrong or self.total_was_wrong else self.total

    def begin_anew(self) -> None:
        """Forget the place and what was read, and keep what is known of the list and its cost."""
        anew = ScanPosition(
            uuid.uuid4().hex,
            requests=self.requests,
            restarts=self.restarts + 1,
            longest_page=self.longest_page,
            largest_total=self.largest_total,
            total_is_wrong=self.total_is_wrong,
            total_was_wrong=self.total_was_wrong,
        )
        vars(self).update(vars(anew))

    def copy(self) -> ScanPosition:
        """Return the position as it is now."""
        return replace(self, anchor=list(self.anchor), by_status=dict(self.by_status))

    def of_status(self, status: str) -> ScanPosition | None:
        """Return where the scan of a status begins or goes on; None: it has ended."""
        kept = self.by_status.get(status)
        return None if kept == {} else ScanPosition(**kept or {})

    def reading(self, status: str, at: ScanPosition) -> ScanPosition:
        """Return the position of a scan that has come so far in a status."""
        return replace(self.copy(), by_status=self.by_status | {status: asdict(at)})
