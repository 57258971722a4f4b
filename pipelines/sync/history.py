"""What was seen of a row and when: the rows of the history tables.

A first observation says no more than the row itself, so that it can be made good later. Every other
change is loaded before the row that shows it: once the row is overwritten, nothing else knows.
"""

from __future__ import annotations

from typing import Any

from pipelines.destinations.where import Row, first_of
from pipelines.lists import ListSpec


def observed(spec: ListSpec, row: Row) -> tuple[Any, ...]:
    """Return what the history keeps of a row: two rows with the same are one entry."""
    return tuple(_observed(row, name) for name in spec.observed)


def entry(spec: ListSpec, row: Row, previous: Row | None) -> Row:
    """Return the history's row for a state that the list showed."""
    columns = spec.changed_at
    own = spec.statuses.time_columns.get(row["status"])
    if own is not None:
        columns = (own, *columns)
    return {
        spec.key: row[spec.key],
        **{name: _observed(row, name) for name in spec.observed},
        "not_before": previous and previous["_seen_at"],
        "first_seen_at": row["_seen_at"],
        "changed_at": first_of(columns, row),
        "origin": "list",
    }


def _observed(row: Row, name: str) -> Any:
    return row[name] or 0 if name == "attempts" else row[name]
