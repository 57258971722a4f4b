"""What a sync proved, resource by resource: the rows of ``printora_raw.sync_runs``."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pipelines.source.parse import Row
from pipelines.source.values import as_json

COMPLETE, PARTIAL, FAILED, SKIPPED = "complete", "partial", "failed", "skipped"
WHOLE_WALK, COUNTS_EQUAL, WHOLE_LEDGER = "whole walk", "counts equal", "whole ledger"
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
    detail: dict[str, Any] = field(default_factory=dict)

    def proven(self, as_of: datetime, evidence: str) -> None:
        """Certify that the table holds all that the API had at the time."""
        self.outcome, self.complete_as_of, self.evidence = COMPLETE, as_of, evidence
        self.reason = None

    def unproven(self, reason: str, outcome: str = PARTIAL) -> None:
        """Say why nothing is certified."""
        self.outcome, self.complete_as_of, self.evidence = outcome, None, NOT_PROVEN
        self.reason = reason

    def skipped(self, reason: str) -> None:
        """Say that the resource is not read at all: nothing is certified, and nothing failed."""
        self.unproven(reason, SKIPPED)

    def row(self, sync_id: str) -> Row:
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
    def exit_code(self) -> int:
        """0 done and complete, 3 stopped early or not proven, 1 failed."""
        return {COMPLETE: 0, PARTIAL: 3, FAILED: 1}[self.outcome]
