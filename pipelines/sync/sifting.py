"""What was read of lists and need not be rows in Python: by far the most of a first load.

Records wait unread. Where nobody asks for them before the next load and they are many, they are
read by column, and the plain ones among them, which need no comparing, are loaded in Arrow.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from pipelines.destinations.base import Destination
from pipelines.destinations.where import ALL, Row, Where, matches
from pipelines.lists import ListSpec
from pipelines.source.parse import Parser
from pipelines.source.schema import Table
from pipelines.sync.changes import projection
from pipelines.sync.findings import Findings
from pipelines.sync.history import first_entries
from pipelines.sync.unread import FEW, Look, Unread

if TYPE_CHECKING:
    import pyarrow as pa

    from pipelines.sync.sift import Sifted


class Sifting:
    """Unread records by list, and their plain rows until those are loaded."""

    def __init__(
        self, destination: Destination, parsers: Mapping[str, Parser], findings: Findings
    ) -> None:
        self._destination = destination
        self._unread = {
            name: Unread(parser, partial(findings.note, name)) for name, parser in parsers.items()
        }
        #: Rows of which nothing else is stored than they say, by list.
        self.plain: dict[str, pa.Table] = {}
        #: The history of the first looks at them.
        self.first: dict[Table, pa.Table] = {}

    def __len__(self) -> int:
        return sum(map(len, (*self._unread.values(), *self.plain.values())))

    def add(self, resource: str, record: Any, look: Look, number: int) -> None:
        """Keep a record of a list, the ``number``-th of its answer, that is surely a row."""
        self._unread[resource].add(record, look, number)

    @property
    def many(self) -> list[str]:
        """The lists of which so many records wait that they are worth to be read by column."""
        return [name for name, unread in self._unread.items() if len(unread) >= FEW]

    @property
    def few(self) -> list[str]:
        """All other lists."""
        return [*self._unread.keys() - set(self.many)]

    def take_rows(self, resource: str) -> list[Row]:
        """Read what waits of a list, and return it as rows, once."""
        unread = self._unread.get(resource)
        return unread.take_rows() if unread else []

    def sift(self, spec: ListSpec, touched: Collection[str]) -> tuple[Sifted, list[Row]]:
        """Read what waits of a list, and return it sifted, and what is stored of it.

        ``touched``: keys of which more is known. All goes on waiting until it is taken.
        """
        from pipelines.sync.sift import sift

        looks = self._unread[spec.name].table()
        keys = looks[spec.key].unique().to_pylist()
        stored = self._destination.by_key(spec.table, keys, projection(spec.table))
        return sift(spec, looks, stored, touched), stored

    def take(self, spec: ListSpec, sifted: Sifted) -> list[Row]:
        """Keep the plain rows for the next load; return the others, to be compared."""
        self._unread[spec.name].clear()
        self.plain[spec.name] = sifted.plain
        if len(entries := first_entries(spec, sifted.new)):
            self.first[spec.history] = entries
        rows: list[Row] = sifted.odd.to_pylist()
        return rows

    def keys(self, table: Table) -> set[Any]:
        """Return the keys of the plain rows."""
        plain = self.plain.get(table.name)
        return set() if plain is None else set(plain[table.key[0]].to_pylist())

    def looks(self, table: Table, condition: Where) -> list[datetime]:
        """Return when the plain rows that meet a condition were seen."""
        plain = self.plain.get(table.name)
        if plain is None:
            return []
        if condition == ALL:  # which all of them meet, however many they are
            return [*plain["_seen_at"].unique().to_pylist()]
        rows = plain.select(projection(table)).to_pylist()
        return [row["_seen_at"] for row in rows if matches(row, condition)]

    def clear_loaded(self) -> None:
        """Forget the plain rows."""
        self.plain, self.first = {}, {}
