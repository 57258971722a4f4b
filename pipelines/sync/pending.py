"""What has been read and not yet loaded, and how it compares with what is stored."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Set
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from pipelines.destinations.base import Destination
from pipelines.destinations.batches import Batch
from pipelines.destinations.where import ALL, JsonObject, Row, Where, matches
from pipelines.lists import LISTS, ListSpec
from pipelines.source.parse import Parsed, Parser, Rejected
from pipelines.source.partial import SessionLine
from pipelines.source.schema import QUARANTINE, SESSIONS, SYNC_RUNS, VALUE_ISSUES, Table
from pipelines.sync.changes import Changes, is_older, says_more
from pipelines.sync.history import AMOUNT, entry, first_entries
from pipelines.sync.unread import FEW, Look, Unread

if TYPE_CHECKING:
    import pyarrow as pa

    from pipelines.sync.sift import Sifted

_NOTES = ("status", "attempts", *AMOUNT, "deleted_at", "_origin", "_fingerprint", "_walk")


def projection(table: Table) -> list[str]:
    """Return the columns that tell whether a row is new, changed or stale, or meets a condition."""
    return [
        column.name
        for column in table.columns
        if column.name in table.key or column.name in _NOTES or column.kind == "time"
    ]


class PendingRows:
    """Rows by table and key: of a key that was read twice, the row that was asked later counts.

    Records of lists wait unread. Those that somebody asks for become rows at once; the many that
    nobody asks for are read by column at the next load, and never are rows in Python.
    """

    def __init__(
        self,
        destination: Destination,
        lists: Collection[ListSpec] = LISTS,
        parsers: Mapping[str, Parser] | None = None,
    ) -> None:
        self._destination = destination
        self._specs = {spec.name: spec for spec in lists}
        self._tables = {spec.name: spec.table for spec in lists} | {SESSIONS.name: SESSIONS}
        self._rows: dict[str, dict[Any, Row]] = defaultdict(dict)
        self._previous: dict[str, dict[Any, Row | None]] = defaultdict(dict)
        self._lines: dict[str, list[SessionLine]] = defaultdict(list)
        self._unread = {
            name: Unread(parser, partial(self._note, name))
            for name, parser in (parsers or {}).items()
        }
        #: Until they are loaded: rows in Arrow, of which nothing else is stored than they say.
        self._plain: dict[str, pa.Table] = {}
        #: Until it is loaded: the history of the first looks, as it was before any of them was.
        self._first: dict[Table, Batch] = {}
        self._is_prepared = False
        #: When the latest look was taken.
        self.latest: datetime | None = None
        self._loaded_until: datetime | None = None
        self._changes = Changes(self._specs)
        self.new, self.changed = self._changes.new, self._changes.changed
        self.events_right = self._changes.events_right
        self.events_wrong = self._changes.events_wrong
        self.quarantined: Counter[str] = Counter()
        #: Values that could not be read as they stood, of rows that were kept.
        self.value_issues: Counter[str] = Counter()
        #: Looks at rows that lacked a value.
        self._damaged: Counter[str] = Counter()

    def __len__(self) -> int:
        rows = (*self._rows.values(), *self._changes.history.values(), *self._plain.values())
        return sum(map(len, (*rows, *self._unread.values())))

    def rows(self, table: Table) -> Mapping[Any, Row]:
        """Return what waits to be loaded into a table, by key."""
        self._read(table.name)
        return self._rows[table.name]

    def keys(self, table: Table) -> Set[Any]:
        """Return the keys of what waits to be loaded or is just being loaded."""
        keys = self.rows(table).keys()
        plain = self._plain.get(table.name)
        return keys if plain is None else keys | set(plain[table.key[0]].to_pylist())

    def looks(self, table: Table, condition: Where) -> list[datetime]:
        """Return when rows were seen that wait or are just being loaded, and meet a condition."""
        looks = [row["_seen_at"] for row in self.rows(table).values() if matches(row, condition)]
        plain = self._plain.get(table.name)
        if plain is None:
            return looks
        if condition == ALL:  # which all of them meet, however many they are
            return [*looks, *plain["_seen_at"].unique().to_pylist()]
        loading = plain.select(projection(table)).to_pylist()
        return looks + [row["_seen_at"] for row in loading if matches(row, condition)]

    def damaged(self, resource: str) -> int:
        """Return how many looks at rows lacked a value that could not be read."""
        self._read(resource)
        return self._damaged[resource]

    def previous(self, table: Table) -> Mapping[Any, Row | None]:
        """Return of each waiting row what is stored under its key; None: nothing."""
        self._read(table.name)
        self._look_up(table)
        return self._previous[table.name]

    def count(self, table: Table) -> int:
        """Count the rows of a table as they will be after the next load."""
        previous = self.previous(table)
        return self._destination.count(table) + sum(row is None for row in previous.values())

    def count_news(self, table: Table) -> int:
        """Count the waiting rows that are new or say something new."""
        previous = self.previous(table)
        return sum(
            (earlier := previous[key]) is None or says_more(row, earlier)
            for key, row in self._rows[table.name].items()
        )

    def add(self, resource: str, rejected: Rejected, seen_at: datetime) -> None:
        """Keep a bad record for the quarantine."""
        row = rejected.row(seen_at)
        if row["quarantine_id"] not in self._rows[QUARANTINE.name]:
            self.quarantined[resource] += 1
        self._rows[QUARANTINE.name][row["quarantine_id"]] = row

    def add_record(self, resource: str, record: Any, look: Look, number: int) -> None:
        """Keep a record of a list, the ``number``-th of its answer, that is surely a row."""
        self.latest = max(self.latest or look.seen_at, look.seen_at)
        self._unread[resource].add(record, look, number)

    def note_issues(self, resource: str, parsed: Parsed, seen_at: datetime) -> None:
        """Keep for the next load what could not be read of a row."""
        noted = self._rows[VALUE_ISSUES.name]
        for issue in parsed.issues:
            row = issue.row(seen_at)
            self.value_issues[resource] += row["issue_id"] not in noted
            noted[row["issue_id"]] = row

    def add_line(self, line: SessionLine, seen_at: datetime) -> None:
        """Keep what a line of the ledger says of a session, over what is known of it."""
        self.latest = max(self.latest or seen_at, seen_at)
        rows, key = self._rows[SESSIONS.name], line.row["session_id"]
        rows[key] = line.told_over(rows.get(key))
        self._lines[key].append(line)

    def put(self, resource: str, rows: Iterable[Row]) -> None:
        """Keep rows that were read, or changed without another look at them.

        Of two looks the later one counts: what a cache kept may be told last.
        """
        self._read(resource)
        waiting, key = self._rows[resource], self._tables[resource].key[0]
        for row in rows:
            earlier = waiting.get(row[key])
            if earlier is not None and row["_seen_at"] < earlier["_seen_at"]:
                continue
            if earlier is not None:
                self._changes.replaced(resource, row[key], earlier, row)
            waiting[row[key]] = row

    def events_judged(self, status: str) -> bool:
        """Tell whether the list showed a row again that events had brought to a status."""
        return bool(self.events_right[status] or self.events_wrong[status])

    def add_history(self, table: Table, rows: Iterable[Row]) -> None:
        """Keep states that were seen; the first sight of each counts."""
        self._changes.add_history(table, rows)

    def backfill(self, spec: ListSpec, keys: Collection[str]) -> None:
        """Add the first observations that a killed sync did not get to."""
        names = [column.name for column in spec.table.columns]
        rows = self._destination.by_key(spec.table, keys, names)
        self.add_history(spec.history, (entry(spec, row, None) for row in rows))

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

    def _bring(self, state: JsonObject, certificate: Callable[[], Iterable[Row]]) -> int:
        if changes := self._batches(self._changes.history):
            self._destination.load(changes, self._destination.state)
        loaded = len(self)
        batches = self._batches(self._rows, self._plain) | self._first
        batches[SYNC_RUNS] = Batch(list(certificate()))
        self._destination.load(batches, state)
        self._clear()
        return loaded

    def _clear(self) -> None:
        self._changes.clear()
        for part in (self._rows, self._previous, self._lines, self._plain, self._first):
            part.clear()
        self._is_prepared, self._loaded_until = False, self.latest

    def _batches(
        self,
        waiting: Mapping[str, Mapping[Any, Row]],
        plain: Mapping[str, pa.Table] | None = None,
    ) -> dict[Table, Batch]:
        tables = {table.name: table for table in (*self._tables.values(), QUARANTINE, VALUE_ISSUES)}
        tables |= {spec.history.name: spec.history for spec in self._specs.values()}
        tables |= {spec.amounts.name: spec.amounts for spec in self._specs.values() if spec.amounts}
        plain = plain or {}
        batches = {
            tables[name]: Batch(
                list(waiting.get(name, {}).values()), [plain[name]] if name in plain else []
            )
            for name in waiting.keys() | plain.keys()
        }
        return {table: batch for table, batch in batches.items() if len(batch)}

    # Reading what waits unread ---------------------------------------------------------------

    def _read(self, resource: str) -> None:
        """Make rows of what waits unread."""
        unread = self._unread.get(resource)
        if unread:
            self.put(resource, unread.take_rows())

    def _note(self, resource: str, found: Parsed | Rejected, seen_at: datetime) -> None:
        """Keep what was not plain about a record."""
        if isinstance(found, Rejected):
            self.add(resource, found, seen_at)
        else:
            self._damaged[resource] += found.is_damaged
            self.note_issues(resource, found, seen_at)

    def _look_up(self, table: Table, found: Iterable[Row] | None = None) -> None:
        """Ask what is stored of the rows of which it is not known, unless it was ``found``."""
        rows, previous = self._rows[table.name], self._previous[table.name]
        unknown = [key for key in rows if key not in previous]
        if not unknown:
            return
        if found is None:
            found = self._destination.by_key(table, unknown, projection(table))
        stored = {row[table.key[0]]: row for row in found}
        for key in unknown:
            previous[key] = earlier = stored.get(key)
            self._changes.judge_event(earlier, rows[key])
            if earlier is not None and "_walk" in rows[key]:
                rows[key]["_walk"] = rows[key]["_walk"] or earlier["_walk"]

    # Making ready to load ---------------------------------------------------------------------

    def _prepare(self) -> None:
        """Compare all that waits with what is stored.

        The destination may fail whenever it is asked. So all is asked first, while what waits
        goes on waiting; only then is anything taken, counted or noted.
        """
        many = [name for name, unread in self._unread.items() if len(unread) >= FEW]
        for name in self._unread.keys() - set(many):
            self._read(name)
        self._tell_over_stored()
        for table in self._tables.values():
            self._look_up(table)
        sifted = [(self._specs[name], *self._sift(self._specs[name])) for name in many]
        self._first = self._take(sifted)
        for table, rows in self._compare_all().items():
            self._first[table] = Batch(rows, self._first.get(table, Batch()).parts)
        self._is_prepared = True

    def _sift(self, spec: ListSpec) -> tuple[Sifted, list[Row]]:
        """Sift what waits unread of a list; return what is stored of it, too."""
        from pipelines.sync.sift import sift

        looks = self._unread[spec.name].table()
        keys = looks[spec.key].unique().to_pylist()
        stored = self._destination.by_key(spec.table, keys, projection(spec.table))
        return sift(spec, looks, stored, self._rows[spec.name].keys()), stored

    def _take(self, sifted: Iterable[tuple[ListSpec, Sifted, list[Row]]]) -> dict[Table, Batch]:
        """Take what was sifted; return the history of the first looks at plain rows."""
        first = {}
        for spec, found, stored in sifted:
            self._unread[spec.name].clear()
            self.put(spec.name, found.odd.to_pylist())
            self._look_up(spec.table, stored)
            self._plain[spec.name] = found.plain
            self.new[spec.name] += len(found.new)
            if len(entries := first_entries(spec, found.new)):
                first[spec.history] = Batch(parts=[entries])
        return first

    def _tell_over_stored(self) -> None:
        """Lay what the ledger's lines say over what is stored of their sessions."""
        names = [column.name for column in SESSIONS.columns]
        for row in self._destination.by_key(SESSIONS, self._lines.keys(), names):
            for line in self._lines[row["session_id"]]:
                row = line.told_over(row)
            self._rows[SESSIONS.name][row["session_id"]] = row

    def _compare_all(self) -> dict[Table, list[Row]]:
        """Compare every row with what is stored; return the history of the first looks."""
        first: dict[Table, list[Row]] = defaultdict(list)
        for resource, table in self._tables.items():
            rows, previous = self._rows[resource], self._previous[table.name]
            for key, row in list(rows.items()):
                earlier = previous[key]
                if earlier is not None and is_older(row, earlier, self._loaded_until):
                    del rows[key]
                else:
                    self._changes.compare(resource, key, row, earlier, first)
        return first
