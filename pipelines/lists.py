"""The API's lists, each described once: what a row is, where it stands, and how it changes.

The sync, the client, what follows people, Dagster and the tests read this; no code asks for a list
by its name. Which files a new one takes is in ``docs/architecture.md``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from pipelines.source.schema import (
    ORDER_AMOUNT_HISTORY,
    ORDER_HISTORY,
    ORDERS,
    SESSIONS,
    WEBHOOK_LOG_HISTORY,
    WEBHOOK_LOGS,
    Table,
)
from pipelines.source.shapes import SHAPES, Shape

#: The API gives at most 100 rows a page (G); a server that clamps lower is followed.
PAGE_SIZE = 100


@dataclass(frozen=True)
class StatusOrder:
    """A list's statuses, in the order in which its rows pass through them.

    ``ranks``: a row only ever moves to a higher one; words of one rank are spellings of one step.
    ``terminal``: a row stays there. ``common``: asked for although no row was seen in it yet.
    ``time_columns``: the row's own time of having come into a status.
    """

    ranks: Mapping[str, int]
    terminal: frozenset[str]
    common: frozenset[str]
    time_columns: Mapping[str, str] = field(default_factory=dict)

    def rank(self, status: str | None, unknown: int) -> int:
        """Return the rank of a status; ``unknown`` for one that no text of the API has."""
        return self.ranks.get(status or "", unknown)

    @property
    def last(self) -> int:
        """A rank behind all others."""
        return max(self.ranks.values(), default=0) + 1


@dataclass(frozen=True)
class Recheck:
    """Rows that change by themselves for a while, and by hand afterwards.

    ``after``: minutes after the row was made at which it may change; ``unsettled``: the statuses in
    which it still may; ``by_hand``: the status that somebody may move, looked at again every
    ``staleness`` as long as the row is younger than ``at_most``.
    """

    after: tuple[int, ...]
    unsettled: frozenset[str]
    by_hand: str
    staleness: timedelta = timedelta(hours=6)
    at_most: timedelta = timedelta(days=7)


@dataclass(frozen=True)
class Feed:
    """Events in one list that tell where the rows of another have moved.

    ``events``: the list that holds them, with ``key`` the moved row's key and ``kind`` the event's
    type; ``statuses``: the status that an event leads to; ``paid``: the event whose status has two
    spellings, ``paid_words``.
    """

    events: str
    key: str
    kind: str
    statuses: Mapping[str, str]
    paid: str
    paid_words: tuple[str, ...]


@dataclass(frozen=True)
class ListSpec:
    """One list of the API.

    ``shape``: where its records hold the columns. ``paths``: by version of the API; one without
    has no such list. ``envelopes``: the names under which an answer may hold the rows.
    ``observed``: the columns whose change makes a row of the history; ``changed_at``: where the
    row itself says when it changed, most telling first (else by ``statuses.time_columns``).
    ``amounts``: where an amount is kept that the list does not show any more.
    ``is_retained_briefly``: the API drops old rows, and they stay in the warehouse.
    ``feed``: what tells of moved rows; ``recheck``: what is read again because time has passed.
    """

    table: Table
    history: Table
    shape: Shape
    paths: Mapping[str, str]
    envelopes: tuple[str, ...]
    statuses: StatusOrder
    observed: tuple[str, ...] = ("status",)
    changed_at: tuple[str, ...] = ()
    amounts: Table | None = None
    is_retained_briefly: bool = False
    recheck: Recheck | None = None
    feed: Feed | None = None

    @property
    def name(self) -> str:
        """The resource's name, which is the raw table's."""
        return self.table.name

    @property
    def key(self) -> str:
        """The column that tells rows apart."""
        return self.table.key[0]

    @property
    def words(self) -> str:
        """The rows' name in a sentence."""
        return self.name.replace("_", " ")

    @property
    def names_partner(self) -> bool:
        """Whether a path has the partner's id, so that a refusal may mean a wrong one."""
        return any("{partner_id}" in path for path in self.paths.values())


WEBHOOK_LOGS_LIST = ListSpec(
    table=WEBHOOK_LOGS,
    history=WEBHOOK_LOG_HISTORY,
    shape=SHAPES["webhook_logs"],
    paths={"1.0": "/api/v1/webhooks/logs", "1.1": "/api/v1/partners/webhook-logs"},
    envelopes=("logs", "webhook_logs", "webhookLogs"),
    statuses=StatusOrder(
        ranks={"pending": 0, "retrying": 1, "failed": 2, "sent": 3},
        terminal=frozenset({"sent", "failed"}),
        common=frozenset(),
    ),
    observed=("status", "attempts"),
    changed_at=("delivered_at", "last_attempt_at"),
    is_retained_briefly=True,
    # G: at once, then after 1, 5, 30 minutes and 2 hours; after that only by hand.
    recheck=Recheck(
        after=(0, 1, 6, 36, 156),
        unsettled=frozenset({"pending", "retrying"}),
        by_hand="failed",
    ),
)

ORDERS_LIST = ListSpec(
    table=ORDERS,
    history=ORDER_HISTORY,
    shape=SHAPES["orders"],
    paths={
        "1.0": "/api/v1/partners/{partner_id}/orders",
        "1.1": "/api/v1/partners/orders",
    },
    envelopes=("orders",),
    statuses=StatusOrder(
        ranks={
            **{"pending": 0, "created": 0, "paid": 1, "processing": 1, "shipped": 2},
            **{"delivered": 3, "cancelled": 4, "canceled": 4},
        },
        terminal=frozenset({"delivered", "cancelled", "canceled"}),
        common=frozenset({"pending", "processing", "shipped", "delivered", "cancelled"}),
        time_columns={
            "pending": "created_at",
            "created": "created_at",
            "paid": "paid_at",
            "processing": "paid_at",
            "shipped": "shipped_at",
            "delivered": "delivered_at",
            "cancelled": "cancelled_at",
            "canceled": "cancelled_at",
        },
    ),
    amounts=ORDER_AMOUNT_HISTORY,
    feed=Feed(
        events=WEBHOOK_LOGS.name,
        key="order_id",
        kind="event_type",
        statuses={
            "order.created": "pending",
            "order.shipped": "shipped",
            "order.delivered": "delivered",
            "order.cancelled": "cancelled",
        },
        paid="order.paid",
        paid_words=("processing", "paid"),
    ),
)

#: Read in this order: logs tell where orders have moved.
LISTS: tuple[ListSpec, ...] = (WEBHOOK_LOGS_LIST, ORDERS_LIST)
#: What has a certificate of its own: each list, and the partner's own of its sessions.
RESOURCES: tuple[str, ...] = (*(spec.name for spec in LISTS), SESSIONS.name)


def lists_of(version: str, lists: Iterable[ListSpec] | None = None) -> list[ListSpec]:
    """Return those of the lists, of all if none are given, that a version of the API has."""
    return [spec for spec in (LISTS if lists is None else lists) if version in spec.paths]
