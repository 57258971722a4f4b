"""The certificates of one sync: what was counted goes into them, and what is stored is compared."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pipelines.client import PrintoraClient
from pipelines.destinations.base import Destination
from pipelines.destinations.where import JsonObject, Row, where
from pipelines.source.schema import FAILED, PARTIAL, SESSIONS, SKIPPED
from pipelines.sync.certificate import ResourceCertificate
from pipelines.sync.ledger_run import LedgerRun
from pipelines.sync.list_stats import ListStats
from pipelines.sync.listrun import ListRun
from pipelines.sync.pending import PendingRows
from pipelines.sync.state import ListState
from pipelines.sync.unseen import last_look
from pipelines.sync.verdict import ClockReading, Inconclusive, NeedsScan, Verified

#: The rows of a list by status, as they are to be stored.
Promised = tuple[ListRun, Mapping[str | None, int]]


@dataclass(frozen=True)
class Certificates:
    """One certificate for the ledger and each list. ``clock``: the server's clock and ours, now."""

    sync_id: str
    started_at: datetime
    sessions: LedgerRun
    runs: Mapping[str, ListRun]
    stats: Mapping[str, ListStats]
    pending: PendingRows
    client: PrintoraClient
    destination: Destination
    clock: Callable[[], ClockReading]

    @property
    def by_resource(self) -> dict[str, ResourceCertificate]:
        """The certificates as they are now."""
        parts = {name: run.certificate for name, run in self.runs.items()}
        return {SESSIONS.name: self.sessions.certificate, **parts}

    def leave_open(self, reason: str, outcome: str = PARTIAL) -> None:
        """Say why the sync ended before it could prove what is not proven yet."""
        for certificate in self.by_resource.values():
            is_open = certificate.complete_as_of is None
            if is_open and certificate.outcome not in (SKIPPED, FAILED):
                certificate.unproven(reason, outcome)

    def rows(self) -> list[Row]:
        """Bring the certificates up to date with what was counted, and return their rows."""
        clock = self.clock()
        for run in self.runs.values():
            self._count_reading(run)
        for name, certificate in self.by_resource.items():
            certificate.started_at = self.started_at + (clock.server - clock.local)
            certificate.ended_at = max(clock.server, certificate.complete_as_of or clock.server)
            certificate.local_ended_at = clock.local
            self._count_changes(name, certificate)
        return [part.row(self.sync_id) for part in self.by_resource.values()]

    def _count_reading(self, run: ListRun) -> None:
        stats, certificate = self.stats[run.spec.name], run.certificate
        certificate.requests = self.client.sent(run.spec)
        certificate.rows_read = stats.rows_read
        if certificate.complete_as_of is None:
            certificate.rows_reported = stats.total
        condition = where(run.spec, since=run.state.retention_cutoff)
        certificate.oldest_observation_at = run.copy.oldest_look(run.spec, condition)
        certificate.detail |= _hidden(run.state)
        if stats.unread_places:
            certificate.say_unread([*stats.unread_places])
        certificate.detail |= {
            "requests_by_purpose": dict(stats.requests),
            "order": run.state.order,
            "api_version": self.client.contract.version,
            "quota_left": self.client.governor.left(),
        }

    def _count_changes(self, name: str, certificate: ResourceCertificate) -> None:
        certificate.rows_new = self.pending.new[name]
        certificate.rows_changed = self.pending.changed[name]
        certificate.rows_quarantined = self.pending.findings.quarantined[name]
        certificate.detail["value_issues"] = self.pending.findings.value_issues[name]

    def promise(self, runs: Iterable[ListRun]) -> Sequence[Promised]:
        """Certify so many rows as the lists will have once what waits is loaded.

        What was read since a list was proven may show that it was not.
        """
        runs = list(runs)
        for run in runs:
            if isinstance(run.verdict, Verified) and run.went_back:
                run.conclude(run.verdict)
        promised = [(run, run.copy.statuses(run.spec)) for run in runs]
        for run, statuses in promised:
            run.certificate.rows_stored = sum(statuses.values())
        return promised

    def are_kept(self, promised: Iterable[Promised]) -> bool:
        """Tell whether what was promised is stored; what is not is withdrawn."""
        stored = [self._is_kept(run, statuses) for run, statuses in promised]
        return all(stored)

    def _is_kept(self, run: ListRun, promised: Mapping[str | None, int]) -> bool:
        """Count where the readers read: a certificate that promises other rows is withdrawn."""
        there = self.destination.counted(run.spec.table)
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


def _hidden(state: ListState) -> JsonObject:
    """Return what a certificate says of rows that are counted and not shown."""
    if not state.hidden:
        return {}
    looked_at = last_look(state)
    return {"rows_hidden": state.hidden, "hidden_looked_for_at": looked_at and str(looked_at)}
