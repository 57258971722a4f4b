"""The dlt source, for whoever brings a pipeline of their own.

```
Partner API ──▶ client (paced) ──▶ walk (whole list) ──▶ rows ──▶ orders, webhook_logs
session ledger ───────────────────────────────────────▶ rows ──▶ sessions
                                        bad records ──▶ quarantine, bad values ──▶ value_issues
```

In: arguments, or settings through dlt's configuration (``SOURCES__PRINTORA__…``).
Out: the raw tables of ``pipelines/source/schema.py``, as Arrow tables.
Merge: by key, the later look wins; files that know no key are replaced whole.
Alone: ``python -m pipelines``; in a pipeline: ``from pipelines.source import printora``.

Every list is read whole at each run. ``printora sync`` reads what changed instead, keeps its place
over days, and certifies what it has: prefer it. This source is for other destinations and tools.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import dlt

from pipelines.clock import Clock, SystemClock, utc
from pipelines.destinations.batches import to_arrow
from pipelines.destinations.packages import hints_of, without_expected_hints
from pipelines.errors import PrintoraError
from pipelines.lists import ListSpec, lists_of
from pipelines.lookup import overridden
from pipelines.people import keys_for
from pipelines.setting_table import SECTION
from pipelines.settings import Settings, load_settings
from pipelines.source.ledger import Ledger
from pipelines.source.parse import Parsed, Parser, Rejected, Row
from pipelines.source.partial import SessionLine
from pipelines.source.privacy import Privacy
from pipelines.source.schema import QUARANTINE, SESSIONS, VALUE_ISSUES, Table
from pipelines.sync.ahead import fetch_by
from pipelines.sync.driver import Driver
from pipelines.sync.position import ScanPosition
from pipelines.sync.protocol import Strategy
from pipelines.sync.scan import ScanResult, full_scan
from pipelines.sync.unread import Look, Unread
from pipelines.sync.wiring import open_client

_BATCH_ROWS = 10_000
_DELETE_INSERT = {"disposition": "merge", "strategy": "delete-insert"}


@dlt.source(name="printora", section="printora", max_table_nesting=0)
def printora(
    api_key: dlt.TSecretStrValue = dlt.secrets.value,
    partner_id: str = dlt.config.value,
    environment: str | None = None,
    base_url: str | None = None,
    api_version: str | None = None,
    session_ledger: str | None = None,
    personal_data: str | None = None,
    pseudonym_key: dlt.TSecretStrValue | None = None,
    allow_mode_mismatch: bool | None = None,
    reserve_share: float | None = None,
    requests_per_minute: int | None = None,
    requests_per_hour: int | None = None,
    requests_per_day: int | None = None,
    max_wait_seconds: float | None = None,
    timeout_seconds: float | None = None,
) -> Any:
    """Return the resources orders, webhook_logs and sessions; README.md beside the source has more.

    Each argument is the setting of its name, and may be set wherever dlt looks, for one pipeline,
    too; None leaves it to the settings. What cannot be a row goes to the table quarantine, what a
    row lacks to value_issues.

    Raises:
        ConfigurationError: a setting is malformed, or the key's mode contradicts the environment.
        PrintoraError: while it is read: the API, the ledger or the quota; a list that cannot be
            read whole.
    """
    given = {name: value for name, value in locals().items() if value is not None}
    with overridden({f"{SECTION}.{name}": value for name, value in given.items()}):
        settings = load_settings()
    return _resources(settings, SystemClock())


def printora_source(settings: Settings | None = None, *, clock: Clock | None = None) -> Any:
    """Return the same source by its older name, from settings that were read already.

    Raises:
        PrintoraError: as :func:`printora`.
    """
    chosen, time = settings or load_settings(), clock or SystemClock()
    return dlt.source(
        lambda: _resources(chosen, time), name="printora", section="printora", max_table_nesting=0
    )()


def _resources(settings: Settings, clock: Clock) -> list[Any]:
    whole = _WholeLists(settings, clock)
    resources = [
        _resource(spec.table, whole.scan, spec) for spec in lists_of(settings.contract.version)
    ]
    return [*resources, _resource(SESSIONS, whole.ledger)]


def _resource(table: Table, read: Any, *arguments: Any) -> Any:
    """Return a resource that reads anew at each run, in the way that the run's destination has."""

    def batches() -> Iterator[Any]:
        pile = _Pile(table, _disposition())
        with without_expected_hints([table.name]):
            yield from read(pile, *arguments)

    hints = {name: hint for name, hint in hints_of(table).items() if name != "write_disposition"}
    return dlt.resource(batches, name=table.name, **hints)


def _disposition() -> Any:
    """Return how the destination of the run keeps one row per key.

    Delta and Iceberg know no delete-insert, and plain files no key at all: dlt would append to
    them, and each run double the rows.
    """
    strategies = dlt.current.pipeline().destination.capabilities().supported_merge_strategies or ()
    source, name = dlt.current.source(), dlt.current.resource_name()
    table_format = source.resources[name].compute_table_schema().get("table_format")
    if "delete-insert" in strategies:
        return _DELETE_INSERT
    if "upsert" in strategies and table_format in ("delta", "iceberg"):
        return {"disposition": "merge", "strategy": "upsert"}
    return "replace"


class _WholeLists:
    """Reads each list from end to end, anew for each run of the source."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._privacy = Privacy(settings.personal_data, keys_for(settings), settings.models.fields)

    def scan(self, pile: _Pile, spec: ListSpec) -> Iterator[Any]:
        """Read a list of the API."""
        parser = Parser(spec.name, self._privacy, spec.shape)
        pile.unread = Unread(parser, pile.note)
        with open_client(self._settings, self._clock) as client:
            driver = Driver(
                fetch_by(client),
                {spec.name: parser},
                pile,
                clock=self._clock,
            )
            yield from _batches(driver, full_scan(spec, ScanPosition()), pile)

    def ledger(self, pile: _Pile) -> Iterator[Any]:
        """Read the session ledger; nothing where none is set.

        All of it is one batch: a later line may say only what is new about a session.
        """
        if self._settings.session_ledger is None:
            return
        parser = Parser(SESSIONS.name, self._privacy)
        seen_at = utc(self._clock.now())
        for entry in Ledger(self._settings.session_ledger).entries():
            parsed = entry.parsed_by(parser, seen_at)
            if isinstance(parsed, Rejected):
                pile.add(SESSIONS.name, parsed, seen_at)
            else:
                pile.add_line(entry.line(parsed), parsed, seen_at)
        yield from pile.take()


def _batches(driver: Driver, scan: Strategy[ScanResult], pile: _Pile) -> Iterator[Any]:
    """Read page by page, and hand over what is enough for a batch."""
    pages = driver.pages(scan)
    while True:
        try:
            next(pages)
        except StopIteration as end:
            result: ScanResult = end.value
            _refuse_lost(result)
            yield from pile.take()
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
    """Rows of one table, and what was bad beside them, until there are enough for a batch.

    Only delete-insert may meet a key in two batches: for all else the list is one batch.
    """

    def __init__(self, table: Table, disposition: Any) -> None:
        self._table = table
        self._disposition = disposition
        self._may_repeat = disposition == _DELETE_INSERT
        self.unread: Unread | None = None
        self._rows: dict[str, dict[str, Row]] = {
            part.name: {} for part in (table, QUARANTINE, VALUE_ISSUES)
        }

    @property
    def is_full(self) -> bool:
        return self._may_repeat and len(self) >= _BATCH_ROWS

    def __len__(self) -> int:
        return sum(map(len, self._rows.values())) + len(self.unread or ())

    def add(self, resource: str, rejected: Rejected, seen_at: datetime) -> None:
        """Keep a record that is no row; ``resource`` is the table's."""
        del resource
        self.note(rejected, seen_at)

    def add_record(self, resource: str, record: Any, look: Look, number: int) -> None:
        """Keep a record that is surely a row, the ``number``-th of its answer."""
        del resource
        if self.unread is not None:
            self.unread.add(record, look, number)

    def note(self, found: Parsed | Rejected, seen_at: datetime) -> None:
        """Keep what was bad about a record."""
        if isinstance(found, Rejected):
            self._keep(QUARANTINE, found.row(seen_at))
        else:
            self._keep_issues(found, seen_at)

    def add_line(self, line: SessionLine, parsed: Parsed, seen_at: datetime) -> None:
        """Lay a line of the ledger over what earlier ones said of its session."""
        known = self._rows[self._table.name].get(parsed[self._table.key[0]])
        self._keep(self._table, line.told_over(known))
        self._keep_issues(parsed, seen_at)

    def _keep_issues(self, parsed: Parsed, seen_at: datetime) -> None:
        for issue in parsed.issues:
            self._keep(VALUE_ISSUES, issue.row(seen_at))

    def _keep(self, table: Table, row: Row) -> None:
        self._rows[table.name][row[table.key[0]]] = row

    def take(self) -> Iterator[Any]:
        """Yield the batches and begin anew; what was bad goes to tables of its own."""
        for row in self.unread.take_rows() if self.unread else ():
            self._keep(self._table, row)
        for table in (self._table, QUARANTINE, VALUE_ISSUES):
            rows = self._rows[table.name]
            if rows:
                own = table is self._table
                yield self._marked(table, to_arrow(table, rows.values()), own=own)
            rows.clear()

    def _marked(self, table: Table, batch: Any, *, own: bool) -> Any:
        hints = {**hints_of(table), "write_disposition": self._disposition}
        if own:
            return dlt.mark.with_hints(batch, dlt.mark.make_hints(**hints))
        made = dlt.mark.make_hints(table_name=table.name, **hints)
        return dlt.mark.with_hints(batch, made, create_table_variant=True)
