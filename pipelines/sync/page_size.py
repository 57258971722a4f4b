"""How many rows to ask for at once, and where: learned, where the usual way does not work.

Answers of the usual size may be too large. And an API that turns offsets into page numbers answers
with the page that a place is on: asked for as many rows as divide the offset, it is exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pipelines.client.errors import AnswerTooLarge, ApiError
from pipelines.lists import PAGE_SIZE

#: After a fault of the server the next try is of so few rows that only one that is down fails. And
#: fewer may come twice by chance.
_CAUTIOUS = 10
#: Of more rows, a few fewer are hardly missed.
_MANY = 20
#: So few rows that cannot be had at once are asked for one by one.
FEW = 10
#: Answers in a row after which more rows are asked for again.
_TRUST_AFTER = 50


class PageSize:
    """The rows to ask for, of one list.

    ``paged_by``: rows of the pages that offsets round to. ``fewer``: so many rows fewer are asked
    for at the start: no cache then has the answer of the sync before.
    """

    def __init__(self, limit: int = PAGE_SIZE, paged_by: int | None = None, fewer: int = 0) -> None:
        self.limit = limit
        self.paged_by = paged_by
        self._fewer = fewer
        self.longest = 0
        self._last: tuple[str | None, int, Sequence[Any]] = (None, 0, ())
        self._answers = 0
        self._in_a_row = 0
        self._too_many: int | None = None
        #: What could not be had: of which status, from which offset on, and how many rows.
        self._faults: list[tuple[str | None, int, int]] = []

    def note_success(self) -> None:
        """Ask for more now and then, after answers in a row."""
        self._answers += 1
        self._in_a_row += 1
        more = min(2 * self.limit, PAGE_SIZE)
        may_be_had = self._too_many is None or more < self._too_many
        if self._in_a_row >= (3 if self._too_many else _TRUST_AFTER) and may_be_had:
            self.limit, self._in_a_row = more, 0

    def shrink(self, error: ApiError, status: str | None, offset: int) -> bool:
        """Ask for fewer rows where fewer may be had; tell whether to try.

        Where nothing was answered yet, one cautious try tells a large page from an API that is
        down.
        """
        too_large = isinstance(error, AnswerTooLarge) or error.status == 413
        is_down = not self._answers and self.limit <= _CAUTIOUS
        if not (too_large or (error.page_too_large and not is_down)):
            return False
        self._faults.append((status, offset, self.limit))
        self._too_many, self._in_a_row = self.limit, 0
        fewer = self.limit // 2 if too_large else min(self.limit // 2, _CAUTIOUS)
        self.limit = max(fewer, 1)
        return True

    def excuse(self, status: str | None, place: int) -> None:
        """Take the faults of answers that would have shown a place for that place's alone."""
        self._faults = [
            fault
            for fault in self._faults
            if fault[0] != status or not fault[1] <= place < fault[1] + fault[2]
        ]
        self._too_many = min((rows for _, _, rows in self._faults), default=None)
        self.limit = PAGE_SIZE if self._too_many is None else max(self._too_many // 2, 1)

    def window(self, offset: int) -> tuple[int, int]:
        """Return the offset and the rows to ask for, so that most rows come from a place on."""
        if offset == 0:
            return 0, self.limit if self.limit <= _MANY else self.limit - self._fewer
        if self.paged_by is None:
            return offset, self.limit
        most = min(self.limit, self.paged_by)
        rows = max(range(most, 0, -1), key=lambda rows: rows - offset % rows)
        return offset - offset % rows, rows

    def learn(self, status: str | None, offset: int, rows: Sequence[Any]) -> bool:
        """Note an answer; tell whether it is the page before, because its offset was rounded.

        Where that page comes again, asked for exactly, the API repeats it for another reason.
        """
        before, self._last = self._last, (status, offset, rows)
        self.longest = max(self.longest, len(rows))
        is_again = before[0] == status and offset > before[1] and rows == before[2]
        if is_again and len(rows) >= _CAUTIOUS:
            self.paged_by = self.longest if self.paged_by is None else None
            return self.paged_by is not None
        if self.paged_by is not None:  # a list that was short is cut into longer pages now
            self.paged_by = max(self.paged_by, self.longest)
        return False


def fewer(at: datetime) -> int:
    """Return how many rows fewer a sync asks for: not as many as those of the hour before."""
    return 1 + int(at.timestamp() // 60) % 11
