"""The sync: everything that the API and the ledger have, into ``printora_raw``, with a proof.

In: the Partner API (or the sandbox), the session ledger, and the state that the last sync left in
the destination. Out: the raw tables, and one row of ``printora_raw.sync_runs`` per resource.
Rows are merged by key; the newest look counts. ``printora sync`` runs it alone.

``docs/sync.md`` says what is read and why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipelines.sync.certificate import ResourceCertificate, SyncResult

if TYPE_CHECKING:
    from pipelines.sync.wiring import open_client, sync

__all__ = ["ResourceCertificate", "SyncResult", "open_client", "sync"]


def __getattr__(name: str) -> Any:
    """Import what loads dlt when it is asked for: whoever reads a certificate needs none of it."""
    if name in ("open_client", "sync"):
        from pipelines.sync import wiring

        return getattr(wiring, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
