"""Rows that are not loaded yet, beside what is stored under their keys."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from pipelines.destinations.base import Destination
from pipelines.destinations.where import Row
from pipelines.source.partial import SessionLine
from pipelines.source.schema import SESSIONS, Table
from pipelines.sync.changes import Changes, is_older, projection


class RowBuffer:
    """Rows by table and key: of a key that was read twice, the row that was asked later counts."""

    def __init__(
        self, destination: Destination, tables: Mapping[str, Table], changes: Changes
    ) -> None:
        self._destination = destination
        self._tables = tables
        self._changes = changes
        self.rows: dict[str, dict[Any, Row]] = defaultdict(dict)
        self._previous: dict[str, dict[Any, Row | None]] = defaultdict(dict)
        self._lines: dict[str, list[SessionLine]] = defaultdict(list)

    def __len__(self) -> int:
        return sum(map(len, self.rows.values()))

    def put(self, resource: str, rows: Iterable[Row]) -> None:
        """Keep rows. Of two looks the later one counts: what a cache kept may be told last."""
        waiting, key = self.rows[resource], self._tables[resource].key[0]
        for row in rows:
            earlier = waiting.get(row[key])
            if earlier is not None and row["_seen_at"] < earlier["_seen_at"]:
                self._changes.steps_back.compare(resource, row[key], row, earlier)
                continue
            if earlier is not None:
                self._changes.replaced(resource, row[key], earlier, row)
            waiting[row[key]] = row

    def add_line(self, line: SessionLine) -> None:
        """Keep what a line of the ledger says of a session, over what is known of it."""
        rows, key = self.rows[SESSIONS.name], line.row["session_id"]
        rows[key] = line.told_over(rows.get(key))
        self._lines[key].append(line)

    def tell_over_stored(self) -> None:
        """Lay what the ledger's lines say over what is stored of their sessions."""
        names = [column.name for column in SESSIONS.columns]
        for row in self._destination.by_key(SESSIONS, self._lines.keys(), names):
            for line in self._lines[row["session_id"]]:
                row = line.told_over(row)
            self.rows[SESSIONS.name][row["session_id"]] = row

    def previous(self, table: Table) -> Mapping[Any, Row | None]:
        """Return of each row what is stored under its key; None: nothing."""
        self.look_up(table)
        return self._previous[table.name]

    def look_up(self, table: Table, found: Iterable[Row] | None = None) -> None:
        """Ask what is stored of the rows of which it is not known, unless it was ``found``."""
        rows, previous = self.rows[table.name], self._previous[table.name]
        unknown = [key for key in rows if key not in previous]
        if not unknown:
            return
        if found is None:
            found = self._destination.by_key(table, unknown, projection(table))
        stored = {row[table.key[0]]: row for row in found}
        for key in unknown:
            previous[key] = earlier = stored.get(key)
            self._changes.judge_event(earlier, rows[key])
            self._changes.steps_back.compare_stored(table.name, key, earlier, rows[key])
            if earlier is not None and "_walk" in rows[key]:
                rows[key]["_walk"] = rows[key]["_walk"] or earlier["_walk"]

    def compare(self, loaded_until: datetime | None) -> dict[Table, list[Row]]:
        """Compare every row with what is stored; return the history of the first looks.

        ``loaded_until``: the latest look that this sync has loaded. What is older than what is
        stored goes.
        """
        first: dict[Table, list[Row]] = defaultdict(list)
        for resource, table in self._tables.items():
            rows, previous = self.rows[resource], self._previous[table.name]
            for key, row in list(rows.items()):
                earlier = previous[key]
                if earlier is not None and is_older(row, earlier, loaded_until):
                    del rows[key]
                else:
                    self._changes.compare(resource, key, row, earlier, first)
        return first

    def clear(self) -> None:
        """Forget what is loaded."""
        for part in (self.rows, self._previous, self._lines):
            part.clear()
