"""The sync: everything that the API and the ledger have, into ``printora_raw``, with a proof.

In: the Partner API (or the sandbox), the session ledger, and the state that the last sync left in
the destination. Out: the raw tables, and one row of ``printora_raw.sync_runs`` per resource.
Rows are merged by key; the newest look counts. ``printora sync`` runs it alone.

``docs/sync.md`` says what is read and why.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import dlt

from pipelines.client import PrintoraClient, RateGovernor, Wait
from pipelines.clock import Clock, SystemClock, utc
from pipelines.people import erase, guard, rewrite
from pipelines.progress import Event, Listener, Waiting, ignore
from pipelines.settings import Settings
from pipelines.source.schema import SYNC_RUNS
from pipelines.sync.certificate import ResourceCertificate, SyncResult
from pipelines.sync.engine import Engine
from pipelines.sync.store import DATASET, Store
from pipelines.warehouse.connection import READER_TIMEOUT, connect
from pipelines.warehouse.lock import warehouse_lock
from pipelines.warehouse.raw import ensure_raw_tables
from pipelines.working_folder import safe_folder

__all__ = ["ResourceCertificate", "SyncResult", "open_client", "sync"]

#: A wait of so many seconds is long enough for somebody to read the warehouse in.
WORTH_CLOSING = 1.0


def sync(
    settings: Settings,
    *,
    clock: Clock | None = None,
    listener: Listener = ignore,
    budget: int | None = None,
    full: bool = False,
) -> SyncResult:
    """Bring the raw tables up to date, and say what is proven.

    ``budget`` caps the requests of this run; ``full`` reads everything again.

    Raises:
        PrintoraError: with what to do. What was read before the error is loaded, and if nothing
            was, the tables are as they were.
    """
    clock = clock or SystemClock()
    path = settings.warehouse_path
    with warehouse_lock(path):
        # Whoever reads the file now is waited for, and what is no database is named.
        privacy = guard(settings, utc(clock.now()), clock)
        with (
            Store(dlt.destinations.duckdb(str(path)), _working_folder(path), clock) as store,
            open_client(
                settings,
                clock,
                listener=_letting_go(store, listener),
                budget=budget,
                used_at=_recent_requests(store, clock),
            ) as client,
        ):
            engine = Engine(
                client,
                store,
                privacy,
                clock=clock,
                listener=listener,
                ledger=settings.session_ledger,
                full=full,
            )
            result = engine.run()
        with connect(path, wait_seconds=READER_TIMEOUT, clock=clock) as connection:
            ensure_raw_tables(connection)  # a load makes only the tables that it has rows for
            erased = erase(connection)
        if erased:
            rewrite(path)
        return result


def _letting_go(store: Store, listener: Listener) -> Listener:
    """Close the warehouse while the limits are waited for: others may read it meanwhile."""

    def tell(event: Event) -> None:
        if isinstance(event, Waiting) and event.seconds >= WORTH_CLOSING:
            store.close()
        listener(event)

    return tell


def _working_folder(warehouse: Path) -> str:
    """Return where dlt keeps packages on their way: in DLT_DATA_DIR, else beside the warehouse.

    dlt's own default is in the user's home, which nobody has named.
    """
    base = os.environ.get("DLT_DATA_DIR")
    root = Path(base) if base else warehouse.parent / ".printora" / "dlt"
    return str(safe_folder(root / "pipelines"))


def open_client(
    settings: Settings,
    clock: Clock,
    *,
    listener: Listener = ignore,
    budget: int | None = None,
    used_at: Iterable[float] = (),
) -> PrintoraClient:
    """Return the client that the settings describe; its governor knows of earlier requests."""

    def tell(wait: Wait) -> None:
        listener(Waiting(wait.seconds, wait.reason))

    governor = RateGovernor(
        settings.contract.limits,
        clock=clock,
        reserve_share=settings.reserve_share,
        max_wait=settings.max_wait_seconds,
        budget=budget,
        on_wait=tell,
    )
    governor.remember(used_at)
    return PrintoraClient(
        settings.base_url,
        settings.api_key,
        settings.partner_id,
        contract=settings.contract,
        governor=governor,
        clock=clock,
        timeout=settings.timeout_seconds,
    )


def _recent_requests(store: Store, clock: Clock) -> list[float]:
    """Return about when the requests of the last day were made: a hint for the day's quota."""
    if not store.has(SYNC_RUNS):
        return []
    since = utc(clock.now() - 86_400)
    sql = (
        f"select ended_at, sum(requests) from {DATASET}.{SYNC_RUNS.name}"
        " where ended_at >= %s group by ended_at"
    )
    return list(_spread(store.query(sql, since)))


def _spread(runs: list[tuple[Any, Any]]) -> Iterator[float]:
    for ended_at, requests in runs:
        yield from [ended_at.timestamp()] * int(requests or 0)
