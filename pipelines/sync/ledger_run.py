"""The session ledger in one sync: its lines become sessions, and are certified by themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import chain, islice

from pipelines.destinations.where import JsonObject
from pipelines.progress import Listener, PageRead
from pipelines.source.ledger import Entry, Ledger, LedgerCoverage
from pipelines.source.parse import Parsed, Parser
from pipelines.source.schema import SESSIONS
from pipelines.sync.certificate import ResourceCertificate
from pipelines.sync.pending import PendingRows
from pipelines.sync.state import SyncState
from pipelines.sync.verdict import ClockReading, Evidence, Proof, Verified, objection

#: So often, in lines, it is told how far the ledger is read, and what waits is loaded if it is due.
_TELL_EVERY = 1000


class LedgerRun:
    """Reads what the ledger has more than the last sync left; nothing where none is set.

    ``kept``: what the last sync that counts left; ``fields``: those that the parser reads.
    """

    def __init__(
        self,
        place: str | None,
        kept: SyncState,
        certificate: ResourceCertificate,
        pending: PendingRows,
        *,
        parser: Parser,
        fields: tuple[str, ...],
        clock: Callable[[], ClockReading],
        listener: Listener,
        started_at: datetime,
    ) -> None:
        self.certificate = certificate
        self.fields = fields
        marks = kept.ledger if fields == kept.session_fields else {}
        self._ledger = Ledger(place, marks, now=started_at) if place else None
        self._entries: Iterator[Entry] = self._ledger.entries() if self._ledger else iter(())
        self._parser = parser
        self._pending = pending
        self._clock = clock
        self._listener = listener
        self._started_at = started_at
        if self._ledger is None:
            certificate.skipped("no session ledger is set (SOURCES__PRINTORA__SESSION_LEDGER)")

    @property
    def marks(self) -> JsonObject | None:
        """Where the next sync goes on: known once all is read; until then it is read again."""
        return self._ledger.state() if self._ledger and self._ledger.is_read else None

    def begin(self) -> None:
        """Look at the ledger's files before anything is asked or written."""
        first = list(islice(self._entries, 1))
        self._entries = chain(first, self._entries)

    def read(self, load_when_due: Callable[[], None]) -> None:
        """Read the ledger, and certify it."""
        if self._ledger is None:
            return
        seen_at = self._clock().server
        for entry in self._entries:
            self._take(entry, seen_at)
            if self.certificate.rows_read % _TELL_EVERY == 0:
                self._tell()
                load_when_due()
        self._tell()
        self.certificate.rows_reported = self._ledger.lines
        self.certificate.detail["ledger"] = self._ledger.coverage.document()
        self._certify(seen_at, self._ledger.coverage)

    def _take(self, entry: Entry, seen_at: datetime) -> None:
        self.certificate.rows_read += 1
        parsed = entry.parsed_by(self._parser, seen_at)
        self._pending.findings.note(SESSIONS.name, parsed, seen_at)
        if isinstance(parsed, Parsed):
            self._pending.add_line(entry.line(parsed), seen_at)

    def _certify(self, seen_at: datetime, coverage: LedgerCoverage) -> None:
        clock = self._clock()
        evidence = Evidence(
            Proof.LEDGER,
            "sessions",
            as_of=seen_at,
            ended_at=clock.server,
            clock=clock,
            total=None,
            stored=self._pending.count(SESSIONS),
            bad=coverage.bad,
            uncovered=coverage.gap(self._started_at),
        )
        why = objection(evidence)
        if why is None:
            self.certificate.proven(Verified(evidence))
        else:
            self.certificate.unproven(why)

    def _tell(self) -> None:
        self._listener(PageRead(SESSIONS.name, self.certificate.rows_read, None, 0, {}))
