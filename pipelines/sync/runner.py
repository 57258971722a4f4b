"""One sync against an opened destination: ledger, lists, loads and certificates."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from pipelines.client import Page, PrintoraClient
from pipelines.clock import Clock, utc
from pipelines.destinations.base import Destination
from pipelines.destinations.where import JsonObject, Row, where
from pipelines.errors import PrintoraError, QuotaExhausted
from pipelines.lists import LISTS, PAGE_SIZE, ListSpec
from pipelines.progress import Listener, Loaded
from pipelines.source.parse import Parser
from pipelines.source.privacy import Privacy
from pipelines.source.schema import FAILED, PARTIAL, SESSIONS, SKIPPED
from pipelines.sync.ahead import fetch_by
from pipelines.sync.certificate import ResourceCertificate, SyncResult
from pipelines.sync.driver import Driver
from pipelines.sync.feed import EventFeed
from pipelines.sync.ledger_run import LedgerRun
from pipelines.sync.listrun import ListRun, Shared
from pipelines.sync.overlay import Overlay
from pipelines.sync.page_size import PageSize, fewer
from pipelines.sync.pending import PendingRows
from pipelines.sync.plan import Plan
from pipelines.sync.state import Identity, ListState, SyncState
from pipelines.sync.stored_state import read_state
from pipelines.sync.unseen import last_look
from pipelines.sync.verdict import (
    ClockReading,
    Inconclusive,
    NeedsScan,
)
from pipelines.sync.verdict import after as state_after


class Runner:
    """Carries one sync out."""

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
        self._identity = identity or self._kept.identity
        version = client.contract.version
        self._lists = [spec for spec in lists if version in spec.paths]
        self._withdrawn = destination.withdrawn()
        self.started_at = utc(clock.now())
        self.sync_id = f"{self.started_at:%Y%m%dT%H%M%S.%fZ}-{uuid.uuid4().hex[:6]}"
        self._parsers = {spec.name: Parser(spec.name, privacy, spec.shape) for spec in self._lists}
        self._pending = PendingRows(destination, self._lists, self._parsers)
        self._sessions = LedgerRun(
            ledger,
            self._kept if SESSIONS.name not in self._withdrawn else SyncState(),
            self._certificate(SESSIONS.name),
            self._pending,
            parser=Parser(SESSIONS.name, privacy),
            fields=privacy.session_fields,
            clock=self._reading,
            listener=listener,
            started_at=self.started_at,
        )
        self.driver = Driver(
            fetch_by(client),
            self._parsers,
            self._pending,
            clock=clock,
            listener=listener,
            load=self._load,
            quota_left=client.governor.left,
            waiting=waiting,
            sent=self._sent,
            room=client.governor.room,
            in_flight=in_flight,
        )
        shared = Shared(
            Overlay(destination, self._pending),
            self._pending,
            self._reading,
            accept_deletions,
            same_identity=adopt or self._kept.identity in (None, self._identity),
        )
        self.runs = {spec.name: self._list_run(spec, shared) for spec in self._lists}
        self._plan = Plan(
            self.driver,
            self.runs.values(),
            now=self._server_now,
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
            self._unfinished(error.message)
        except PrintoraError as error:
            if self._began:
                self._unfinished(error.message, FAILED)
                self._finish()
            raise
        return self._finish(stopped_by)

    @property
    def _began(self) -> bool:
        """Tell whether rows were read, by a key and a partner that the lists accept."""
        return self._plan.accepted and any(s.rows_read for s in self.driver.stats.values())

    def _backfill(self) -> None:
        """Add the history that a killed sync did not get to."""
        until = self._kept.observed_until
        if until is not None and until > utc(self._clock.now()):
            until = None  # the server's clock was set back: nothing tells what came last
        for spec in self._lists:
            keys = self._destination.without_history(spec.table, spec.history, until)
            if keys:
                self._pending.backfill(spec, keys)

    # Loading ---------------------------------------------------------------------------------

    def _load(self) -> None:
        self._load_and_look([run for run in self.runs.values() if run.certificate.complete_as_of])

    def _load_and_look(self, runs: Collection[ListRun]) -> bool:
        """Load what waits; tell whether all rows of the lists are then stored as they were read."""
        promised = [(run, run.copy.statuses(run.spec)) for run in runs]
        for run, statuses in promised:
            run.certificate.rows_stored = sum(statuses.values())
        state = self._state()
        loaded = self._pending.load(state.to_json(), self._certified)
        self._kept = state
        self._listener(Loaded(loaded))
        stored = [self._is_stored(run, statuses) for run, statuses in promised]
        return all(stored)

    def _is_stored(self, run: ListRun, promised: Mapping[str | None, int]) -> bool:
        """Count where the readers read: a certificate that promises other rows is withdrawn."""
        there = self._destination.counted(run.spec.table)
        if there == promised:
            return True
        read, stored = sum(promised.values()), sum(there.values())
        reason = f"{read} {run.spec.words} were read, {stored} are there"
        if read != stored:
            run.conclude(NeedsScan(reason))
        else:
            run.conclude(Inconclusive(f"{reason}, and some of them in other statuses"))
        run.certificate.rows_stored = stored
        return False

    def _state(self) -> SyncState:
        ledger = self._sessions.marks
        latest = [at for at in (self._pending.latest, self._kept.observed_until) if at]
        return SyncState(
            lists={name: self._list_state(run) for name, run in self.runs.items()},
            ledger=ledger or self._kept.ledger,
            session_fields=self._sessions.fields if ledger else self._kept.session_fields,
            identity=self._identity,
            observed_until=self._pending.latest or max(latest, default=None),
        )

    def _list_state(self, run: ListRun) -> ListState:
        name = run.spec.name
        size = self.driver.sizes[name]
        return replace(
            run.state,
            scan=self.driver.scans.get(name),
            page_limit=size.limit if size.limit < PAGE_SIZE else None,
            paged_by=size.paged_by,
            spellings=self._parsers[name].spellings,
        )

    # The certificate -------------------------------------------------------------------------

    def _unfinished(self, reason: str, outcome: str = PARTIAL) -> None:
        for certificate in self._certificates().values():
            is_open = certificate.complete_as_of is None
            if is_open and certificate.outcome not in (SKIPPED, FAILED):
                certificate.unproven(reason, outcome)

    def _finish(self, stopped_by: str | None = None) -> SyncResult:
        self.driver.close()
        self._pending.load_again()
        self._sessions.certificate.rows_stored = self._pending.count(SESSIONS)
        if not self._load_and_look(self.runs.values()):
            self._load()
        return SyncResult(
            self.sync_id,
            self._certificates(),
            self._client.governor.requests,
            self._client.governor.left(),
            stopped_by,
        )

    def _certificates(self) -> dict[str, ResourceCertificate]:
        parts = {name: run.certificate for name, run in self.runs.items()}
        return {SESSIONS.name: self._sessions.certificate, **parts}

    def _certified(self) -> list[Row]:
        """Bring the certificates up to date with what was counted, and return their rows."""
        clock = self._reading()
        for name, run in self.runs.items():
            stats, certificate = self.driver.stats[name], run.certificate
            certificate.requests = self._sent(name)
            certificate.rows_read = stats.rows_read
            if certificate.complete_as_of is None:
                certificate.rows_reported = stats.total
            certificate.oldest_observation_at = self._oldest(run)
            certificate.detail |= _hidden(run.state)
            certificate.detail |= {
                "requests_by_purpose": dict(stats.requests),
                "order": run.state.order,
                "api_version": self._client.contract.version,
                "quota_left": self._client.governor.left(),
            }
        for name, certificate in self._certificates().items():
            certificate.started_at = self.started_at + (clock.server - clock.local)
            certificate.ended_at = max(clock.server, certificate.complete_as_of or clock.server)
            certificate.local_ended_at = clock.local
            certificate.rows_new = self._pending.new[name]
            certificate.rows_changed = self._pending.changed[name]
            certificate.rows_quarantined = self._pending.quarantined[name]
            certificate.detail["value_issues"] = self._pending.value_issues[name]
        return [part.row(self.sync_id) for part in self._certificates().values()]

    def _sent(self, name: str) -> int:
        return self._client.sent(self.runs[name].spec)

    def _oldest(self, run: ListRun) -> datetime | None:
        condition = where(run.spec, since=run.state.retention_cutoff)
        return run.copy.oldest_look(run.spec, condition)

    def _reading(self) -> ClockReading:
        now = self._clock.now()
        doubt = self._client.clock_doubt
        server = self._client.governor.server_clock.to_server(now)
        return ClockReading(utc(server), utc(now), doubt)

    def _server_now(self) -> datetime:
        return self._reading().server

    # Making the parts ------------------------------------------------------------------------

    def _certificate(self, name: str) -> ResourceCertificate:
        return ResourceCertificate(name, self.started_at, self.started_at)

    def _list_run(self, spec: ListSpec, shared: Shared) -> ListRun:
        state = self._kept.of(spec.name)
        if spec.name in self._withdrawn:
            state = state_after(state, NeedsScan("a certificate that it rests on was withdrawn"))
        self._parsers[spec.name].spellings |= state.spellings
        if state.scan is not None:
            self.driver.scans[spec.name] = state.scan
        self.driver.sizes[spec.name] = PageSize(
            state.page_limit or PAGE_SIZE,
            state.paged_by,
            fewer=0 if state.standing == "new" else fewer(self.started_at),
        )
        feed = None
        if spec.feed is not None:
            events = next(each for each in self._lists if each.name == spec.feed.events)
            feed = EventFeed(spec, events, spec.feed, self._parsers[spec.name])
        stats = self.driver.stats[spec.name]
        return ListRun(spec, state, self._certificate(spec.name), stats, shared, feed)


def _hidden(state: ListState) -> JsonObject:
    """Return what a certificate says of rows that are counted and not shown."""
    if not state.hidden:
        return {}
    looked_at = last_look(state)
    return {"rows_hidden": state.hidden, "hidden_looked_for_at": looked_at and str(looked_at)}
