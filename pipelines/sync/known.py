"""What is known now: the stored rows, and over them those that wait to be loaded.

So a sync can compare, count and look for rows without loading after each step.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from pipelines.source.parse import Row
from pipelines.source.schema import Table
from pipelines.sync.batch import Batch
from pipelines.sync.store import Store


def made_at(row: Row) -> datetime | None:
    """Return when a row was made, as its list is sorted by it."""
    return row["created_at"] or row.get("event_at")


def made_at_sql(table: Table) -> str:
    """Return :func:`made_at` as an SQL expression."""
    names = {column.name for column in table.columns}
    return "coalesce(created_at, event_at)" if "event_at" in names else "created_at"


class Known:
    """The warehouse as it will be after the next load. Rows that the API no longer has are out."""

    def __init__(self, store: Store, batch: Batch) -> None:
        self._store = store
        self._batch = batch

    def rows(self, table: Table, keys: Iterable[str]) -> dict[str, Row]:
        """Return the rows of the given keys, whole, by key; deleted ones too."""
        waiting = self._batch.rows(table)
        wanted = set(keys)
        stored = self._store.known(table, wanted - waiting.keys())
        return stored | {key: waiting[key] for key in wanted & waiting.keys()}

    def count(self, table: Table, status: str | None = None, since: datetime | None = None) -> int:
        """Count the rows, all or of one status, all or made since a time."""
        earliest = None if since is None else (made_at_sql(table), since)
        count = self._store.count(table, status, earliest)
        before = self._batch.before(table)
        for key, row in self._batch.rows(table).items():
            if since is not None and ((made := made_at(row)) is None or made < since):
                continue
            count += _counts(row, status) - _counts(before[key], status)
        return count

    def statuses(self, table: Table) -> set[str]:
        """Return every status that a row has; of some, it could not be read."""
        stored = self._store.select(table, "distinct status")
        waiting = self._batch.rows(table).values()
        return ({row[0] for row in stored} | {row["status"] for row in waiting}) - {None}

    def times(
        self, table: Table, status: str | None = None, since: datetime | None = None
    ) -> dict[str, datetime]:
        """Return when the rows were made, by key; without those of which it is not known."""
        made = made_at_sql(table)
        conditions: list[tuple[str, Any]] = [(f"{made} is not null", None)]
        if status is not None:
            conditions.append(("status = %s", status))
        if since is not None:
            conditions.append((f"{made} >= %s", since))
        stored = self._store.select(table, f"{table.key[0]}, {made}", *conditions)
        waiting = self._batch.rows(table)
        times: dict[str, datetime] = {key: at for key, at in stored if key not in waiting}
        for key, row in waiting.items():
            at = made_at(row)
            if at is not None and _counts(row, status) and (since is None or at >= since):
                times[key] = at
        return times

    def of_status(self, table: Table, statuses: Iterable[str]) -> list[Row]:
        """Return key, status, made_at, _seen_at and _origin of the rows with these statuses."""
        wanted, key = sorted(statuses), table.key[0]
        columns = {column.name for column in table.columns}
        origin = "_origin" if "_origin" in columns else "'list'"
        names = (key, "status", "made_at", "_seen_at", "_origin")
        expressions = f"{key}, status, {made_at_sql(table)}, _seen_at, {origin}"
        stored = self._store.select(table, expressions, ("status = any(%s)", wanted))
        waiting = self._batch.rows(table)
        rows = [dict(zip(names, row, strict=True)) for row in stored if row[0] not in waiting]
        return rows + [
            {"_origin": "list", **row, "made_at": made_at(row)}
            for row in waiting.values()
            if row["status"] in wanted and not row["deleted_at"]
        ]


def _counts(row: Row | None, status: str | None) -> bool:
    return row is not None and not row.get("deleted_at") and status in (None, row["status"])
