"""Settings become a client, a destination and a runner; one writer at a time."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from pipelines.client import PrintoraClient, RateGovernor, Wait
from pipelines.client.credentials import key_mode
from pipelines.clock import Clock, SystemClock, utc
from pipelines.destination_setting import shown
from pipelines.destinations.base import Destination
from pipelines.destinations.duckdb import DuckDBDestination, destination_of
from pipelines.errors import ConfigurationError, WarehouseError
from pipelines.lists import LISTS
from pipelines.people import erase, guard, rewrite
from pipelines.progress import Listener, Waiting, ignore
from pipelines.settings import Settings
from pipelines.source.ledger import Ledger
from pipelines.source.schema import SYNC_RUNS
from pipelines.sync.certificate import SyncResult
from pipelines.sync.runner import Runner
from pipelines.sync.state import Identity
from pipelines.sync.stopping import Stopping
from pipelines.sync.stored_state import read_state
from pipelines.warehouse.connection import READER_TIMEOUT, connect
from pipelines.warehouse.lock import warehouse_lock
from pipelines.warehouse.raw import ensure_raw_tables
from pipelines.working_folder import safe_folder

#: A wait of so many seconds is long enough for somebody to read the warehouse in.
WORTH_RELEASING = 1.0
#: Before a wait of so many seconds, what was read is loaded.
LONG_WAIT = 60.0


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
        PrintoraError: with what to do. What was read before the error is loaded, and if nothing
            was, the tables are as they were.
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
    with _opened(settings, clock) as destination:
        if not adopt:
            _refuse_another(destination, identity, settings)
        with destination.editing():
            privacy = guard(settings, utc(clock.now()), clock)
        waits = _Waits(destination, stopping, listener)
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


class _Open(Destination, Protocol):
    """A destination whose rows others may change, too."""

    def editing(self) -> AbstractContextManager[None]:
        """Let others of this process change the rows in the file of this machine."""


@contextmanager
def _opened(settings: Settings, clock: Clock) -> Iterator[_Open]:
    """Be the only writer of the destination that the settings name."""
    path = settings.warehouse_path
    if settings.postgres_url:
        from pipelines.destinations.postgres import PostgresDestination

        folder = str(path.parent / "dlt")
        with PostgresDestination(settings.postgres_url, path, folder, clock) as database:
            yield database
        return
    if settings.lake_url:
        from pipelines.destinations.lake import LakeDestination

        with LakeDestination(settings.lake_url, path, str(path.parent / "dlt"), clock) as lake:
            yield lake
        return
    with warehouse_lock(path):  # by the machine's own clock: it is another process that ends
        # Whoever reads the file now is waited for, and what is no database is named.
        connect(path, wait_seconds=READER_TIMEOUT, clock=clock).close()
        target = destination_of(path, settings.duckdb_memory_limit)
        with DuckDBDestination(target, working_folder(path), clock) as file:
            yield file


def _tidy(path: Path, clock: Clock) -> None:
    """Erase who was forgotten from what was loaded; make the tables without rows."""
    with connect(path, wait_seconds=READER_TIMEOUT, clock=clock) as connection:
        ensure_raw_tables(connection)  # a load makes only the tables that it has rows for
        erased = erase(connection)
    if erased:
        rewrite(path)


class _Waits:
    """What happens while the limits are waited for: rows are loaded, and readers let in."""

    def __init__(self, destination: Destination, stopping: Stopping, listener: Listener) -> None:
        self._destination = destination
        self._stopping = stopping
        self._listener = listener
        self.runner: Runner | None = None

    def __call__(self, event: object) -> None:
        if threading.current_thread() is not threading.main_thread():
            self._listener(event)  # type: ignore[arg-type]  # as below
            return
        if isinstance(event, Waiting) and event.seconds >= LONG_WAIT and self.runner:
            self._stopping.working(self.runner.driver.load_before_waiting)
        if isinstance(event, Waiting) and event.seconds >= WORTH_RELEASING:
            self._destination.release()
        self._listener(event)  # type: ignore[arg-type]  # an Event, handed on


def identity_of(settings: Settings) -> Identity:
    """Return whose data the settings reach."""
    address = urlsplit(settings.base_url)
    return Identity(
        host=(address.hostname or "").rstrip("."),
        partner=settings.partner_id,
        mode=key_mode(settings.api_key) or "",
        version=settings.contract.version,
        path=address.path.rstrip("/"),
    )


def _refuse_another(destination: Destination, identity: Identity, settings: Settings) -> None:
    held = read_state(destination.state).identity
    url = settings.postgres_url
    where = shown(url) if url else settings.lake_url or settings.warehouse_path
    # One sync that was killed may have left its certificates without its notes; several did not.
    if not destination.state and destination.count(SYNC_RUNS) > len(LISTS) + 1:
        raise WarehouseError(
            f"{where} has lost the sync's own notes, which tell whose data it holds.",
            hint="Put a copy back in its place; or, if the data are this partner's, run once with "
            "--adopt. Nothing was changed.",
        )
    if held is None or held == identity:
        return
    setting, what = (
        ("POSTGRES__CREDENTIALS", "database")
        if url
        else ("FILESYSTEM__BUCKET_URL", "folder")
        if settings.lake_url
        else ("DUCKDB__CREDENTIALS", "file")
    )
    raise ConfigurationError(
        f"{where} holds the data of {held}; the settings are those of {identity}.",
        hint=f"Set DESTINATION__{setting} to another {what}; or, if it is the "
        "same partner under a new address, key mode or version, run once with --adopt. Nothing was "
        "changed.",
    )


def working_folder(warehouse: Path) -> str:
    """Return where dlt keeps packages on their way: a folder for each warehouse.

    It is in DLT_DATA_DIR, else beside the warehouse; dlt's own default is in the user's home,
    which nobody has named. Two warehouses that shared one would load each other's packages.
    """
    base = os.environ.get("DLT_DATA_DIR")
    root = Path(base) if base else warehouse.parent / ".printora" / "dlt"
    digest = hashlib.blake2b(str(warehouse.resolve()).encode(), digest_size=6).hexdigest()
    return str(safe_folder(root / "pipelines" / digest))


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
