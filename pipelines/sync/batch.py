"""What has been read and not yet loaded, and how it compares with what is stored."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from pipelines.source.parse import Parsed, Rejected, Row, same_fingerprint
from pipelines.source.partial import SessionLine
from pipelines.source.schema import (
    ORDERS,
    QUARANTINE,
    SESSIONS,
    SYNC_RUNS,
    VALUE_ISSUES,
    WEBHOOK_LOGS,
    Table,
)
from pipelines.sync.history import HISTORY_OF, entry, state_of
from pipelines.sync.store import Store

_TABLES: dict[str, Table] = {table.name: table for table in (ORDERS, WEBHOOK_LOGS, SESSIONS)}

#: How far two estimates of the server's clock may lie apart: a `Date` has whole seconds.
CLOCK_SLACK = timedelta(seconds=2)


class Batch:
    """Rows by table and key: of a key that was read twice, the later row counts."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._rows: dict[str, dict[Any, Row]] = defaultdict(dict)
        self._before: dict[str, dict[Any, Row | None]] = defaultdict(dict)
        self._steps: dict[str, dict[Any, list[Row]]] = defaultdict(lambda: defaultdict(list))
        self._history: dict[str, dict[Any, Row]] = defaultdict(dict)
        self._lines: dict[str, list[SessionLine]] = defaultdict(list)
        #: When the latest look was taken.
        self.latest: datetime | None = None
        self.new: Counter[str] = Counter()
        self.changed: Counter[str] = Counter()
        self.quarantined: Counter[str] = Counter()
        #: Values that could not be read as they stood, of rows that were kept.
        self.value_issues: Counter[str] = Counter()
        #: How often the list said of an order just what the events had made of it, by status;
        #: and how often it said something else.
        self.events_right: Counter[str] = Counter()
        self.events_wrong: Counter[str] = Counter()

    def __len__(self) -> int:
        return sum(len(rows) for rows in (*self._rows.values(), *self._history.values()))

    def rows(self, table: Table) -> Mapping[Any, Row]:
        """Return what waits to be loaded into a table, by key."""
        return self._rows[table.name]

    def before(self, table: Table) -> Mapping[Any, Row | None]:
        """Return of each waiting row what is stored under its key, in brief; None: nothing."""
        rows, before = self._rows[table.name], self._before[table.name]
        unknown = [key for key in rows if key not in before]
        if unknown:
            stored = self._store.brief(table, unknown)
            for key in unknown:
                before[key] = stored.get(key)
                self._judge_event(before[key], rows[key])
        return before

    def news(self, table: Table) -> int:
        """Count the waiting rows that are new or say something new."""
        before = self.before(table)
        return sum(
            (earlier := before[key]) is None or _says_more(row, earlier)
            for key, row in self._rows[table.name].items()
        )

    def add(self, resource: str, parsed: Parsed | Rejected, seen_at: datetime) -> None:
        """Keep a row with its issues for the next load, or a bad record for the quarantine."""
        if isinstance(parsed, Rejected):
            row = parsed.row(seen_at)
            if row["quarantine_id"] not in self._rows[QUARANTINE.name]:
                self.quarantined[resource] += 1
            self._rows[QUARANTINE.name][row["quarantine_id"]] = row
            return
        self.latest = max(self.latest or seen_at, seen_at)
        self.note(resource, parsed, seen_at)
        self.add_known(resource, parsed)

    def note(self, resource: str, parsed: Parsed, seen_at: datetime) -> None:
        """Keep for the next load what could not be read of a row."""
        noted = self._rows[VALUE_ISSUES.name]
        for issue in parsed.issues:
            row = issue.row(seen_at)
            self.value_issues[resource] += row["issue_id"] not in noted
            noted[row["issue_id"]] = row

    def add_known(self, resource: str, row: Row) -> None:
        """Keep a known row that was changed without another look at it."""
        rows, key = self._rows[resource], row[_TABLES[resource].key[0]]
        earlier = rows.get(key)
        if earlier is not None:
            self._replace(resource, key, earlier, row)
        rows[key] = row

    def add_line(self, line: SessionLine, seen_at: datetime) -> None:
        """Keep what a line of the ledger says of a session, over what is known of it."""
        self.latest = max(self.latest or seen_at, seen_at)
        rows, key = self._rows[SESSIONS.name], line.row["session_id"]
        rows[key] = line.told_over(rows.get(key))
        self._lines[key].append(line)

    def events_judged(self, status: str) -> bool:
        """Tell whether the list showed an order again that events had brought to a status."""
        return bool(self.events_right[status] or self.events_wrong[status])

    def add_history(self, table: Table, row: Row) -> None:
        """Keep a state that was seen; the first sight of it counts."""
        self._history[table.name].setdefault(tuple(row[name] for name in table.key), row)

    def flush(self, state: dict[str, Any], certificate: Callable[[], Iterable[Row]]) -> int:
        """Load everything with the state and the certificate's rows; return the rows loaded.

        The certificate is asked for once the rows are compared and counted.
        """
        self._tell_over_stored()
        first_looks = self._compare_all()
        changes = {name: list(part.values()) for name, part in self._history.items() if part}
        if changes:
            self._store.load(changes, self._store.state)
        rows = {name: list(part.values()) for name, part in self._rows.items()}
        loaded = len(self)
        self._store.load({**rows, **first_looks, SYNC_RUNS.name: list(certificate())}, state)
        for part in (self._rows, self._before, self._steps, self._history, self._lines):
            part.clear()
        return loaded

    def _replace(self, resource: str, key: Any, earlier: Row, row: Row) -> None:
        """Note what an earlier look of the same batch showed before it is forgotten."""
        if resource in HISTORY_OF and state_of(resource, earlier) != state_of(resource, row):
            self._steps[resource][key].append(earlier)
        if row.get("_walk") is None and "_walk" in row:
            row["_walk"] = earlier["_walk"]
        self._judge_event(earlier, row)

    def _tell_over_stored(self) -> None:
        """Lay what the ledger's lines say over what is stored of their sessions."""
        for key, row in self._store.known(SESSIONS, self._lines).items():
            for line in self._lines[key]:
                row = line.told_over(row)
            self._rows[SESSIONS.name][key] = row

    def _compare_all(self) -> dict[str, list[Row]]:
        """Compare every row with what is stored; return the history of the first looks."""
        first_looks: dict[str, list[Row]] = defaultdict(list)
        for resource, table in _TABLES.items():
            rows, before = self._rows[resource], self.before(table)
            for key, row in list(rows.items()):
                self._compare(resource, key, row, before[key], first_looks)
        return first_looks

    def _compare(
        self,
        resource: str,
        key: Any,
        row: Row,
        before: Row | None,
        first_looks: dict[str, list[Row]],
    ) -> None:
        """Count what is new or changed, note new states, and drop what is older than stored."""
        if before is not None and self._is_older(row, before):
            del self._rows[resource][key]
            return
        if before is None:
            self.new[resource] += 1
        else:
            self.changed[resource] += _says_more(row, before)
            if row.get("_walk") is None and "_walk" in row:
                row["_walk"] = before["_walk"]
        if resource in HISTORY_OF:
            self._note_states(resource, key, row, before, first_looks)

    def _is_older(self, row: Row, stored: Row) -> bool:
        """Tell whether a row was read before the one that is stored.

        What seems to have been stored after all that was read now was read before the server's
        clock was set back.
        """
        was_set_back = self.latest is not None and stored["_seen_at"] - self.latest > CLOCK_SLACK
        return not was_set_back and stored["_seen_at"] - row["_seen_at"] > CLOCK_SLACK

    def _note_states(
        self,
        resource: str,
        key: Any,
        row: Row,
        before: Row | None,
        first_looks: dict[str, list[Row]],
    ) -> None:
        history = HISTORY_OF[resource]
        looks = (
            [*self._steps[resource].get(key, ()), row] if key in self._steps[resource] else [row]
        )
        for look in looks:
            if look["status"] is None:
                continue  # a status that could not be read is none that was seen
            if before is not None and before["status"] is None:
                before = None
            if before is None and len(looks) == 1:
                first_looks[history.name].append(entry(resource, look, None))
            elif before is None or state_of(resource, before) != state_of(resource, look):
                self.add_history(history, entry(resource, look, before))
            before = look

    def _judge_event(self, earlier: Row | None, row: Row) -> None:
        """Compare what events made of an order with what the list says of it."""
        if earlier is None or earlier.get("_origin") != "event" or row["_origin"] != "list":
            return
        if earlier["status"] == row["status"] and not row["deleted_at"]:
            same = not _says_more(row, earlier)
            (self.events_right if same else self.events_wrong)[row["status"]] += 1


def _says_more(row: Row, earlier: Row) -> bool:
    """Tell whether a row says something else than before, as far as fingerprints can tell."""
    return same_fingerprint(row["_fingerprint"], earlier["_fingerprint"]) is False
