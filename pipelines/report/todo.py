"""What to do: each thing that somebody can act on, and the rows that it is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pipelines.report import page
from pipelines.report.kinds import KINDS, Kind
from pipelines.report.queries import Row, rows
from pipelines.words import NONE, count, counted, moment

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

#: As many rows as a page shows; the query has them all.
_SHOWN = 50


@dataclass(frozen=True)
class Found:
    """A kind of thing to do, and the rows that there are."""

    kind: Kind
    rows: Sequence[Row]

    @property
    def number(self) -> int:
        """How many there are, shown or not."""
        return int(self.rows[0]["all_rows"])

    @property
    def text(self) -> str:
        """How many there are, in words."""
        return counted(self.number, *self.kind.found)


def find(connection: DuckDBPyConnection) -> list[Found]:
    """Return what there is to do."""
    found = [Found(kind, _rows(connection, kind)) for kind in KINDS]
    return [each for each in found if each.rows]


def _rows(connection: DuckDBPyConnection, kind: Kind) -> Sequence[Row]:
    numbered = f"select *, count(*) over () as all_rows from ({kind.query}) as found"  # noqa: S608
    return rows(connection, f"{numbered} order by {kind.order} nulls last limit {_SHOWN}")


def actions(found: Sequence[Found], unproven: Sequence[Row], skipped: Sequence[Row]) -> str:
    """Return the list of what to do, each with a link to its rows."""
    entries = [
        (
            f"{row['resource']} are not proven complete",
            f"{row['last_reason'] or 'No sync has proven it yet'}. Every figure may be too low.",
            "data",
        )
        for row in unproven
    ]
    entries += [
        (
            f"{row['resource']} are not read: {row['last_reason']}",
            "Set SOURCES__PRINTORA__SESSION_LEDGER: conversion needs to know the sessions.",
            "data",
        )
        for row in skipped
    ]
    entries += [(each.text, each.kind.todo, each.kind.anchor) for each in found]
    if not entries:
        return page.card(
            "Nothing", page.paragraph("All that is looked at here is as it should be.")
        )
    return page.actions(entries)


def tables(found: Sequence[Found], section: str) -> list[str]:
    """Return a section's rows, each table under the anchor that the list of what to do links to."""
    return [_table(each) for each in found if each.kind.section == section]


def _table(each: Found) -> str:
    names = list(each.kind.columns)
    cells = ([_cell(row[name]) for name in each.kind.columns.values()] for row in each.rows)
    table = page.table(names, cells, texts=frozenset(range(len(names))))
    note = each.kind.todo
    if more := each.number - len(each.rows):
        query = " ".join(each.kind.query.split())
        note += f' {count(more)} more; all of them: printora query "{query}"'
    return page.card(each.kind.heading, table, note, wide=len(names) > 3, anchor=each.kind.anchor)


def _cell(value: Any) -> str:
    if value is None:
        return NONE
    return moment(value) if isinstance(value, datetime) else str(value)
