"""One sync, from the plan to the certificate.

1. The ledger's files are looked at, and the first page of each list that needs a whole walk is
   read: the first costs nothing, the second shows that the key and the contract hold. Until then
   nothing is written.
2. The ledger is read.
3. Whole walks, page by page in turn, so that two first loads share the quota.
4. What was proven before is caught up with: logs first, because they tell where orders moved.
5. The certificate. It is also written with every batch on the way, as partial, so that a sync
   that was killed can be seen.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from pipelines.client import PrintoraClient
from pipelines.clock import Clock, utc
from pipelines.errors import PrintoraError, QuotaExhausted
from pipelines.progress import Listener, Loaded, PageRead, Planned
from pipelines.source.ledger import Entry, Ledger
from pipelines.source.parse import Parser, Rejected, Row
from pipelines.source.privacy import Privacy
from pipelines.source.schema import ORDERS, SESSIONS, WEBHOOK_LOGS, Table
from pipelines.sync.batch import Batch
from pipelines.sync.certificate import (
    FAILED,
    SKIPPED,
    WHOLE_LEDGER,
    ResourceCertificate,
    SyncResult,
)
from pipelines.sync.events import Feed
from pipelines.sync.history import HISTORY_OF, missing
from pipelines.sync.known import Known
from pipelines.sync.lists import LONG_WALK, ListSync, Shared
from pipelines.sync.logs import LogSync
from pipelines.sync.orders import OrderSync
from pipelines.sync.reading import Reader
from pipelines.sync.store import Store

#: Rows kept in memory before they are loaded, and how long they may wait, in seconds.
FLUSH_ROWS = 20_000
FLUSH_SECONDS = 120.0
#: A whole walk that only proves again what feeds and counts could not takes this much at a time.
WALK_REQUESTS = 500


class Engine:
    """Runs one sync against an opened store."""

    def __init__(
        self,
        client: PrintoraClient,
        store: Store,
        privacy: Privacy,
        *,
        clock: Clock,
        listener: Listener,
        ledger: str | None = None,
        full: bool = False,
    ) -> None:
        self._client = client
        self._store = store
        self._clock = clock
        self._listener = listener
        self._full = full
        self._accepted = False
        self._batch = Batch(store)
        self._known = Known(store, self._batch)
        self._flushed_at = clock.now()
        self.started_at = utc(clock.now())
        self.sync_id = f"{self.started_at:%Y%m%dT%H%M%S.%fZ}-{uuid.uuid4().hex[:6]}"
        marks = store.state.get("ledger")
        self._ledger = Ledger(ledger, marks, now=self.started_at) if ledger else None
        self._parser = Parser("sessions", privacy)
        self.sessions = self._certificate(SESSIONS)
        if self._ledger is None:
            self.sessions.skipped("no session ledger is set (SOURCES__PRINTORA__SESSION_LEDGER)")
        self.logs = self._list(LogSync, WEBHOOK_LOGS, client.list_webhook_logs, privacy)
        self.orders = self._list(OrderSync, ORDERS, client.list_orders, privacy)
        self.orders.feed = Feed(store, self._batch, self._known, Parser("orders", privacy))
        self.orders.refresh = self._refresh_logs

    def run(self) -> SyncResult:
        """Carry the sync out.

        A quota that runs out ends it early and not in vain: what was read is loaded. Any other
        error does so too, if something was read, and is then raised.
        """
        stopped_by: str | None = None
        self._make_good()
        try:
            self._sync()
        except QuotaExhausted as error:
            stopped_by = str(error)
            self._unfinished(error.message)
        except PrintoraError as error:
            if self._began:
                self._unfinished(error.message, FAILED)
                self._finish()
            raise
        return self._finish(stopped_by)

    @property
    def _began(self) -> bool:
        """Tell whether rows were read, by a key and a partner that both lists accept."""
        read = self.logs.reader.tally.rows_read or self.orders.reader.tally.rows_read
        return self._accepted and bool(read)

    def _make_good(self) -> None:
        """Add the history that a killed sync did not get to."""
        for table in (ORDERS, WEBHOOK_LOGS):
            for row in missing(self._store, table):
                self._batch.add_history(HISTORY_OF[table.name], row)

    # The steps -------------------------------------------------------------------------------

    def _sync(self) -> None:
        entries = iter(self._ledger.entries()) if self._ledger else iter(())
        first = next(entries, None)
        walking = [part for part in self._lists() if self._needs_walk(part)]
        resumed = {part for part in walking if part.walk is not None}
        try:
            self._begin_walks(walking)
        except QuotaExhausted:
            self._read_ledger(first, entries)  # it costs nothing
            raise
        self._accepted = True
        self._tell_plan(walking)
        self._read_ledger(first, entries)
        waiting = {self.orders} if self._feed_is_missing(walking) else set()
        self._catch_up([part for part in self._lists() if part not in waiting])
        for part in waiting:
            part.read_head()
        self._walk(walking)
        behind = waiting | {part for part in walking if part in resumed or self._took_long(part)}
        self._catch_up([part for part in self._lists() if part in behind])
        self._walk_doubted()

    def _feed_is_missing(self, walking: list[ListSync]) -> bool:
        """Tell whether logs are loaded for the first time, and orders are not any more.

        What moved is then found by counting only, day after day, for as long as the load takes;
        once the logs are there, they tell all of it.
        """
        return self.logs in walking and self.orders not in walking and self.orders.can_catch_up

    def _begin_walks(self, parts: list[ListSync]) -> None:
        for part in parts:
            if part.walk is None:
                part.begin_walk()
            part.step_walk()

    def _lists(self) -> tuple[ListSync, ...]:
        return (self.logs, self.orders)

    def _needs_walk(self, part: ListSync) -> bool:
        """Tell whether a list is read whole from the start: the first load, or as it was asked."""
        return self._full or part.frontier is None

    def _walk(self, parts: list[ListSync], *, at_most: int | None = None) -> None:
        """Read whole lists, a page of each in turn."""
        spent = 0
        while any(part.walk is not None for part in parts):
            for part in parts:
                if part.walk is not None and (at_most is None or spent < at_most):
                    part.step_walk()
                    spent += 1
            if at_most is not None and spent >= at_most:
                return
            self._flush_when_due()

    def _took_long(self, part: ListSync) -> bool:
        as_of = part.certificate.complete_as_of
        return as_of is not None and self._server_now() - as_of > LONG_WALK

    def _catch_up(self, parts: list[ListSync]) -> None:
        """Read what changed, logs first: they tell where orders moved."""
        for part in parts:
            if part.can_catch_up and (part.walk is None or not part.is_proven):
                part.catch_up()
                self._flush_when_due()

    def _refresh_logs(self) -> None:
        if self.logs.can_catch_up:
            self.logs.read_head()

    def _walk_doubted(self) -> None:
        """Let whole walks prove what feeds and counts could not, as far as one sync may go."""
        parts = [part for part in self._lists() if self._is_open(part)]
        for part in parts:
            if part.walk is None and self._may_walk(part):
                part.begin_walk()
        self._walk([part for part in parts if part.walk is not None], at_most=WALK_REQUESTS)
        for part in parts:
            if part.walk is not None:
                part.certificate.unproven("a whole walk is under way; run again to go on")

    def _is_open(self, part: ListSync) -> bool:
        return part.walk is not None or (
            part.certificate.complete_as_of is None and not (part.is_proven and part.can_catch_up)
        )

    def _may_walk(self, part: ListSync) -> bool:
        """Tell whether a whole walk is due; say in the certificate when it is not."""
        due = part.next_walk_at()
        if due is None or due <= self._server_now():
            return True
        why = part.certificate.reason or "the list has no order"
        part.certificate.unproven(f"{why}; a whole walk follows after {due:%Y-%m-%d %H:%M} UTC")
        return False

    def _read_ledger(self, first: Entry | None, rest: Any) -> None:
        if self._ledger is None:
            return
        seen_at = self._server_now()
        if first is not None:
            self._take_entry(first, seen_at)
        for entry in rest:
            self._take_entry(entry, seen_at)
            if self.sessions.rows_read % 1000 == 0:
                self._tell_ledger()
                self._flush_when_due()
        self._tell_ledger()
        coverage = self._ledger.coverage
        self.sessions.rows_reported = self._ledger.lines
        self.sessions.detail["ledger"] = coverage.document()
        if gap := coverage.gap(self.started_at):
            self.sessions.unproven(gap)
        else:
            self.sessions.proven(seen_at, WHOLE_LEDGER)

    def _take_entry(self, entry: Entry, seen_at: datetime) -> None:
        self.sessions.rows_read += 1
        parsed = entry.parsed_by(self._parser, seen_at)
        if isinstance(parsed, Rejected):
            self._batch.add(SESSIONS.name, parsed, seen_at)
        else:
            self._batch.note(SESSIONS.name, parsed, seen_at)
            self._batch.add_line(entry.line(parsed), seen_at)

    # Loading ---------------------------------------------------------------------------------

    def _flush_when_due(self) -> None:
        waited = self._clock.now() - self._flushed_at
        if len(self._batch) >= FLUSH_ROWS or (len(self._batch) and waited >= FLUSH_SECONDS):
            self._flush()

    def _flush(self) -> None:
        """Load what was read, with the state that goes on after it."""
        if not len(self._batch):
            return
        self._load()

    def _load(self) -> None:
        loaded = self._batch.flush(self._state(), self._noted)
        self._flushed_at = self._clock.now()
        self._listener(Loaded({"rows": loaded}))

    def _state(self) -> dict[str, Any]:
        # The ledger's marks count once all of it is read: until then it is read again.
        ledger = self._store.state.get("ledger")
        if self._ledger and self._ledger.is_read:
            ledger = self._ledger.state()
        return {
            "orders": self.orders.state(),
            "webhook_logs": self.logs.state(),
            "ledger": ledger or {},
        }

    # The certificate -------------------------------------------------------------------------

    def _unfinished(self, reason: str, outcome: str = "partial") -> None:
        for part in (self.sessions, self.logs.certificate, self.orders.certificate):
            if part.complete_as_of is None and part.outcome != SKIPPED:
                part.unproven(reason, outcome)

    def _finish(self, stopped_by: str | None = None) -> SyncResult:
        for table in (SESSIONS, WEBHOOK_LOGS, ORDERS):
            self._certificates()[table.name].rows_stored = self._known.count(table)
        self._load()
        certificates = self._certificates()
        return SyncResult(
            self.sync_id,
            certificates,
            self._client.governor.requests,
            self._client.governor.left(),
            stopped_by,
        )

    def _certificates(self) -> dict[str, ResourceCertificate]:
        return {
            SESSIONS.name: self.sessions,
            WEBHOOK_LOGS.name: self.logs.certificate,
            ORDERS.name: self.orders.certificate,
        }

    def _noted(self) -> list[Row]:
        """Bring the certificates up to date with what was counted, and return their rows."""
        now = self._server_now()
        certificates = self._certificates()
        for part in self._lists():
            tally, certificate = part.reader.tally, part.certificate
            certificate.requests = tally.requests.total()
            certificate.rows_read = tally.rows_read
            certificate.rows_reported = tally.total
            certificate.detail |= {
                "requests_by_purpose": dict(tally.requests),
                "order": part.order,
                "api_version": self._client.contract.version,
                "quota_left": self._client.governor.left(),
            }
        for name, certificate in certificates.items():
            certificate.started_at = self.started_at_server
            certificate.ended_at = now
            certificate.rows_new = self._batch.new[name]
            certificate.rows_changed = self._batch.changed[name]
            certificate.rows_quarantined = self._batch.quarantined[name]
            certificate.detail["value_issues"] = self._batch.value_issues[name]
        return [certificate.row(self.sync_id) for certificate in certificates.values()]

    @property
    def started_at_server(self) -> datetime:
        """When the sync began, by the server's clock as far as it is known by now."""
        return utc(self._client.governor.server_clock.to_server(self.started_at.timestamp()))

    def _server_now(self) -> datetime:
        return utc(self._client.governor.server_clock.to_server(self._clock.now()))

    # Telling ---------------------------------------------------------------------------------

    def _tell_plan(self, walking: list[ListSync]) -> None:
        left = self._client.governor.left()
        requests, lines = 0, []
        for part in self._lists():
            total = part.reader.tally.total
            if part not in walking:
                requests, plan = requests + _CATCH_UP, "what changed"
            elif part.walk is None:
                plan = "all read"
            else:
                pages = part.walk.pages_left()
                requests += pages or 0
                plan = f"whole list, {total if total is not None else 'unknown'} rows"
            lines.append(f"{part.table.name}: {plan}")
        self._listener(Planned(requests, left, "; ".join(lines)))

    def _tell_ledger(self) -> None:
        self._listener(PageRead(SESSIONS.name, self.sessions.rows_read, None, 0, {}))

    # Making the parts ------------------------------------------------------------------------

    def _certificate(self, table: Table) -> ResourceCertificate:
        return ResourceCertificate(table.name, self.started_at, self.started_at)

    def _list(self, kind: type[Any], table: Table, fetch: Any, privacy: Privacy) -> Any:
        reader = Reader(
            table.name,
            fetch,
            Parser(table.name, privacy),
            self._batch.add,
            listener=self._listener,
            quota_left=self._client.governor.left,
        )
        shared = Shared(self._store, self._batch, self._known, self._flush)
        state = dict(self._store.state.get(table.name, {}))
        return kind(table, reader, shared, state, self._certificate(table))


#: What catching up with one list usually takes, in requests.
_CATCH_UP = 4
