"""Which rows are asked for: conditions that a database meets in SQL, and Python on one row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipelines.lists import ListSpec
from pipelines.source.schema import Table

Row = dict[str, Any]
JsonObject = dict[str, Any]


@dataclass(frozen=True)
class Bound:
    """A range of time, both ends included, of the first of the columns that is not null."""

    columns: tuple[str, ...]
    low: datetime | None = None
    high: datetime | None = None


@dataclass(frozen=True)
class Where:
    """What rows must meet. Rows that the API no longer has are left out unless ``with_deleted``.

    ``equal`` and ``differ`` are of text columns; a null differs from every text.
    """

    statuses: frozenset[str] | None = None
    equal: tuple[tuple[str, str], ...] = ()
    differ: tuple[tuple[str, str], ...] = ()
    null: tuple[str, ...] = ()
    present: tuple[str, ...] = ()
    bounds: tuple[Bound, ...] = ()
    with_deleted: bool = False


ALL = Where()


def made(spec_or_table: ListSpec | Table) -> tuple[str, ...]:
    """Return the columns that say when a row was made, as its list is sorted; the first counts."""
    table = spec_or_table.table if isinstance(spec_or_table, ListSpec) else spec_or_table
    names = {column.name for column in table.columns}
    return tuple(name for name in ("created_at", "event_at") if name in names)


def made_at(spec: ListSpec, row: Row) -> datetime | None:
    """Return when a row was made, as its list is sorted by it."""
    return first_of(made(spec), row)


def first_of(columns: tuple[str, ...], row: Row) -> datetime | None:
    """Return the first of the columns that is not null."""
    return next((row[name] for name in columns if row.get(name) is not None), None)


def where(
    spec: ListSpec,
    status: str | None = None,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    **conditions: Any,
) -> Where:
    """Return the condition on status and on when rows were made."""
    bounds = () if since is None and until is None else (Bound(made(spec), since, until),)
    statuses = None if status is None else frozenset({status})
    return Where(statuses=statuses, bounds=bounds, **conditions)


def matches(row: Row | None, condition: Where) -> bool:
    """Tell whether a row meets a condition: what a destination does in SQL."""
    if row is None or (row.get("deleted_at") is not None and not condition.with_deleted):
        return False
    return (  # asked of each row: what is not asked for shall cost nothing
        (condition.statuses is None or row.get("status") in condition.statuses)
        and (not condition.equal or all(row.get(n) == value for n, value in condition.equal))
        and (not condition.differ or all(row.get(n) != value for n, value in condition.differ))
        and (not condition.null or all(row.get(n) is None for n in condition.null))
        and (not condition.present or all(row.get(n) is not None for n in condition.present))
        and (not condition.bounds or all(_within(row, bound) for bound in condition.bounds))
    )


def _within(row: Row, bound: Bound) -> bool:
    moment = first_of(bound.columns, row)
    if moment is None:
        return False
    above = bound.low is None or moment >= bound.low
    return above and (bound.high is None or moment <= bound.high)


@dataclass(frozen=True)
class Place:
    """Where a row stands by its time: rows made later, and rows made at the same time."""

    later: int
    same: int
