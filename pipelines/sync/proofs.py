"""What the stored rows prove of a list: how many a walk met, which it did not, which are bad."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from pipelines.source.parse import Row
from pipelines.source.schema import QUARANTINE, Table
from pipelines.sync.batch import CLOCK_SLACK, Batch
from pipelines.sync.store import Store
from pipelines.sync.walk import Walk


def met(store: Store, table: Table, walk: Walk, *, and_since: bool = False) -> int:
    """Count the rows, bad ones too, that a walk met and that stood there when it began.

    ``and_since``: those that came after that as well.
    """
    conditions: list[tuple[str, Any]] = [("_walk = %s", walk.id)]
    if not and_since:
        stood = "(created_at is null or created_at <= %s)"
        conditions.append((stood, walk.started_at + CLOCK_SLACK))
    rows = store.select(table, "count(*)", *conditions)
    bad = quarantined(store, None, table, walk.started_at)
    return (int(rows[0][0]) if rows else 0) + bad.total()


def not_met(store: Store, table: Table, walk: Walk) -> list[Row]:
    """Return the rows that a proven walk did not meet, marked as deleted."""
    unmet = store.select(table, table.key[0], ("_walk is distinct from %s", walk.id))
    rows = store.known(table, [row[0] for row in unmet])
    return [row | {"deleted_at": walk.started_at} for row in rows.values()]


def quarantined(
    store: Store, batch: Batch | None, table: Table, since: datetime | None
) -> Counter[str | None]:
    """Count the bad records seen since a time, by status, that are no row under another look."""
    names = ("quarantine_id", "record_key", "record_status", "_seen_at")
    conditions: list[tuple[str, Any]] = [("resource = %s", table.name)]
    if since is not None:
        conditions.append(("_seen_at >= %s", since - CLOCK_SLACK))
    stored = store.select(QUARANTINE, ", ".join(names), *conditions)
    bad = {row[0]: dict(zip(names, row, strict=True)) for row in stored}
    if batch is not None:
        waiting = batch.rows(QUARANTINE)
        bad |= {key: row for key, row in waiting.items() if row["resource"] == table.name}
    # A record that was bad in several ways is one: its last look counts.
    latest: dict[str, Row] = {}
    for row in sorted(bad.values(), key=lambda row: row["_seen_at"]):
        latest[row["record_key"] or row["quarantine_id"]] = row
    good = store.brief(table, latest).keys() | (batch.rows(table).keys() if batch else set())
    return Counter(row["record_status"] for key, row in latest.items() if key not in good)
