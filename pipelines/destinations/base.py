"""What the sync asks of a warehouse, and the one way to add to it.

Rows and the sync's state travel in one package, and the state is read back from the destination at
the start of each sync. So a process may be killed between any two steps, and the next one, on this
machine or another, goes on from the last package that was loaded whole.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Protocol

from pipelines.destinations.batches import Batch
from pipelines.destinations.where import ALL, JsonObject, Place, Row, Where
from pipelines.source.schema import Table
from pipelines.warehouse.project import RAW_SCHEMA

DATASET = RAW_SCHEMA


class Reading(Protocol):
    """The questions. JSON comes back as text, times in UTC; a table never loaded has no rows."""

    def count(self, table: Table, condition: Where = ALL) -> int:
        """Count the rows."""

    def statuses(self, table: Table, condition: Where = ALL) -> dict[str | None, tuple[int, Any]]:
        """Return by status how many rows there are, and the latest look at one of them."""

    def select(
        self,
        table: Table,
        columns: Collection[str],
        condition: Where = ALL,
        *,
        at_most: int | None = None,
    ) -> list[Row]:
        """Return columns of the rows; with ``at_most``, of those least recently seen."""

    def by_key(self, table: Table, keys: Collection[str], columns: Collection[str]) -> list[Row]:
        """Return columns of the rows with the keys, deleted ones too."""

    def places(
        self,
        table: Table,
        made: tuple[str, ...],
        keys: Collection[str],
        since: datetime | None,
    ) -> dict[str, Place]:
        """Return where rows stand among those made since a time, by key."""

    def oldest(
        self, table: Table, made: tuple[str, ...], condition: Where = ALL
    ) -> datetime | None:
        """Return when that of the rows was made that was made first; None: no row says when."""

    def filled(self, table: Table, columns: Collection[str], condition: Where) -> set[str]:
        """Return the columns that any of the rows fills."""

    def without_history(
        self, table: Table, history: Table, seen_since: datetime | None
    ) -> list[str]:
        """Return the keys of rows whose present state the history lacks."""


class Destination(Reading, Protocol):
    """A warehouse that is open for one sync."""

    @property
    def state(self) -> JsonObject:
        """What the last whole package left."""

    def load(self, rows: Mapping[Table, Batch], state: JsonObject) -> None:
        """Merge the rows by key, table by table, and note the state last."""

    def recent_requests(self, since: datetime) -> list[tuple[datetime, int]]:
        """Return when syncs ended since a time, and how many requests each had made."""

    def withdrawn(self) -> set[str]:
        """Return the resources that rest on a certificate which somebody has taken back.

        A list does until a full scan proves it by itself, sessions until the ledger is read whole.
        """

    def counted(self, table: Table) -> dict[str | None, int]:
        """Count the rows by status where readers find them: a local copy's are no proof."""

    def release(self) -> None:
        """Let others read until the next question or load."""
