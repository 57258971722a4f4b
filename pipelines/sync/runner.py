"""One sync against an opened destination: ledger, lists, loads and certificates."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta

from pipelines.client import Page, PrintoraClient
from pipelines.clock import Clock, utc
from pipelines.destinations.base import Destination
from pipelines.errors import PrintoraError, QuotaExhausted
from pipelines.lists import LISTS, ListSpec, lists_of
from pipelines.progress import Listener, Loaded
from pipelines.source.parse import Parser
from pipelines.source.privacy import Privacy
from pipelines.source.schema import FAILED, SESSIONS
from pipelines.sync.ahead import fetch_by
from pipelines.sync.certificate import ResourceCertificate, SyncResult
from pipelines.sync.certifying import Certificates
from pipelines.sync.driver import Driver
from pipelines.sync.feed import EventFeed
from pipelines.sync.ledger_run import LedgerRun
from pipelines.sync.listrun import ListRun, Shared
from pipelines.sync.overlay import Overlay
from pipelines.sync.pending import PendingRows
from pipelines.sync.plan import Plan
from pipelines.sync.resuming import left_of, take_up
from pipelines.sync.state import Identity, SyncState
from pipelines.sync.stored_state import read_state
from pipelines.sync.verdict import ClockReading, NeedsScan, Verified
from pipelines.sync.verdict import after as state_after


class Runner:
    """Carries one sync out: makes its parts, runs them, and loads what they read."""

    def __init__(
        self,
        client: PrintoraClient,
        destination: Destination,
        privacy: Privacy,
        *,
        clock: Clock,
        listener: Listener,
        ledger: str | None = None,
        full: bool = False,
        accept_deletions: bool = False,
        identity: Identity | None = None,
        adopt: bool = False,
        reread_within: timedelta = timedelta(days=30),
        lists: Sequence[ListSpec] = LISTS,
        in_flight: int = 1,
        waiting: Callable[[Callable[[], Page]], Page] = lambda wait: wait(),
    ) -> None:
        self._client = client
        self._destination = destination
        self._clock = clock
        self._listener = listener
        self._kept = read_state(destination.state)
        self._server_clock = client.governor.server_clock
        if self._kept.server_offset is not None:
            self._server_clock.remember(self._kept.server_offset)
        self._identity = identity or self._kept.identity
        self._lists = lists_of(client.contract.version, lists)
        self._withdrawn = destination.withdrawn()
        self._started_at = utc(clock.now())
        sync_id = f"{self._started_at:%Y%m%dT%H%M%S.%fZ}-{uuid.uuid4().hex[:6]}"
        self._parsers = {spec.name: Parser(spec.name, privacy, spec.shape) for spec in self._lists}
        self._pending = PendingRows(destination, self._lists, self._parsers)
        self._sessions = self._ledger_run(ledger, privacy)
        self.driver = self._make_driver(waiting, in_flight)
        shared = Shared(
            Overlay(destination, self._pending),
            self._pending,
            self._reading,
            accept_deletions,
            same_identity=adopt or self._kept.identity in (None, self._identity),
        )
        self._runs = {spec.name: self._list_run(spec, shared) for spec in self._lists}
        self._certificates = Certificates(
            sync_id=sync_id,
            started_at=self._started_at,
            sessions=self._sessions,
            runs=self._runs,
            stats=self.driver.stats,
            pending=self._pending,
            client=client,
            destination=destination,
            clock=self._reading,
        )
        self._plan = Plan(
            self.driver,
            self._runs.values(),
            now=lambda: self._reading().server,
            listener=listener,
            quota_left=client.governor.left,
            read_ledger=lambda: self._sessions.read(self.driver.load_when_due),
            full=full,
            reread_within=reread_within,
        )

    def run(self) -> SyncResult:
        """Carry the sync out.

        A quota that runs out ends it early and not in vain: what was read is loaded. Any other
        error does so too, if something was read, and is then raised.
        """
        stopped_by: str | None = None
        self._backfill()
        try:
            self._sessions.begin()
            self._plan.carry_out()
        except QuotaExhausted as error:
            stopped_by = str(error)
            self._certificates.leave_open(error.message)
        except PrintoraError as error:
            if self._began:
                self._certificates.leave_open(error.message, FAILED)
                self._finish()
            raise
        return self._finish(stopped_by)

    @property
    def _began(self) -> bool:
        """Tell whether anything was read, by a key and a partner that the lists accept."""
        read = [self._sessions.certificate.rows_read]
        read += [stats.rows_read for stats in self.driver.stats.values()]
        return self._plan.accepted and any(read)

    def _backfill(self) -> None:
        """Add the history that a killed sync did not get to."""
        until = self._kept.observed_until
        if until is not None and until > utc(self._clock.now()):
            until = None  # the server's clock was set back: nothing tells what came last
        for spec in self._lists:
            keys = self._destination.without_history(spec.table, spec.history, until)
            if keys:
                self._pending.backfill(spec, keys)

    def _finish(self, stopped_by: str | None = None) -> SyncResult:
        self.driver.close()
        self._pending.load_again()
        self._sessions.certificate.rows_stored = self._pending.count(SESSIONS)
        if not self._load_and_look(self._runs.values()):
            self._load()
        return SyncResult(
            self._certificates.sync_id,
            self._certificates.by_resource,
            self._client.governor.requests,
            self._client.governor.left(),
            stopped_by,
        )

    def _reading(self) -> ClockReading:
        now = self._clock.now()
        doubt = self._client.clock_doubt
        server = self._server_clock.to_server(now)
        return ClockReading(utc(server), utc(now), doubt)

    # Loading ---------------------------------------------------------------------------------

    def _load(self) -> None:
        self._load_and_look([run for run in self._runs.values() if run.certificate.complete_as_of])

    def _load_and_look(self, runs: Collection[ListRun]) -> bool:
        """Load what waits; tell whether all rows of the lists are then stored as they were read."""
        promised = self._certificates.promise(runs)
        state = self._state()
        loaded = self._pending.load(state.to_json(), self._certificates.rows)
        self._kept = state
        self._listener(Loaded(loaded))
        return self._certificates.are_kept(promised)

    def _state(self) -> SyncState:
        ledger = self._sessions.marks
        agreed = self._server_clock.agreed
        latest = [at for at in (self._pending.latest, self._kept.observed_until) if at]
        return SyncState(
            lists={
                name: left_of(run, self.driver, self._parsers[name])
                for name, run in self._runs.items()
            },
            ledger=ledger or self._kept.ledger,
            session_fields=self._sessions.fields if ledger else self._kept.session_fields,
            identity=self._identity,
            observed_until=self._pending.latest or max(latest, default=None),
            server_offset=self._kept.server_offset if agreed is None else agreed,
        )

    # Making the parts ------------------------------------------------------------------------

    def _ledger_run(self, place: str | None, privacy: Privacy) -> LedgerRun:
        return LedgerRun(
            place,
            self._kept if SESSIONS.name not in self._withdrawn else SyncState(),
            self._certificate(SESSIONS.name),
            self._pending,
            parser=Parser(SESSIONS.name, privacy),
            fields=privacy.session_fields,
            clock=self._reading,
            listener=self._listener,
            started_at=self._started_at,
        )

    def _make_driver(self, waiting: Callable[[Callable[[], Page]], Page], in_flight: int) -> Driver:
        return Driver(
            fetch_by(self._client),
            self._parsers,
            self._pending,
            clock=self._clock,
            listener=self._listener,
            load=self._load,
            quota_left=self._client.governor.left,
            waiting=waiting,
            sent=lambda name: self._client.sent(self._runs[name].spec),
            room=self._client.governor.room,
            proven=self._proven,
            in_flight=in_flight,
        )

    def _proven(self, name: str) -> datetime | None:
        """Return as of when this sync has proven a list; None while it has not."""
        verdict = self._runs[name].verdict
        return verdict.evidence.as_of if isinstance(verdict, Verified) else None

    def _certificate(self, name: str) -> ResourceCertificate:
        return ResourceCertificate(name, self._started_at, self._started_at)

    def _list_run(self, spec: ListSpec, shared: Shared) -> ListRun:
        state, parser = self._kept.of(spec.name), self._parsers[spec.name]
        if spec.name in self._withdrawn:
            state = state_after(state, NeedsScan("a certificate that it rests on was withdrawn"))
        take_up(spec.name, state, self.driver, parser, self._started_at)
        feed = None
        if spec.feed is not None:
            events = next(each for each in self._lists if each.name == spec.feed.events)
            feed = EventFeed(spec, events, spec.feed, parser)
        stats = self.driver.stats[spec.name]
        return ListRun(spec, state, self._certificate(spec.name), stats, shared, feed)
