"""``printora status``: how complete and fresh the warehouse is, from the warehouse alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from pipelines.cli import failures, tables, terminal, warehouses
from pipelines.cli.certificates import (
    LATE,
    StoredCertificate,
    complete_as_of,
    read_freshness,
    read_last,
)
from pipelines.cli.tables import QUARANTINE
from pipelines.clock import SystemClock, utc
from pipelines.errors import WarehouseError, WarehouseLocked
from pipelines.settings import lake_url, publish_path, warehouse_path
from pipelines.source.schema import FAILED, SKIPPED
from pipelines.warehouse import warehouse_lock
from pipelines.warehouse.foreign import refuse_foreign, stranger
from pipelines.warehouse.lock import holder_of, was_ever_held
from pipelines.warehouse.readers import readers_of
from pipelines.words import counted, length, moment

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

#: Two clocks may differ so much; a certificate that is further ahead was made by a wrong one.
_CLOCKS = timedelta(minutes=10)

_REQUESTS = """
    select coalesce(sum(requests), 0) from printora_raw.sync_runs where ended_at >= ?
"""
_QUARANTINED = "select count(*) from printora_raw.quarantine"
_TABLES = """
    select table_name, bool_or(column_name = 'deleted_at')
    from information_schema.columns
    where table_schema = 'printora_raw'
    group by table_name
"""


@dataclass(frozen=True)
class Status:
    """What the warehouse tells of itself. ``requests`` were made within the last 24 hours.

    ``proven_as_of``: everything was proven complete as of then, by the last sync or an earlier one.
    ``problems``: where the certificates contradict the tables or the clock. ``readers`` have the
    file open, and keep the next run out.
    """

    warehouse: str
    writer: str | None
    certificates: Sequence[StoredCertificate]
    requests: int
    quarantined: int
    now: datetime
    proven_as_of: datetime | None = None
    problems: Sequence[str] = ()
    published_at: datetime | None = None
    readers: Sequence[str] = ()

    @property
    def as_of(self) -> datetime | None:
        """What the last sync proved: all are complete as of then; None where one is not."""
        return complete_as_of(self.certificates)

    @property
    def exit_code(self) -> int:
        """0 where all is proven complete, 1 where something is wrong or nothing there, else 3."""
        if (self.problems or not self.certificates) and not self.writer:
            return failures.FAILED
        return failures.PARTIAL if self.as_of is None else failures.DONE

    @property
    def todo(self) -> str:
        """What to do, in one sentence."""
        if self.writer:
            return f"{self.writer} is writing: wait for it."
        if self.problems:
            return " ".join(self.problems)
        if self.readers:
            return kept_out(self.readers)
        if not self.certificates:
            return "Nothing was ever synced into this warehouse: run `printora run`."
        failed = next((p.reason for p in self.certificates if p.outcome == FAILED), None)
        if failed:
            return f"Mend what ended the last sync, then run again. {failed}"
        if self.as_of is None:
            return "Run `printora run` to go on."
        if self.now - self.as_of > LATE:
            return "The data is old: run `printora run`, and look why the schedule did not."
        if any(part.outcome == SKIPPED for part in self.certificates):
            return "Set SOURCES__PRINTORA__SESSION_LEDGER: conversion needs to know the sessions."
        if self.quarantined:
            return f"Look at `reason` and `place` of the records: {QUARANTINE}."
        return "Nothing."


def show() -> int:
    """Print the status; return its exit code."""
    writer, readers = writer_of_any(), readers_of_any()
    with warehouses.reading() as connection:
        if warehouses.is_file():
            refuse_foreign(warehouses.place(), connection)
        found = read(connection, warehouses.place(), writer)
        status = replace(found, published_at=_published_at(), readers=readers)
    if terminal.wishes.json:
        terminal.print_json({**asdict(status), "complete_as_of": status.as_of, "todo": status.todo})
    else:
        _print(status)
    return status.exit_code


def writer_of(path: Path) -> str | None:
    """Return which run holds the lock, if one does."""
    if not path.exists() or not was_ever_held(path):
        return None
    try:
        with warehouse_lock(path, timeout=0):
            return None
    except WarehouseLocked:
        return str(holder_of(path) or "Another run")
    except WarehouseError:
        return None  # who may only read the folder can make no lock


def writer_of_any() -> str | None:
    """Return which run writes to the warehouse that the settings name."""
    if place := lake_url():
        from pipelines.warehouse.lake import open_lake
        from pipelines.warehouse.lake_lock import writer_of as writer_in

        return writer_in(open_lake(place))
    url = warehouses.hidden_url()
    if url is None:
        return writer_of(warehouse_path())
    from pipelines.warehouse.postgres import connect as open_database
    from pipelines.warehouse.postgres_lock import writer_of as writer_there

    with closing(open_database(url)) as session:
        return writer_there(session)


def kept_out(readers: Sequence[str]) -> str:
    """Return what becomes of a run while somebody reads the warehouse itself."""
    return (
        f"The warehouse is open in {' and '.join(readers)}: a run waits ten seconds, and ends. "
        "Close it there, or let it read the snapshot."
    )


def readers_of_any() -> list[str]:
    """Return who keeps the next run out of a DuckDB file; others keep nobody out."""
    return readers_of(warehouse_path()) if warehouses.is_file() else []


def read(connection: DuckDBPyConnection, path: str, writer: str | None) -> Status:
    """Read what the warehouse tells of itself."""
    now = utc(SystemClock().now())
    certificates = read_last(connection)
    if not certificates:
        return Status(path, writer, [], 0, 0, now, problems=list(_foreign(connection, path)))
    problems = [*_ahead(certificates, now), *_differing(connection, certificates)]
    return Status(
        path,
        writer,
        certificates,
        _number(connection, _REQUESTS, [now - timedelta(days=1)]),
        _quarantined(connection),
        now,
        complete_as_of(read_freshness(connection).values()),
        problems,
    )


def _foreign(connection: DuckDBPyConnection, path: str) -> Iterator[str]:
    """Name a database that somebody else made."""
    if warehouses.is_file() and (found := stranger(path, connection)):
        yield " ".join(found)


def _ahead(certificates: Sequence[StoredCertificate], now: datetime) -> Iterator[str]:
    """Name a certificate that is of the future: its clock was wrong, or ours is."""
    for part in certificates:
        if part.complete_as_of and part.complete_as_of - now > _CLOCKS:
            yield (
                f"{part.resource} are certified as of {moment(part.complete_as_of)}, which is "
                "yet to come: this machine's clock or the API's was wrong. Set the clock right, "
                "then `printora sync --full`."
            )


def _differing(
    connection: DuckDBPyConnection, certificates: Sequence[StoredCertificate]
) -> Iterator[str]:
    """Name a table that does not have the rows that its certificate counted."""
    found = dict(connection.execute(_TABLES).fetchall())
    for part in certificates:
        if part.complete_as_of is None or part.rows_stored is None:
            continue  # a sync that was stopped counts at its last load, and not at its end
        where = " where deleted_at is null" if found.get(part.resource) else ""
        query = f"select count(*) from printora_raw.{part.resource}{where}"  # noqa: S608 - our names
        rows = _number(connection, query) if part.resource in found else 0
        if rows != part.rows_stored:
            yield (
                f"printora_raw.{part.resource} has {counted(rows, 'row')}, but the last sync left "
                f"{part.rows_stored:,}: something else changed it. `printora sync --full` reads "
                "all again."
            )


def _quarantined(connection: DuckDBPyConnection) -> int:
    """Count the bad records; a first load that was cut has no table of them."""
    is_there = any(name == "quarantine" for name, *_ in connection.execute(_TABLES).fetchall())
    return _number(connection, _QUARANTINED) if is_there else 0


def _number(connection: DuckDBPyConnection, query: str, values: Sequence[datetime] = ()) -> int:
    row = connection.execute(query, list(values)).fetchone()
    return int(row[0]) if row else 0


def _published_at() -> datetime | None:
    """Return when the snapshot for readers was made; None where there is none."""
    path = publish_path()
    return utc(path.stat().st_mtime) if path and path.exists() else None


def _print(status: Status) -> None:
    if status.certificates:
        terminal.show(tables.certificate_table(status.certificates))
    terminal.show(tables.completeness_line(status.certificates), _facts(status))


def _facts(status: Status) -> Text:
    as_of, published_at = status.proven_as_of, status.published_at
    looks = [part.oldest_observation_at for part in status.certificates]
    oldest = max((status.now - at for at in looks if at is not None), default=None)
    facts = {
        "Warehouse": status.warehouse,
        "Complete": "never" if as_of is None else age(status.now - as_of),
        "Values": "none" if oldest is None else f"the oldest was read {age(oldest)}",
        "Requests": f"{status.requests:,} in the last 24 hours",
        "Quarantine": counted(status.quarantined, "record"),
        "Snapshot": "none" if published_at is None else age(status.now - published_at),
        "Writer": status.writer or "none",
        **({"Readers": ", ".join(status.readers)} if status.readers else {}),
        "To do": status.todo,
    }
    return Text("\n".join(f"{name:<11} {value}" for name, value in facts.items()))


def age(past: timedelta) -> str:
    """Return how long ago something was, in words; what is yet to come is said to be."""
    if past < -_CLOCKS:
        return f"in {length(past.total_seconds())}, which cannot be"
    return f"{length(max(past, timedelta()).total_seconds())} ago"
