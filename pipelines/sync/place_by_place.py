"""Few places of a list, each asked for alone: so the one is found that no answer can hold.

They are asked for twice, one after the other. Where both times tell the same, all of it was there
at the moment between: what is put together of it is as good as one answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from pipelines.client import Page
from pipelines.client.errors import ApiError
from pipelines.sync.position import OVERLAP
from pipelines.sync.protocol import PageRequest

#: An answer, or why there is none.
Found = Page | ApiError
#: Asks for one place; raises what is no matter of the place.
Ask = Callable[[PageRequest], Found]
#: Of so many places in a row that cannot be read, each says the same: nothing behind can be.
_IN_A_ROW = 3
#: So often a list may move meanwhile; then it is too quick for this.
_TRIES = 4


@dataclass(frozen=True, slots=True)
class Part:
    """What was asked for, and what came of it."""

    request: PageRequest
    found: Found

    @property
    def is_bad(self) -> bool:
        """Whether the place cannot be read."""
        return isinstance(self.found, ApiError)

    @property
    def is_end(self) -> bool:
        """Whether the place lies behind the list's end."""
        return isinstance(self.found, Page) and not self.found.rows

    def says_as(self, other: Part) -> bool:
        """Tell whether another look at the place says the same."""
        if isinstance(self.found, Page) and isinstance(other.found, Page):
            return self.found.rows == other.found.rows
        return self.is_bad and other.is_bad


class NothingBehindError(Exception):
    """Places cannot be read, one after the other: it is no matter of one."""


class NotAloneError(Exception):
    """The API does not answer with one row where one was asked for."""


def place_by_place(request: PageRequest, rows: int, ask: Ask) -> list[Part] | None:
    """Return at least ``rows`` places from the request's offset on; None: the list moves too fast.

    Raises:
        NothingBehindError: more places than one cannot be read, and none behind them.
        NotAloneError: places cannot be asked for alone.
    """
    before = _look(request, rows, ask)
    for _ in range(_TRIES):
        after = _look(request, rows, ask)
        same = len(before) == len(after) and all(map(Part.says_as, before, after))
        totals = {part.found.total for part in before if isinstance(part.found, Page)}
        if same and len(totals) == 1:  # a cache may have told the same twice
            return before
        before = after
    return None


def _look(request: PageRequest, rows: int, ask: Ask) -> list[Part]:
    """Ask until the last two places, which the next page is to show again, can be read."""
    parts = list[Part]()
    while len(parts) < rows or any(part.is_bad for part in parts[-OVERLAP:]):
        alone = replace(request, offset=request.offset + len(parts), ahead=())
        part = Part(alone, ask(alone))
        parts.append(part)
        if isinstance(part.found, Page) and len(part.found.rows) > 1:
            raise NotAloneError
        if part.is_end:
            break
        if len(parts) >= _IN_A_ROW and all(part.is_bad for part in parts[-_IN_A_ROW:]):
            raise NothingBehindError
    return parts
