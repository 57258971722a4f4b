"""What a sync proved, resource by resource: the rows of ``printora_raw.sync_runs``."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pipelines.source.schema import COMPLETE, FAILED, PARTIAL, SESSIONS, SKIPPED
from pipelines.source.values import as_json
from pipelines.words import counted

if TYPE_CHECKING:
    from pipelines.sync.verdict import Verified

NOT_PROVEN = "not proven"


@dataclass
class ResourceCertificate:
    """One resource's part. The fields are the columns of ``sync_runs``."""

    resource: str
    started_at: datetime
    ended_at: datetime
    outcome: str = PARTIAL
    complete_as_of: datetime | None = None
    evidence: str = NOT_PROVEN
    reason: str | None = None
    requests: int = 0
    rows_read: int = 0
    rows_new: int = 0
    rows_changed: int = 0
    rows_repaired: int = 0
    rows_quarantined: int = 0
    rows_reported: int | None = None
    rows_stored: int = 0
    oldest_observation_at: datetime | None = None
    local_ended_at: datetime | None = None
    detail: dict[str, Any] = field(default_factory=dict)

    def proven(self, verdict: Verified) -> None:
        """Certify that the table holds all that the API had at the time."""
        evidence = verdict.evidence
        self.outcome, self.complete_as_of = COMPLETE, evidence.as_of
        self.evidence, self.reason = evidence.proof.value, None

    def unproven(self, reason: str, outcome: str = PARTIAL) -> None:
        """Say why nothing is certified."""
        self.outcome, self.complete_as_of, self.evidence = outcome, None, NOT_PROVEN
        self.reason = reason

    def skipped(self, reason: str) -> None:
        """Say that the resource is not read at all: nothing is certified, and nothing failed."""
        self.unproven(reason, SKIPPED)

    def say_unread(self, places: list[str]) -> None:
        """Say where the rows stand that no answer can hold."""
        self.detail["unreadable_places"] = places
        where = f"the API cannot answer for {places[0]}"
        if len(places) > 1:
            where = f"{where} and {counted(len(places) - 1, 'other place')}"
        if self.reason is not None and where not in self.reason:
            self.reason = f"{self.reason}; {where}"

    def row(self, sync_id: str) -> dict[str, Any]:
        """Return the row for the table."""
        return {**vars(self), "sync_id": sync_id, "detail": as_json(self.detail)}


@dataclass(frozen=True)
class SyncResult:
    """What a sync did. ``stopped_by`` says what ended it early; None when nothing did."""

    sync_id: str
    resources: dict[str, ResourceCertificate]
    requests: int
    quota_left: dict[str, int]
    stopped_by: str | None = None

    @property
    def outcome(self) -> str:
        """The least outcome of the resources that are read: complete, partial or failed."""
        outcomes = {part.outcome for part in self.resources.values()}
        return next((word for word in (FAILED, PARTIAL) if word in outcomes), COMPLETE)

    @property
    def is_usable(self) -> bool:
        """Whether any list was read: one that the API closes does not stop the models."""
        lists = [part for name, part in self.resources.items() if name != SESSIONS.name]
        return any(part.outcome != FAILED for part in lists)

    @property
    def exit_code(self) -> int:
        """0 done and complete, 3 stopped early or not proven, 1 failed."""
        return {COMPLETE: 0, PARTIAL: 3, FAILED: 1}[self.outcome]
