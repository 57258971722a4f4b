"""Reads what a sync of this or of an older version left.

Version 2 is written. Version 1, which had no number, is read; any other is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pipelines.errors import WarehouseError
from pipelines.sync.position import ScanPosition
from pipelines.sync.state import VERSION, Identity, ListState, Standing, SyncState, known


def read_state(kept: Mapping[str, Any]) -> SyncState:
    """Read what a sync of this or of an older version left in the destination.

    Raises:
        WarehouseError: another version wrote it, or it is damaged.
    """
    version = kept.get("version", 1)
    try:
        if not kept:
            return SyncState()
        if version == 1:
            return _of_version_1(kept)
        if version == VERSION:
            return _of_version_2(kept)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise WarehouseError(
            f"The sync state in the warehouse (version {version}) cannot be read: {error}.",
            hint="Restore the warehouse from a copy, or load into another file; "
            "nothing was changed.",
        ) from error
    raise WarehouseError(
        f"The sync state in the warehouse is of version {version}, and this program reads up to "
        f"{VERSION}.",
        hint="Update the program to the version that last wrote this warehouse; "
        "nothing was changed.",
    )


def _of_version_2(kept: Mapping[str, Any]) -> SyncState:
    until = kept.get("observed_until")
    return SyncState(
        lists={name: ListState.from_json(part) for name, part in kept["lists"].items()},
        ledger=dict(kept.get("ledger") or {}),
        identity=Identity(**kept["identity"]) if kept.get("identity") else None,
        observed_until=datetime.fromisoformat(until) if until else None,
        session_fields=tuple(kept.get("session_fields") or ()),
        server_offset=_seconds(kept.get("server_offset")),
    )


def _seconds(kept: Any) -> float | None:
    return None if kept is None else float(kept)


def _of_version_1(kept: Mapping[str, Any]) -> SyncState:
    parts = {name: part for name, part in kept.items() if name != "ledger"}
    return SyncState(
        lists={name: _list_of_version_1(part) for name, part in parts.items()},
        ledger=dict(kept.get("ledger") or {}),
    )


def _list_of_version_1(part: Mapping[str, Any]) -> ListState:
    def time(name: str) -> datetime | None:
        return datetime.fromisoformat(part[name]) if part.get(name) else None

    if part.get("order") not in (None, "newest_first", "oldest_first", "unknown"):
        raise ValueError(f"order is {part['order']!r}")
    standing: Standing = "verified" if part.get("proven") else "unverified"
    if part.get("frontier") is None:
        standing = "new"
    elif part.get("proven") and part.get("unsettled"):
        standing = "inconclusive"
    began, requests = part.get("walked") or (None, 0)
    return ListState(
        standing=standing,
        order=part.get("order", "unknown"),
        reason=part.get("doubt"),
        high_water_mark=time("frontier"),
        contiguous_since=time("joined"),
        retention_cutoff=time("horizon"),
        scan=_scan_of_version_1(part.get("walk")),
        scanned_at=datetime.fromisoformat(began) if began else None,
        scan_requests=requests,
        rechecked_at=time("retried_read_at"),
        events_exact=dict(part.get("events_exact") or {}),
    )


def _scan_of_version_1(walk: Mapping[str, Any] | None) -> ScanPosition | None:
    if not walk:
        return None
    position = ScanPosition(**known(ScanPosition, walk))
    position.page_end = position.offset + min(2, len(position.anchor))
    position.page_offset = max(position.page_end - len(position.anchor), 0)
    return position
