"""What has been read and not yet loaded: asked for by strategies, and loaded with the state.

Records of lists wait unread, in ``sifting.py``. Those that somebody asks for become rows at once,
in ``row_buffer.py``; the many that nobody asks for are read by column at the next load.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Set
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pipelines.destinations.base import Destination
from pipelines.destinations.batches import Batch
from pipelines.destinations.where import JsonObject, Row, Where, matches
from pipelines.lists import LISTS, ListSpec
from pipelines.source.parse import Parser, Rejected
from pipelines.source.partial import SessionLine
from pipelines.source.schema import QUARANTINE, SESSIONS, SYNC_RUNS, VALUE_ISSUES, Table
from pipelines.sync.changes import Changes, says_more
from pipelines.sync.findings import Findings
from pipelines.sync.history import entry
from pipelines.sync.row_buffer import RowBuffer
from pipelines.sync.sifting import Sifting
from pipelines.sync.unread import Look

if TYPE_CHECKING:
    import pyarrow as pa


class PendingRows:
    """What waits to be loaded, by table and key. Whoever asks for rows is given them read."""

    def __init__(
        self,
        destination: Destination,
        lists: Collection[ListSpec] = LISTS,
        parsers: Mapping[str, Parser] | None = None,
    ) -> None:
        self._destination = destination
        self._specs = {spec.name: spec for spec in lists}
        self._tables = {spec.name: spec.table for spec in lists} | {SESSIONS.name: SESSIONS}
        self._targets = _targets(lists)
        #: What could not be read.
        self.findings = Findings()
        self._sifting = Sifting(destination, parsers or {}, self.findings)
        self._changes = Changes(self._specs)
        self._buffer = RowBuffer(destination, self._tables, self._changes)
        #: Until it is loaded: the history of the first looks, as it was before any of them was.
        self._first: dict[Table, Batch] = {}
        self._is_prepared = False
        #: When the latest look was taken.
        self.latest: datetime | None = None
        self._loaded_until: datetime | None = None
        self.new, self.changed = self._changes.new, self._changes.changed
        self.events_right = self._changes.events_right
        self.events_wrong = self._changes.events_wrong

    def __len__(self) -> int:
        return len(self._buffer) + len(self.findings) + len(self._changes) + len(self._sifting)

    # What waits ------------------------------------------------------------------------------

    def rows(self, table: Table) -> Mapping[Any, Row]:
        """Return what waits to be loaded into a table, by key."""
        self._read(table.name)
        return self._buffer.rows[table.name]

    def keys(self, table: Table) -> Set[Any]:
        """Return the keys of what waits to be loaded or is just being loaded."""
        keys, plain = self.rows(table).keys(), self._sifting.keys(table)
        return keys | plain if plain else keys

    def looks(self, table: Table, condition: Where) -> list[datetime]:
        """Return when rows were seen that wait or are just being loaded, and meet a condition."""
        looks = [row["_seen_at"] for row in self.rows(table).values() if matches(row, condition)]
        return looks + self._sifting.looks(table, condition)

    def damaged(self, resource: str) -> int:
        """Return how many looks at rows lacked a value that could not be read."""
        self._read(resource)
        return self.findings.damaged[resource]

    def went_back(self, table: Table) -> int:
        """Count the rows that this sync was shown further on than their last look shows them."""
        self.previous(table)
        return len(self._changes.steps_back.behind[table.name])

    def previous(self, table: Table) -> Mapping[Any, Row | None]:
        """Return of each waiting row what is stored under its key; None: nothing."""
        self._read(table.name)
        return self._buffer.previous(table)

    def count(self, table: Table) -> int:
        """Count the rows of a table as they will be after the next load."""
        previous = self.previous(table)
        return self._destination.count(table) + sum(row is None for row in previous.values())

    def count_news(self, table: Table) -> int:
        """Count the rows of this sync that were new or said something new, also those loaded."""
        previous = self.previous(table)
        waiting = sum(
            (earlier := previous[key]) is None or says_more(row, earlier)
            for key, row in self._buffer.rows[table.name].items()
        )
        return self.new[table.name] + self.changed[table.name] + waiting

    def events_judged(self, status: str) -> bool:
        """Tell whether the list showed a row again that events had brought to a status."""
        return bool(self.events_right[status] or self.events_wrong[status])

    # What comes ------------------------------------------------------------------------------

    def add(self, resource: str, rejected: Rejected, seen_at: datetime) -> None:
        """Keep a bad record for the quarantine."""
        self.findings.add(resource, rejected, seen_at)

    def add_record(self, resource: str, record: Any, look: Look, number: int) -> None:
        """Keep a record of a list, the ``number``-th of its answer, that is surely a row."""
        self.latest = max(self.latest or look.seen_at, look.seen_at)
        self._changes.steps_back.seen(look.seen_at)
        self._sifting.add(resource, record, look, number)

    def add_line(self, line: SessionLine, seen_at: datetime) -> None:
        """Keep what a line of the ledger says of a session, over what is known of it."""
        self.latest = max(self.latest or seen_at, seen_at)
        self._buffer.add_line(line)

    def put(self, resource: str, rows: Iterable[Row]) -> None:
        """Keep rows that were read, or changed without another look at them."""
        self._read(resource)
        self._buffer.put(resource, rows)

    def add_history(self, table: Table, rows: Iterable[Row]) -> None:
        """Keep states that were seen; the first sight of each counts."""
        self._changes.add_history(table, rows)

    def backfill(self, spec: ListSpec, keys: Collection[str]) -> None:
        """Add the first observations that a killed sync did not get to."""
        names = [column.name for column in spec.table.columns]
        rows = self._destination.by_key(spec.table, keys, names)
        self.add_history(spec.history, (entry(spec, row, None) for row in rows))

    def _read(self, resource: str) -> None:
        """Make rows of what waits unread."""
        if rows := self._sifting.take_rows(resource):
            self._buffer.put(resource, rows)

    # Loading ---------------------------------------------------------------------------------

    def load(self, state: JsonObject, certificate: Callable[[], Iterable[Row]]) -> int:
        """Load everything with the state and the certificate's rows; return the rows loaded.

        The certificate is asked for once the rows are compared and counted. An error loses
        nothing: the next load brings the same, counted once.
        """
        again = self.load_again()
        self._prepare()
        return again + self._bring(state, certificate)

    def load_again(self) -> int:
        """Load what an earlier load failed to bring, with the state as it is; return the rows.

        Some of it may be stored by now: it is not compared again, or the first looks at those
        rows would seem to be known.
        """
        return self._bring(self._destination.state, list) if self._is_prepared else 0

    def _prepare(self) -> None:
        """Compare all that waits with what is stored.

        The destination may fail whenever it is asked. So all is asked first, while what waits
        goes on waiting; only then is anything taken, counted or noted.
        """
        many = [self._specs[name] for name in self._sifting.many]
        for name in self._sifting.few:
            self._read(name)
        self._buffer.tell_over_stored()
        for table in self._tables.values():
            self._buffer.look_up(table)
        rows = self._buffer.rows
        sifted = [(spec, *self._sifting.sift(spec, rows[spec.name].keys())) for spec in many]
        for spec, found, stored in sifted:
            self.put(spec.name, self._sifting.take(spec, found))
            self._buffer.look_up(spec.table, stored)
            self.new[spec.name] += len(found.new)
        self._first = self._first_looks(self._buffer.compare(self._loaded_until))
        self._is_prepared = True

    def _first_looks(self, compared: Mapping[Table, list[Row]]) -> dict[Table, Batch]:
        """Return the history of the first looks, at rows that were compared and at plain ones."""
        plain = {table: [entries] for table, entries in self._sifting.first.items()}
        return {
            table: Batch(compared.get(table, []), plain.get(table, []))
            for table in compared.keys() | plain.keys()
        }

    def _bring(self, state: JsonObject, certificate: Callable[[], Iterable[Row]]) -> int:
        if changes := self._batches(self._changes.history):
            self._destination.load(changes, self._destination.state)
        loaded = len(self)
        waiting: dict[str, Mapping[Any, Row]] = {**self._buffer.rows, **self.findings.rows}
        batches = self._batches(waiting, self._sifting.plain) | self._first
        batches[SYNC_RUNS] = Batch(list(certificate()))
        self._destination.load(batches, state)
        self._clear()
        return loaded

    def _clear(self) -> None:
        self._changes.clear()
        self._buffer.clear()
        self.findings.clear()
        self._sifting.clear_loaded()
        self._first.clear()
        self._is_prepared, self._loaded_until = False, self.latest
        self._changes.steps_back.loaded(self.latest)

    def _batches(
        self,
        waiting: Mapping[str, Mapping[Any, Row]],
        plain: Mapping[str, pa.Table] | None = None,
    ) -> dict[Table, Batch]:
        plain = plain or {}
        batches = {
            self._targets[name]: Batch(
                list(waiting.get(name, {}).values()), [plain[name]] if name in plain else []
            )
            for name in waiting.keys() | plain.keys()
        }
        return {table: batch for table, batch in batches.items() if len(batch)}


def _targets(lists: Iterable[ListSpec]) -> dict[str, Table]:
    """Return the tables that rows wait for, by name."""
    tables = [SESSIONS, QUARANTINE, VALUE_ISSUES]
    for spec in lists:
        tables += [spec.table, spec.history, *([spec.amounts] if spec.amounts else [])]
    return {table.name: table for table in tables}
