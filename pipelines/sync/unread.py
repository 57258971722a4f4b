"""Records that were met and are not read yet: strategies have seen what they need of them.

Few are read one by one, as soon as somebody asks. Many are read by column, thousands at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pipelines.destinations.where import Row
from pipelines.source.parse import Parsed, Parser, Rejected

if TYPE_CHECKING:
    import pyarrow as pa

    from pipelines.source.columns import ColumnParser

#: Records to read at once by column: worth a batch, and no burden to the memory.
BATCH = 2_500
#: Fewer are read sooner one by one.
FEW = 500

#: Takes note of what was not plain: of values that could not be read, and of bad records.
Note = Callable[[Parsed | Rejected, datetime], None]


@dataclass(frozen=True, slots=True)
class Look:
    """Records of one answer: when it was asked for, where it was, and which scan met it."""

    seen_at: datetime
    place: str
    scan: str | None


@dataclass
class Unread:
    """One list's records, in the order in which they were asked for."""

    parser: Parser
    note: Note
    _records: list[Any] = field(default_factory=list)
    _looks: list[tuple[Look, int]] = field(default_factory=list)
    _parts: list[pa.Table] = field(default_factory=list)
    _by_column: ColumnParser | None = None

    def __len__(self) -> int:
        return len(self._records) + sum(map(len, self._parts))

    def add(self, record: Any, look: Look, number: int) -> None:
        """Keep a record, the ``number``-th of its answer."""
        self._records.append(record)
        self._looks.append((look, number))
        if len(self._records) >= BATCH:
            self._read_by_column()

    def take_rows(self) -> list[Row]:
        """Read what is left, and return all rows, once."""
        rows = self._rows()
        self.clear()
        return rows

    def table(self) -> pa.Table:
        """Read what is left, and return all rows; they stay until they are cleared."""
        import pyarrow as pa

        self._read_by_column()
        return pa.concat_tables(self._parts or [self.parser.shape.table.arrow.empty_table()])

    def clear(self) -> None:
        """Forget what is taken over."""
        self._records, self._looks, self._parts = [], [], []

    def _rows(self) -> list[Row]:
        if self._parts or len(self._records) > FEW:
            many: list[Row] = self.table().to_pylist()
            return many
        rows = list[Row]()
        for record, (look, number) in zip(self._records, self._looks, strict=True):
            found = self.parser.parse(record, seen_at=look.seen_at, place=_place(look, number))
            self.note(found, look.seen_at)
            if isinstance(found, Parsed):
                found["_walk"] = look.scan
                rows.append(found)
        return rows

    def _read_by_column(self) -> None:
        import pyarrow as pa

        from pipelines.source.columns import ColumnParser

        records, looks = self._records, self._looks
        if not records:
            return
        self._by_column = self._by_column or ColumnParser(self.parser)
        seen_at = [look.seen_at for look, _ in looks]
        found = self._by_column.parse_columns(records, seen_at, lambda at: _place(*looks[at]))
        for at, part in found.careful.items():
            self.note(part, seen_at[at])
        bad = {at for at, part in found.careful.items() if isinstance(part, Rejected)}
        scans = [look.scan for at, (look, _) in enumerate(looks) if at not in bad]
        where = found.table.schema.get_field_index("_walk")
        walks = pa.array(scans, pa.string())
        self._parts.append(found.table.set_column(where, found.table.schema.field(where), walks))
        self._records, self._looks = [], []


def _place(look: Look, number: int) -> str:
    return f"{look.place} row {number}"
