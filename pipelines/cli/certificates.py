"""The certificates as the warehouse has them: what syncs of this version and older ones proved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from pipelines.clock import utc
from pipelines.lists import RESOURCES
from pipelines.source.schema import SKIPPED

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

#: Data that is older than this is late, where no schedule says otherwise.
LATE = timedelta(days=1)
#: Sessions come first, and what tells of others last.
_PLACES = {name: place for place, name in enumerate(reversed(RESOURCES))}

_LAST = """
    select {columns}
    from printora_raw.sync_runs
    where sync_id = (select max(sync_id) from printora_raw.sync_runs)
"""

_FRESHNESS = """
    select
        resource,
        outcome,
        coalesce(reason, '') as reason,
        epoch(last_ended_at) as ended_at,
        epoch(last_complete_as_of) as complete_as_of
    from (
        select
            *,
            row_number() over (partition by resource order by sync_id desc) as place,
            max(ended_at) over (partition by resource) as last_ended_at,
            max(complete_as_of) over (partition by resource) as last_complete_as_of
        from printora_raw.sync_runs
    ) as certificates
    where place = 1
"""


class Certificate(Protocol):
    """One resource's part of a sync, just made or read back."""

    @property
    def resource(self) -> str: ...  # noqa: D102 - the columns of sync_runs
    @property
    def outcome(self) -> str | None: ...  # noqa: D102
    @property
    def complete_as_of(self) -> datetime | None: ...  # noqa: D102
    @property
    def evidence(self) -> str | None: ...  # noqa: D102
    @property
    def reason(self) -> str | None: ...  # noqa: D102
    @property
    def requests(self) -> int | None: ...  # noqa: D102
    @property
    def rows_new(self) -> int | None: ...  # noqa: D102
    @property
    def rows_changed(self) -> int | None: ...  # noqa: D102
    @property
    def rows_quarantined(self) -> int | None: ...  # noqa: D102
    @property
    def rows_stored(self) -> int | None: ...  # noqa: D102


@dataclass(frozen=True)
class Freshness:
    """What all syncs so far say of one resource.

    ``complete_as_of`` is the latest time that any of them proved; outcome and reason are the last
    one's.
    """

    outcome: str
    reason: str
    ended_at: datetime
    complete_as_of: datetime | None


def complete_as_of(parts: Iterable[Certificate | Freshness]) -> datetime | None:
    """Return the time as of which all that is read is proven complete; None where one is not.

    What is skipped, as sessions are without a ledger, is not read.
    """
    times = [part.complete_as_of for part in parts if part.outcome != SKIPPED]
    known = [at for at in times if at is not None]
    return min(known) if known and len(known) == len(times) else None


@dataclass(frozen=True)
class StoredCertificate:
    """One row of ``printora_raw.sync_runs``; the fields are its columns, which may hold null."""

    resource: str
    started_at: datetime | None
    ended_at: datetime | None
    outcome: str | None
    complete_as_of: datetime | None
    evidence: str | None
    reason: str | None
    requests: int | None
    rows_read: int | None
    rows_new: int | None
    rows_changed: int | None
    rows_repaired: int | None
    rows_quarantined: int | None
    rows_reported: int | None
    rows_stored: int | None
    oldest_observation_at: datetime | None = None


def read_last(connection: DuckDBPyConnection) -> Sequence[StoredCertificate]:
    """Return what the last sync proved, one entry a resource; none before the first sync."""
    there = {
        row[0]
        for row in connection.execute(
            "select column_name from information_schema.columns "
            "where table_schema = 'printora_raw' and table_name = 'sync_runs'"
        ).fetchall()
    }
    # A warehouse of an older version lacks the newest columns until its next sync.
    names = [field.name for field in fields(StoredCertificate) if field.name in there]
    rows = connection.execute(_LAST.format(columns=", ".join(names))).fetchall() if there else []
    found = (StoredCertificate(**dict(zip(names, row, strict=True))) for row in rows)
    return sorted(found, key=lambda part: _PLACES.get(part.resource, len(_PLACES)))


def read_freshness(connection: DuckDBPyConnection) -> Mapping[str, Freshness]:
    """Return the freshness of each resource that was ever synced."""
    return {
        # An older version, or a hand, may have left a certificate without its end.
        resource: Freshness(
            outcome, reason, utc(ended or 0.0), None if as_of is None else utc(as_of)
        )
        for resource, outcome, reason, ended, as_of in connection.execute(_FRESHNESS).fetchall()
    }
