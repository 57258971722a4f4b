"""Rows on their way to a table: many of them in Arrow already, some one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.destinations.where import Row
from pipelines.source.schema import Table

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Batch:
    """Rows to load, each key once. ``parts`` have the table's own Arrow schema."""

    rows: Sequence[Row] = ()
    parts: Sequence[pa.Table] = ()

    def __len__(self) -> int:
        return len(self.rows) + sum(map(len, self.parts))

    def __iter__(self) -> Iterator[Row]:
        yield from self.rows
        for part in self.parts:
            yield from part.to_pylist()


def to_arrow(table: Table, rows: Iterable[Row]) -> pa.Table:
    """Return the rows in the table's exact types."""
    import pyarrow as pa

    parts = rows.parts if isinstance(rows, Batch) else ()
    alone = list(rows.rows if isinstance(rows, Batch) else rows)
    if alone or not parts:
        parts = [pa.Table.from_pylist(alone, schema=table.arrow), *parts]
    return pa.concat_tables(parts)
