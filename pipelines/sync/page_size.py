"""How many rows to ask for at once: learned, where answers of the usual size cannot be had."""

from __future__ import annotations

from pipelines.client.errors import AnswerTooLarge, ApiError
from pipelines.lists import PAGE_SIZE

#: After a fault of the server the next try is of so few rows that only one that is down fails.
_CAUTIOUS = 10
#: Answers in a row after which more rows are asked for again.
_TRUST_AFTER = 50


class PageSize:
    """The rows to ask for, of one list."""

    def __init__(self, limit: int = PAGE_SIZE) -> None:
        self.limit = limit
        self._answers = 0
        self._in_a_row = 0
        self._too_many: int | None = None

    def note_success(self) -> None:
        """Ask for more now and then, after answers in a row."""
        self._answers += 1
        self._in_a_row += 1
        more = min(2 * self.limit, PAGE_SIZE)
        may_be_had = self._too_many is None or more < self._too_many
        if self._in_a_row >= (3 if self._too_many else _TRUST_AFTER) and may_be_had:
            self.limit, self._in_a_row = more, 0

    def shrink(self, error: ApiError) -> bool:
        """Ask for fewer rows where fewer may be had; tell whether to try. 0: not even one can.

        Where nothing was answered yet, one cautious try tells a large page from an API that is
        down.
        """
        too_large = isinstance(error, AnswerTooLarge) or error.status == 413
        is_down = not self._answers and self.limit <= _CAUTIOUS
        if not (too_large or (error.page_too_large and not is_down)):
            return False
        self._too_many, self._in_a_row = self.limit, 0
        self.limit //= 2 if too_large else _CAUTIOUS
        return True
