"""The two lists as the API serves them: which rows are in them, in which order, and how many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from pipelines.sandbox import ids
from pipelines.sandbox.columns import Columns
from pipelines.sandbox.options import ATTEMPTS_AFTER, RECEIVER_TIMEOUT
from pipelines.sandbox.state import deliveries, forced_status, order_codes, order_statuses
from pipelines.sandbox.times import NEVER, Array
from pipelines.sandbox.webhooks import EVENTS, LOG_STATUSES
from pipelines.sandbox.world import World

Sort = Literal["newest_first", "oldest_first", "unsorted", "shuffled"]

#: After so long, only a delivery by hand changes a log row.
_SETTLED: Final = ATTEMPTS_AFTER[-1] + RECEIVER_TIMEOUT
_UNSORTED_KEY: Final = 0x0A11_0009


@dataclass(frozen=True)
class Page:
    """Row numbers of one page, and the sizes of the list with and without its filters."""

    rows: Array
    matching: int
    all_rows: int


class _Index:
    """The rows of a table that are not deleted, oldest first; good for one revision."""

    def __init__(self, columns: Columns) -> None:
        alive = np.flatnonzero((columns["deleted"] == NEVER) & (columns["created"] != NEVER))
        self.rows = alive[np.argsort(columns["created"][alive], kind="stable")]
        self.created = columns["created"][self.rows]

    def visible(self, at: int) -> Array:
        """Return the rows that exist at that time."""
        return self.rows[: int(np.searchsorted(self.created, at, side="right"))]


class Listing:
    """One list. ``rows_where`` finds the rows that filters leave, oldest first."""

    def __init__(self, world: World, columns: Columns) -> None:
        self.world = world
        self.columns = columns
        self._revision = -1
        self._index = _Index(columns)
        self._whole = ((-1, 0), self._index.rows)
        self._last: tuple[tuple[object, ...], Array] = ((), self._index.rows)
        self._shuffles = np.random.default_rng([world.options.seed, 4])

    def page(
        self, at: int, filters: Mapping[str, str], sort: Sort, offset: int, limit: int
    ) -> Page:
        """Return one page of the list as it is at that time."""
        rows = self.index.visible(at)
        matching = self._matching(rows, at, filters) if filters else rows
        return Page(self._cut(matching, rows, sort, offset, limit), len(matching), len(rows))

    def rows_where(self, rows: Array, at: int, filters: Mapping[str, str]) -> Array:
        """Return those of the visible rows that all filters let through."""
        raise NotImplementedError

    @property
    def index(self) -> _Index:
        """The index of the world as it is now."""
        if self._revision != self.world.revision:
            self._index = _Index(self.columns)
            self._revision = self.world.revision
        return self._index

    def _cut(self, rows: Array, visible: Array, sort: Sort, offset: int, limit: int) -> Array:
        if sort == "newest_first":
            end = max(len(rows) - offset, 0)
            return rows[max(end - limit, 0) : end][::-1]
        if sort == "unsorted":
            rows = self._scattered(rows, is_whole=rows is visible)
        elif sort == "shuffled":
            rows = self._shuffles.permutation(rows)
        return rows[offset : offset + limit]

    def _matching(self, rows: Array, at: int, filters: Mapping[str, str]) -> Array:
        """Return the rows that the filters leave; those of the last page's filters are kept."""
        # Only a status changes while no row is added.
        moment = at if "status" in filters else len(rows)
        key = (self._revision, moment, *sorted(filters.items()), self.world.paid_status)
        if self._last[0] != key:
            self._last = (key, self.rows_where(rows, at, filters))
        return self._last[1]

    def _scattered(self, rows: Array, *, is_whole: bool) -> Array:
        """Return the rows in a stable order that tells nothing; the whole list's is kept."""
        if is_whole and self._whole[0] == (self._revision, len(rows)):
            return self._whole[1]
        scattered = rows[np.argsort(ids.mix(self.columns["serial"][rows], _UNSORTED_KEY))]
        if is_whole:
            self._whole = ((self._revision, len(rows)), scattered)
        return scattered


class OrderListing(Listing):
    """The list of orders."""

    def __init__(self, world: World) -> None:
        super().__init__(world, world.orders)

    def rows_where(self, rows: Array, at: int, filters: Mapping[str, str]) -> Array:
        """Return the rows with that status."""
        status = filters["status"]
        names = order_statuses(self.world.paid_status)
        wanted = names.index(status) if status in names else -1
        match: Array = order_codes(self.columns, rows, at) == wanted
        for row in self.world.forced:
            forced = forced_status(self.world, row, at)
            if forced is not None:
                match[rows == row] = forced == status
        return rows[match]


class LogListing(Listing):
    """The list of webhook logs.

    Most rows are settled: their status is computed once for each revision of the world.
    """

    def __init__(self, world: World) -> None:
        super().__init__(world, world.logs)
        self._settled_revision = -1
        self._settled = np.zeros(0, dtype=np.int8)

    def rows_where(self, rows: Array, at: int, filters: Mapping[str, str]) -> Array:
        """Return the rows with that status, event and session."""
        match = np.ones(len(rows), dtype=bool)
        if "status" in filters:
            status = filters["status"]
            wanted = LOG_STATUSES.index(status) if status in LOG_STATUSES else -1
            match &= self._statuses(rows, at) == wanted
        for name in filters.keys() & {"event", "event_type"}:
            event = filters[name].removeprefix("order.")
            wanted = EVENTS.index(event) if event in EVENTS else -1
            match &= self.columns["event"][rows] == wanted
        if "session_id" in filters:
            match &= self._sessions(rows) == self._session_row(filters["session_id"])
        return rows[match]

    def _statuses(self, rows: Array, at: int) -> Array:
        """Return the status codes of the visible rows."""
        first_open = int(np.searchsorted(self.index.created, at - _SETTLED))
        fresh = deliveries(self.world, rows[first_open:], at).status
        return np.concatenate([self._settled_statuses()[:first_open], fresh])

    def _settled_statuses(self) -> Array:
        index = self.index
        if self._settled_revision != self._revision:
            self._settled = deliveries(self.world, index.rows, NEVER - 1).status
            self._settled_revision = self._revision
        return self._settled

    def _sessions(self, rows: Array) -> Array:
        return self.world.orders["session"][self.columns["order"][rows]]

    def _session_row(self, session_id: str) -> int:
        serial = ids.SESSION.serial(session_id)
        row = None if serial is None else self.world.sessions.row_of(serial)
        return -1 if row is None else row
