"""``printora status``: how complete and fresh the warehouse is, from the warehouse alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pendulum
from rich.text import Text

from pipelines.cli import answers, failures, tables, terminal
from pipelines.clock import SystemClock, utc
from pipelines.errors import WarehouseError, WarehouseLocked
from pipelines.settings import warehouse_path
from pipelines.sync.certificate import FAILED, SKIPPED, ResourceCertificate
from pipelines.warehouse import connect, warehouse_lock
from pipelines.warehouse.lock import holder_of

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

#: An older load than this is worth a word, whatever the schedule is.
_STALE = timedelta(days=1)

_REQUESTS = """
    select coalesce(sum(requests), 0) from printora_raw.sync_runs where ended_at >= ?
"""
_PROVEN = """
    select min(as_of)
    from (
        select max(complete_as_of) as as_of, arg_max(outcome, sync_id) as outcome
        from printora_raw.sync_runs
        group by resource
    )
    where outcome <> 'skipped'
    having count(*) = count(as_of)
"""
_QUARANTINED = "select count(*) from printora_raw.quarantine"


@dataclass(frozen=True)
class Status:
    """What the warehouse tells of itself. ``requests`` were made within the last 24 hours.

    ``proven_as_of``: everything was proven complete as of then, by the last sync or an earlier one.
    """

    warehouse: Path
    writer: str | None
    certificates: Sequence[ResourceCertificate]
    requests: int
    quarantined: int
    now: datetime
    proven_as_of: datetime | None = None

    @property
    def as_of(self) -> datetime | None:
        """What the last sync proved: all are complete as of then; None where one is not."""
        times = [part.complete_as_of for part in self.certificates if part.outcome != SKIPPED]
        known = [at for at in times if at is not None]
        return min(known) if known and len(known) == len(times) else None

    @property
    def todo(self) -> str:
        """What to do, in one sentence."""
        if self.writer:
            return f"{self.writer} is writing: wait for it."
        if not self.certificates:
            return "Nothing was ever synced into this file: run `printora run`."
        failed = next((p.reason for p in self.certificates if p.outcome == FAILED), None)
        if failed:
            return f"Mend what ended the last sync, then run again. {failed}"
        if self.as_of is None:
            return "Run `printora run` to go on."
        if self.now - self.as_of > _STALE:
            return "The data is old: run `printora run`, and look why the schedule did not."
        if any(part.outcome == SKIPPED for part in self.certificates):
            return "Set SOURCES__PRINTORA__SESSION_LEDGER: conversion needs to know the sessions."
        if self.quarantined:
            return "Look at `reason` and `place` of the records in printora_raw.quarantine."
        return "Nothing."


def show() -> int:
    """Print the status; return 0 where all is proven complete, else 3."""
    path = warehouse_path()
    writer = _writer(path)
    with connect(path, read_only=True) as connection:
        status = _read(connection, path, writer)
    if terminal.wishes.json:
        terminal.print_json({**asdict(status), "complete_as_of": status.as_of, "todo": status.todo})
    else:
        _print(status)
    return failures.PARTIAL if status.as_of is None else failures.DONE


def _writer(path: Path) -> str | None:
    """Return which run holds the lock, if one does."""
    if not path.exists():
        return None
    try:
        with warehouse_lock(path, timeout=0):
            return None
    except WarehouseLocked:
        return str(holder_of(path) or "Another run")
    except WarehouseError:
        return None  # who may only read the folder can make no lock


def _read(connection: DuckDBPyConnection, path: Path, writer: str | None) -> Status:
    now = utc(SystemClock().now())
    row = connection.execute(
        "select 1 from duckdb_tables() where schema_name = 'printora_raw' "
        "and table_name = 'sync_runs'"
    ).fetchone()
    if row is None:
        return Status(path, writer, [], 0, 0, now)
    since = now - timedelta(days=1)
    return Status(
        path,
        writer,
        answers.certificates(connection),
        _number(connection, _REQUESTS, [since]),
        _number(connection, _QUARANTINED),
        now,
        next(iter(connection.execute(_PROVEN).fetchone() or ()), None),
    )


def _number(connection: DuckDBPyConnection, query: str, values: Sequence[datetime] = ()) -> int:
    row = connection.execute(query, list(values)).fetchone()
    return int(row[0]) if row else 0


def _print(status: Status) -> None:
    if status.certificates:
        terminal.show(tables.certificate_table(status.certificates))
    terminal.show(tables.completeness_line(status.certificates), _facts(status))


def _facts(status: Status) -> Text:
    as_of = status.proven_as_of
    age = "never" if as_of is None else _age(status.now - as_of)
    facts = {
        "Warehouse": str(status.warehouse),
        "Complete": age,
        "Requests": f"{status.requests:,} in the last 24 hours",
        "Quarantine": f"{status.quarantined:,} records",
        "Writer": status.writer or "none",
        "To do": status.todo,
    }
    return Text("\n".join(f"{name:<11} {value}" for name, value in facts.items()))


def _age(age: timedelta) -> str:
    return f"{pendulum.duration(seconds=max(age.total_seconds(), 0)).in_words()} ago"
