"""What is known now, as strategies read it: the stored rows, and over them those that wait.

No question returns rows in proportion to the whole list: places are counted where the rows are.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Protocol

from pipelines.destinations.where import ALL, Place, Row, Where
from pipelines.lists import ListSpec


class LocalCopy(Protocol):
    """The rows of the lists, as they will be after the next load; read-only."""

    def count(self, spec: ListSpec, condition: Where = ALL) -> int:
        """Count the rows."""

    def statuses(self, spec: ListSpec) -> dict[str | None, int]:
        """Count the rows by status."""

    def select(self, spec: ListSpec, condition: Where, *, at_most: int | None = None) -> list[Row]:
        """Return key, status, times, origin and last look of the rows."""

    def oldest_look(self, spec: ListSpec, condition: Where) -> datetime | None:
        """Return when that row was seen which was not seen for longest."""

    def oldest(self, spec: ListSpec, condition: Where) -> datetime | None:
        """Return when that of the rows was made that was made first; None: no row says when."""

    def rows(self, spec: ListSpec, keys: Collection[str]) -> dict[str, Row]:
        """Return whole rows by key; deleted ones too."""

    def places(
        self, spec: ListSpec, keys: Collection[str], since: datetime | None
    ) -> dict[str, Place]:
        """Return where rows stand among those made since a time, by key; undated ones nowhere."""

    def filled(self, spec: ListSpec, columns: tuple[str, ...]) -> frozenset[str]:
        """Return the columns that the list itself ever fills."""

    def latest_look(self, spec: ListSpec, statuses: tuple[str, ...]) -> str | None:
        """Return the one of the statuses in which the list last showed a row."""

    def events(self, spec: ListSpec, since: datetime, columns: Collection[str] = ()) -> list[Row]:
        """Return the events of other rows that happened since a time, the earliest first.

        With ``columns`` they have those and their times alone.
        """

    def bad(self, spec: ListSpec, since: datetime | None) -> Mapping[str | None, int]:
        """Count by status the records met since a time that have a key and are no stored row."""
