"""A warehouse of dictionaries, and the reading of records that are rows already."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from pipelines.clock import utc
from pipelines.destinations.where import (
    ALL,
    Bound,
    JsonObject,
    Place,
    Row,
    Where,
    first_of,
    matches,
)
from pipelines.source.parse import Parsed
from pipelines.source.schema import ORDERS, TABLES, WEBHOOK_LOGS, Table

_TABLES = {table.name: table for table in TABLES}
_EMPTY = {
    table.name: dict.fromkeys(column.name for column in table.columns)
    for table in (ORDERS, WEBHOOK_LOGS)
}


class Memory:
    """A warehouse of dictionaries."""

    def __init__(self) -> None:
        self.state: JsonObject = {}
        self.tables: dict[str, dict[tuple[Any, ...], Row]] = {name: {} for name in _TABLES}

    def _rows(self, table: Table, condition: Where = ALL) -> list[Row]:
        return [row for row in self.tables[table.name].values() if matches(row, condition)]

    def count(self, table: Table, condition: Where = ALL) -> int:
        """Count the rows."""
        return len(self._rows(table, condition))

    def counted(self, table: Table) -> dict[str | None, int]:
        """Count the rows by status."""
        return {status: number for status, (number, _) in self.statuses(table).items()}

    def statuses(self, table: Table, condition: Where = ALL) -> dict[str | None, tuple[int, Any]]:
        """Return by status how many rows there are, and the latest look at one of them."""
        found: dict[str | None, tuple[int, Any]] = {}
        for row in self._rows(table, condition):
            number, seen = found.get(row["status"], (0, row["_seen_at"]))
            found[row["status"]] = (number + 1, max(seen, row["_seen_at"]))
        return found

    def select(
        self,
        table: Table,
        columns: Collection[str],
        condition: Where = ALL,
        *,
        at_most: int | None = None,
    ) -> list[Row]:
        """Return columns of the rows, the least recently seen first."""
        rows = self._rows(table, condition)
        if at_most is not None:
            rows = sorted(rows, key=lambda row: row["_seen_at"])[:at_most]
        return [{name: row.get(name) for name in columns} for row in rows]

    def by_key(self, table: Table, keys: Collection[str], columns: Collection[str]) -> list[Row]:
        """Return columns of the rows with the keys."""
        found = self.tables[table.name]
        rows = (found[(key,)] for key in keys if (key,) in found)
        return [{name: row.get(name) for name in columns} for row in rows]

    def places(
        self, table: Table, made: tuple[str, ...], keys: Collection[str], since: datetime | None
    ) -> dict[str, Place]:
        """Return where rows stand among those made since a time."""
        rows = self._rows(table, Where(bounds=(Bound(made, since),)))
        times = [first_of(made, row) for row in rows]
        return {
            row[table.key[0]]: Place(sum(t > at for t in times if t), times.count(at))
            for row, at in zip(rows, times, strict=True)
            if at and row[table.key[0]] in keys
        }

    def oldest(
        self, table: Table, made: tuple[str, ...], condition: Where = ALL
    ) -> datetime | None:
        """Return when that of the rows was made that was made first."""
        times = (first_of(made, row) for row in self._rows(table, condition))
        return min((at for at in times if at), default=None)

    def filled(self, table: Table, columns: Collection[str], condition: Where) -> set[str]:
        """Return the columns that any of the rows fills."""
        rows = self._rows(table, condition)
        return {name for name in columns if any(row.get(name) is not None for row in rows)}

    def without_history(
        self, table: Table, history: Table, seen_since: datetime | None
    ) -> list[str]:
        """Return nothing: the history is tested elsewhere."""
        del table, history, seen_since
        return []

    def load(self, rows: Mapping[Table, Iterable[Row]], state: JsonObject) -> None:
        """Merge the rows by key."""
        for table, part in rows.items():
            found = self.tables.setdefault(table.name, {})
            found.update({tuple(row[k] for k in table.key): row for row in part})
        self.state = state

    def recent_requests(self, since: datetime) -> list[tuple[datetime, int]]:
        """Return nothing: there are no limits."""
        del since
        return []

    def withdrawn(self) -> set[str]:
        """Return nothing: nobody takes a certificate back."""
        return set()

    def release(self) -> None:
        """Keep nothing open."""


class SmallParser:
    """Reads the small world's records: they hold what a list's rows have of their own."""

    def __init__(self, resource: str, privacy: Any, shape: Any = None) -> None:
        del privacy
        self.shape = shape
        self._resource = resource
        self.spellings: dict[str, str] = {}

    def parse(self, record: Any, *, seen_at: datetime, place: str) -> Parsed:
        """Return the row."""
        del place
        if record is None:  # an event without payload
            return Parsed({})
        row = dict(record)
        row["created_at"] = utc(row["created_at"])
        said = " ".join(map(str, row.values()))
        noted = {"_seen_at": seen_at, "_origin": "list", "_fingerprint": f"v2:{said}"}
        return Parsed(_EMPTY[self._resource] | row | noted)
