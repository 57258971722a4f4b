"""The rows of the small world's lists, and how its API is set."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from pipelines.lists import ORDERS_LIST, WEBHOOK_LOGS_LIST, ListSpec, StatusOrder

Sort = Literal["newest_first", "oldest_first", "unsorted"]
Total = Literal["right", "late", "behind", "missing"]
#: What happens, and to which row or place.
Event = tuple[str, int]

#: What befalls an answer; all else befalls the lists.
LIES = ("hide", "twice")

CLAMP = 2
START = datetime(2026, 6, 1, 12, tzinfo=UTC).timestamp()

STEPS = ("pending", "paid", "shipped")
STATUSES = StatusOrder(
    ranks={word: rank for rank, word in enumerate(STEPS)},
    terminal=frozenset({"shipped"}),
    common=frozenset(STEPS),
)
ALONE = replace(ORDERS_LIST, statuses=STATUSES, feed=None)
_FEED = ORDERS_LIST.feed and replace(ORDERS_LIST.feed, paid_words=("paid",))
FED = (WEBHOOK_LOGS_LIST, replace(ORDERS_LIST, statuses=STATUSES, feed=_FEED))
KINDS = {"pending": "order.created", "paid": "order.paid", "shipped": "order.shipped"}


@dataclass(frozen=True)
class Setting:
    """How the API is.

    ``total`` is late where it is that of the request before, and behind where it is one too few.
    ``flush``: every page is loaded at once, and so a kill loses none; else it loses all that the
    sync had read. ``feed``: logs tell of what comes and moves.
    """

    rows: int
    sort: Sort
    total: Total
    flush: bool = True
    feed: bool = False

    @property
    def specs(self) -> tuple[ListSpec, ...]:
        """The lists that there are."""
        return FED if self.feed else (ALONE,)


@dataclass
class Order:
    """An order: when it came, and when it moved on to each status."""

    number: int
    created_at: float
    came_at: float
    moves: list[tuple[float, str]]

    @property
    def key(self) -> str:
        """The row's key."""
        return f"o{self.number}"

    @property
    def status(self) -> str:
        """The row's present status."""
        return self.moves[-1][1]

    @property
    def record(self) -> dict[str, Any]:
        """What an answer holds of the row."""
        return {"order_id": self.key, "created_at": self.created_at, "status": self.status}

    def rank_at(self, moment: float) -> int:
        """Return the rank of the status that the row had."""
        return STATUSES.ranks[[status for at, status in self.moves if at <= moment][-1]]

    def copy(self) -> Order:
        """Return the row as it is now."""
        return replace(self, moves=[*self.moves])


@dataclass(frozen=True)
class Log:
    """A delivery that tells of an order's step. It was taken at once, and so never changes."""

    number: int
    created_at: float
    order: str
    kind: str
    status: str = "sent"

    @property
    def came_at(self) -> float:
        """When the row came."""
        return self.created_at

    @property
    def key(self) -> str:
        """The row's key."""
        return f"l{self.number}"

    @property
    def record(self) -> dict[str, Any]:
        """What an answer holds of the row."""
        told = {"order_id": self.order, "event_type": self.kind, "status": self.status}
        return {"webhook_log_id": self.key, "created_at": self.created_at, **told}

    def rank_at(self, moment: float) -> int:
        """Return the rank of the one status that there is."""
        del moment
        return WEBHOOK_LOGS_LIST.statuses.ranks[self.status]


Item = Order | Log
