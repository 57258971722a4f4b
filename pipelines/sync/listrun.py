"""One list in one sync: what strategies share while they keep it complete."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from pipelines.destinations.where import Row, Where, where
from pipelines.lists import ListSpec
from pipelines.sync.certificate import ResourceCertificate
from pipelines.sync.copy import LocalCopy
from pipelines.sync.feed import EventFeed
from pipelines.sync.pending import PendingRows
from pipelines.sync.protocol import RequestRefused
from pipelines.sync.refetch import KnownOrder
from pipelines.sync.state import ListState
from pipelines.sync.verdict import (
    ClockReading,
    Evidence,
    Inconclusive,
    NeedsScan,
    Proof,
    Verdict,
    Verified,
    judge,
)
from pipelines.sync.verdict import after as state_after

#: What finding the differences of one list may cost, in requests; past that a full scan does it.
RECONCILE_REQUESTS = 60


class Stats(Protocol):
    """What the driver notes of one list's answers."""

    @property
    def total(self) -> int | None:
        """The list's length, as the last unfiltered answer gave it."""

    @property
    def rows_read(self) -> int:
        """Rows received, repeats included."""

    @property
    def oldest_answer(self) -> float:
        """The greatest age in seconds of an answer that a cache gave."""

    @property
    def began(self) -> datetime | None:
        """When the first answer was asked for, on the server's clock."""


@dataclass(frozen=True)
class Shared:
    """What one sync's lists share. ``clock``: the server's clock and ours, now."""

    copy: LocalCopy
    pending: PendingRows
    clock: Callable[[], ClockReading]
    accept_deletions: bool = False
    same_identity: bool = True


@dataclass
class ListRun:
    """One list's state, certificate and tools in one sync."""

    spec: ListSpec
    state: ListState
    certificate: ResourceCertificate
    stats: Stats
    shared: Shared
    feed: EventFeed | None = None
    verdict: Verdict | None = None
    #: Whether another scan may prove what the last one left open.
    is_promising: bool = False
    #: The list's length and the stored rows, where they were last found to agree.
    agreed: tuple[int, int] | None = None

    @property
    def copy(self) -> LocalCopy:
        """What is stored, and what is about to be."""
        return self.shared.copy

    @property
    def order(self) -> KnownOrder:
        """The known rows in the API's order."""
        return KnownOrder(self.spec, self.state, self.copy)

    def note(self, **changes: Any) -> None:
        """Change what the next sync shall know."""
        self.state = replace(self.state, **changes)

    # Numbers ---------------------------------------------------------------------------------

    @property
    def stored(self) -> int:
        """Rows in the warehouse that the API still lists."""
        condition = where(self.spec, since=self.state.retention_cutoff)
        return self.copy.count(self.spec, condition)

    @property
    def bad_by_status(self) -> Mapping[str | None, int]:
        """Records with a key that are no rows, by status."""
        return self.copy.bad(self.spec, self.state.scanned_at)

    @property
    def bad(self) -> int:
        """Places of the list whose records are no rows."""
        return self.state.bad + sum(self.bad_by_status.values())

    @property
    def listed(self) -> int:
        """How many places the API must be counting."""
        return self.stored + self.beside

    @property
    def beside(self) -> int:
        """Places that the API counts and of which no row is stored: bad, hidden or repeated."""
        return self.bad + self.state.hidden + self.state.repeated

    def count(self, status: str) -> int:
        """Count the known rows of a status."""
        return self.copy.count(
            self.spec, where(self.spec, status, since=self.state.retention_cutoff)
        )

    @property
    def without_status(self) -> int:
        """Known rows that no status was told of: no filter shows them."""
        condition = where(self.spec, since=self.state.retention_cutoff, null=("status",))
        return self.copy.count(self.spec, condition)

    @property
    def went_back(self) -> int:
        """Known rows that the list showed further on earlier in this sync."""
        return self.shared.pending.went_back(self.spec.table)

    # The verdict -----------------------------------------------------------------------------

    def evidence(self, proof: Proof, as_of: datetime, **facts: Any) -> Evidence:
        """Return what is known at the end of a proof."""
        clock = self.shared.clock()
        known: dict[str, Any] = {
            "proof": proof,
            "words": self.spec.words,
            "as_of": as_of,
            "ended_at": clock.server,
            "clock": clock,
            "total": self.stats.total,
            "stored": self.stored,
            "bad": self.bad,
            "hidden": self.state.hidden,
            "repeated": self.state.repeated,
            "searched": self.state.searched,
            "oldest_answer": self.stats.oldest_answer,
            "behind": self.feed.ahead_of_list(self.copy, as_of) if self.feed else 0,
            "went_back": self.went_back,
            "same_identity": self.shared.same_identity,
            "damaged_share": self.shared.pending.damaged(self.spec.name)
            / max(self.stats.rows_read, 1),
        }
        return Evidence(**known | facts)

    def conclude(self, verdict: Verdict) -> None:
        """Take the verdict into the state and the certificate."""
        if isinstance(verdict, Verified):  # what was asked since may contradict it
            oldest, back = self.stats.oldest_answer, self.went_back
            evidence = replace(verdict.evidence, oldest_answer=oldest, went_back=back)
            verdict = judge(evidence, otherwise=Inconclusive)
        self.verdict = verdict
        self.state = state_after(self.state, verdict)
        if isinstance(verdict, Verified):
            self.note(miscounted={})
            self.certificate.proven(verdict)
            self.certificate.rows_reported = verdict.evidence.total
        else:
            self.certificate.unproven(verdict.reason)

    def conclude_refused(self, refused: RequestRefused) -> None:
        """Leave to a full scan what cannot be proven, for the API refused to be asked for it."""
        self.conclude(NeedsScan(f"the API refused a part of the list: {refused}"))

    @property
    def why_not_trusted(self) -> str:
        """Why reading what changed would prove nothing."""
        if self.state.total_is_wrong:
            return "the API counts fewer rows than it shows"
        return self.state.reason or "a full scan has to prove the list again"

    def leave_unproven(self) -> None:
        """Certify nothing, for the reason that is known already."""
        self.verdict = Inconclusive(self.why_not_trusted)
        self.certificate.unproven(self.why_not_trusted)

    # Rows ------------------------------------------------------------------------------------

    def mark_deleted(self, keys: frozenset[str], at: datetime) -> None:
        """Mark rows that the API does not list any more."""
        rows = self.copy.rows(self.spec, keys).values()
        gone: list[Row] = [row | {"deleted_at": at} for row in rows]
        self.shared.pending.put(self.spec.name, gone)
        self.certificate.detail["rows_deleted"] = self.certificate.detail.get(
            "rows_deleted", 0
        ) + len(gone)

    def not_met(self, scan_id: str) -> Where:
        """Return the condition on rows that a scan did not meet."""
        return Where(differ=(("_walk", scan_id),))
