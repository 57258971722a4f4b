"""Settings become a client, a destination and a runner."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from pipelines.client import PrintoraClient, RateGovernor, Wait
from pipelines.clock import Clock, SystemClock, utc
from pipelines.people import erase, guard, rewrite
from pipelines.progress import Listener, Waiting, ignore
from pipelines.settings import Settings
from pipelines.source.ledger import Ledger
from pipelines.sync.certificate import SyncResult
from pipelines.sync.identity import identity_of, refuse_another
from pipelines.sync.runner import Runner
from pipelines.sync.stopping import Stopping
from pipelines.sync.waits import Waits
from pipelines.sync.writing import writing
from pipelines.warehouse.connection import READER_TIMEOUT, connect
from pipelines.warehouse.raw import ensure_raw_tables


def sync(
    settings: Settings,
    *,
    clock: Clock | None = None,
    listener: Listener = ignore,
    budget: int | None = None,
    full: bool = False,
    accept_deletions: bool = False,
    adopt: bool = False,
) -> SyncResult:
    """Bring the raw tables up to date, and say what is proven.

    ``budget`` caps the requests of this run; ``full`` reads everything again; ``accept_deletions``
    marks as deleted what has disappeared in a mass; ``adopt`` takes a warehouse over that holds
    another partner's data, or that of another host, mode or version.

    Raises:
        ConfigurationError: the warehouse holds another identity's data; nothing was asked.
        PrintoraError: with what to do. What was read before the error is loaded; if nothing was,
            the tables are as they were, and a DuckDB file that was not there is not made.
    """
    clock = clock or SystemClock()
    refuse_early(settings, clock)
    with Stopping(clock, settings.max_run_minutes) as stopping:
        return _sync(settings, stopping, listener, budget, full, accept_deletions, adopt)


def refuse_early(settings: Settings, clock: Clock) -> None:
    """Refuse what no sync can be made with, before a lock, a key or a warehouse is made.

    Raises:
        ConfigurationError: of key, address or proxy.
        LedgerError: there is no ledger where the settings say, or none that can be read.
        OSError: dlt's folder cannot be made.
    """
    open_client(settings, clock).close()
    # Where there is a warehouse, the ledger's files are looked at by what it knows of them.
    if settings.session_ledger and not settings.warehouse_path.exists():
        Ledger(settings.session_ledger, now=utc(clock.now())).look()
    if folder := os.environ.get("DLT_DATA_DIR"):
        Path(folder).mkdir(parents=True, exist_ok=True)


def _sync(
    settings: Settings,
    stopping: Stopping,
    listener: Listener,
    budget: int | None,
    full: bool,
    accept_deletions: bool,
    adopt: bool,
) -> SyncResult:
    clock, identity = stopping.clock, identity_of(settings)
    with writing(settings, clock) as destination:
        if not adopt:
            refuse_another(destination, identity, settings)
        with destination.editing():
            privacy = guard(settings, utc(clock.now()), clock)
        waits = Waits(destination, stopping, listener)
        used_at = _spread(destination.recent_requests(utc(clock.now() - 86_400)))
        with open_client(settings, clock, listener=waits, budget=budget, used_at=used_at) as client:
            runner = Runner(
                client,
                destination,
                privacy,
                clock=clock,
                listener=listener,
                ledger=settings.session_ledger,
                full=full,
                accept_deletions=accept_deletions,
                identity=identity,
                adopt=adopt,
                reread_within=timedelta(days=settings.reread_days),
                waiting=stopping.waiting,
                in_flight=settings.requests_in_flight,
            )
            waits.runner = runner
            result = runner.run()
        with destination.editing():
            _tidy(settings.warehouse_path, clock)
        return result


def _tidy(path: Path, clock: Clock) -> None:
    """Erase who was forgotten from what was loaded; make the tables without rows."""
    with connect(path, wait_seconds=READER_TIMEOUT, clock=clock) as connection:
        ensure_raw_tables(connection)  # a load makes only the tables that it has rows for
        erased = erase(connection)
    if erased:
        rewrite(path)


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


def _spread(runs: Iterable[tuple[datetime, int]]) -> Iterator[float]:
    """Return about when the requests of the last day were made: a hint for the day's quota."""
    for ended_at, requests in runs:
        yield from [ended_at.timestamp()] * requests
