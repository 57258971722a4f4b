"""The dlt source, for whoever brings a pipeline of their own.

```
Partner API ──▶ client (paced) ──▶ walk (whole list) ──▶ rows ──▶ orders, webhook_logs
session ledger ───────────────────────────────────────▶ rows ──▶ sessions
                                        bad records ──▶ quarantine, bad values ──▶ value_issues
```

In: settings through dlt's configuration, as everywhere (``SOURCES__PRINTORA__…``).
Out: the raw tables of ``pipelines/source/schema.py``, merged by their keys.
Merge: by key, the later look wins.
Alone: ``python -c "import dlt; from pipelines.printora import printora_source;
dlt.pipeline('mine', destination='duckdb').run(printora_source())"``

Every list is read whole at each run. ``printora sync`` reads what changed instead, keeps its place
over days, and certifies what it has: prefer it. This source is for other destinations and tools.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import dlt

from pipelines.clock import Clock, SystemClock, utc
from pipelines.destinations.duckdb import hints_of, resource, to_arrow
from pipelines.errors import PrintoraError
from pipelines.lists import LISTS, ListSpec
from pipelines.people import keys_for
from pipelines.settings import Settings, load_settings
from pipelines.source.ledger import Ledger
from pipelines.source.parse import Parsed, Parser, Rejected, Row
from pipelines.source.privacy import Privacy
from pipelines.source.schema import QUARANTINE, SESSIONS, VALUE_ISSUES, Table
from pipelines.sync.driver import Driver
from pipelines.sync.protocol import Strategy
from pipelines.sync.runner import fetch_by
from pipelines.sync.scan import ScanResult, full_scan
from pipelines.sync.state import ScanPosition
from pipelines.sync.wiring import open_client

_BATCH_ROWS = 10_000


def printora_source(settings: Settings | None = None, *, clock: Clock | None = None) -> Any:
    """Return the dlt source with the resources orders, webhook_logs and sessions.

    What cannot be a row goes to the table quarantine, what a row lacks to value_issues.

    Raises while it is read:
        PrintoraError: the API, the ledger or the quota; a list that cannot be read whole.
    """
    whole = _WholeLists(settings or load_settings(), clock or SystemClock())
    resources = [resource(spec.table, whole.scan, spec) for spec in LISTS]
    resources.append(resource(SESSIONS, whole.ledger))
    return dlt.source(lambda: resources, name="printora", max_table_nesting=0)()


class _WholeLists:
    """Reads each list from end to end, anew for each run of the source."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._privacy = Privacy(settings.personal_data, keys_for(settings))

    def scan(self, spec: ListSpec) -> Iterator[Any]:
        """Read a list of the API."""
        pile = _Pile(spec.table)
        with open_client(self._settings, self._clock) as client:
            driver = Driver(
                fetch_by(client),
                {spec.name: Parser(spec.name, self._privacy, spec.shape)},
                pile,
                clock=self._clock,
            )
            yield from _batches(driver, full_scan(spec, ScanPosition()), pile)

    def ledger(self) -> Iterator[Any]:
        """Read the session ledger; nothing where none is set."""
        if self._settings.session_ledger is None:
            return
        pile = _Pile(SESSIONS)
        parser = Parser(SESSIONS.name, self._privacy)
        seen_at = utc(self._clock.now())
        for entry in Ledger(self._settings.session_ledger).entries():
            pile.add(SESSIONS.name, entry.parsed_by(parser, seen_at), seen_at)
            if pile.is_full:
                yield from pile.take()
        yield from pile.take()


def _batches(driver: Driver, scan: Strategy[ScanResult], pile: _Pile) -> Iterator[Any]:
    """Read page by page, and hand over what is enough for a batch."""
    pages = driver.pages(scan)
    while True:
        try:
            next(pages)
        except StopIteration as end:
            result: ScanResult = end.value
            yield from pile.take()
            _refuse_lost(result)
            return
        if pile.is_full:
            yield from pile.take()


def _refuse_lost(result: ScanResult) -> None:
    if result.lost_because:
        raise PrintoraError(
            f"The list cannot be read whole: {result.lost_because}.",
            hint="Run again when it is quieter, or use `printora sync`.",
        )


class _Pile:
    """Rows of one table, and what was bad beside them, until there are enough for a batch."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._rows: dict[str, dict[str, Row]] = {
            part.name: {} for part in (table, QUARANTINE, VALUE_ISSUES)
        }

    @property
    def is_full(self) -> bool:
        return len(self) >= _BATCH_ROWS

    def __len__(self) -> int:
        return sum(map(len, self._rows.values()))

    def add(self, resource: str, parsed: Parsed | Rejected, seen_at: datetime) -> None:
        """Keep a row, or a record that is none; ``resource`` is the table's."""
        del resource
        if isinstance(parsed, Rejected):
            self._keep(QUARANTINE, parsed.row(seen_at))
            return
        self._keep(self._table, parsed)
        for issue in parsed.issues:
            self._keep(VALUE_ISSUES, issue.row(seen_at))

    def _keep(self, table: Table, row: Row) -> None:
        self._rows[table.name][row[table.key[0]]] = row

    def take(self) -> Iterator[Any]:
        """Yield the batches and begin anew; what was bad goes to tables of its own."""
        for table in (self._table, QUARANTINE, VALUE_ISSUES):
            rows = self._rows[table.name]
            if rows and table is self._table:
                yield to_arrow(table, rows.values())
            elif rows:
                hints = dlt.mark.make_hints(table_name=table.name, **hints_of(table))
                batch = to_arrow(table, rows.values())
                yield dlt.mark.with_hints(batch, hints, create_table_variant=True)
            rows.clear()
