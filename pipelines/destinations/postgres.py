"""PostgreSQL as the destination: dlt loads it, and a local mirror answers the questions.

A sync asks some fifty questions, and each takes a while over a network. So the rows are kept here
as well, in a mirror, and this is the order of things:

1. Each package gets a name, which is written at the destination before anything else.
2. dlt merges the rows there, table by table, and the state last.
3. Only then the mirror takes the same rows, and the package's name with them.

Whoever is killed in between leaves a mirror of another package than the destination names: it is
copied anew. So a mirror never knows of rows that the destination lacks. What a certificate counts,
it counts at the destination.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dlt
from dlt.common.configuration import configspec
from dlt.destinations.impl.postgres.configuration import (
    PostgresClientConfiguration,
    PostgresCredentials,
)

from pipelines.clock import Clock, SystemClock
from pipelines.destinations.base import DATASET
from pipelines.destinations.batches import Batch, to_arrow
from pipelines.destinations.faults import readable_errors
from pipelines.destinations.jsonb import storable
from pipelines.destinations.mirror import Mirror, Mirrored
from pipelines.destinations.packages import Packages, as_given
from pipelines.destinations.postgres_edits import push, vacuum
from pipelines.destinations.sql import SqlReading
from pipelines.destinations.where import ALL, JsonObject, Where
from pipelines.source.schema import SYNC_RUNS, TABLES, Table
from pipelines.warehouse.copying import copy_back
from pipelines.warehouse.postgres import Connection, Cursor, ensure_raw_tables, transaction
from pipelines.warehouse.postgres_build import refuse_other_order
from pipelines.warehouse.postgres_lock import writer_session

_PACKAGE = f"{DATASET}._printora_package"
_MIRRORED = [table for table in TABLES if table is not SYNC_RUNS]


@configspec(init=False)
class _Url(PostgresCredentials):
    """A database by a URL of libpq's, as it stands, and in UTC: dlt's own knows no sockets."""

    url: str | None = dataclasses.field(default=None, repr=False)  # it has the password

    @classmethod
    def get_resolvable_fields(cls) -> dict[str, Any]:
        return as_given(super().get_resolvable_fields())

    def to_native_representation(self) -> str:
        return str(self.url)

    def get_query(self) -> dict[str, Any]:
        return {"options": "-ctimezone=UTC"}

    def __str__(self) -> str:
        return f"{self.host}/{self.database}"


@configspec(init=False)
class _Configuration(PostgresClientConfiguration):
    credentials: _Url = None  # type: ignore[assignment]  # resolved by dlt, as it does its own

    @classmethod
    def get_resolvable_fields(cls) -> dict[str, Any]:
        return {**as_given(super().get_resolvable_fields()), "credentials": _Url}


def destination_of(url: str) -> Any:
    """Return dlt's destination for a PostgreSQL database."""
    parts, credentials = urlsplit(url), _Url()
    credentials.url = url
    credentials.host = parts.hostname or "this machine"
    credentials.database = parts.path.strip("/") or (parts.username or "postgres")
    credentials.username = credentials.password = ""
    destination = dlt.destinations.postgres(credentials)
    destination.spec = _Configuration
    return destination


class PostgresDestination(Mirrored):
    """One database, opened for one sync by its only writer. Use as a context manager.

    ``mirror``: the file that answers. ``pipelines_dir``: where dlt keeps packages on their way.
    """

    def __init__(
        self, url: str, mirror: Path, pipelines_dir: str | None, clock: Clock | None = None
    ) -> None:
        super().__init__()
        self._url = url
        self._clock = clock or SystemClock()
        self._packages = Packages(destination_of(url), pipelines_dir, file_format="csv")
        self._mirror = Mirror(mirror, self._clock)
        self._session: Connection = None
        self._stack = ExitStack()
        self._is_sure = True
        self.state: JsonObject = {}

    def __enter__(self) -> PostgresDestination:
        with ExitStack() as stack:
            self._session = stack.enter_context(writer_session(self._url, clock=self._clock))
            with self._transaction() as cursor:  # before anything is asked or written
                refuse_other_order(cursor)
            stack.callback(self._mirror.close)
            self._packages.open()
            with self._transaction() as cursor:
                ensure_raw_tables(cursor)
                cursor.execute(f"create table if not exists {_PACKAGE} (id text)")
            self.state = self._packages.state()
            self._open_mirror()
            self._stack = stack.pop_all()
        return self

    def count(self, table: Table, condition: Where = ALL) -> int:
        """Count the rows; certificates, which are not mirrored, at the destination."""
        if table is SYNC_RUNS:
            return _There(self._session).count(table, condition)
        return super().count(table, condition)

    def counted(self, table: Table) -> dict[str | None, int]:
        """Count the rows at the destination; where the mirror has others, it is thrown away."""
        there = _There(self._session).counted(table)
        if there != super().counted(table):
            self._is_sure = False
            self._mirror.note(None)
        return there

    def recent_requests(self, since: datetime) -> list[tuple[datetime, int]]:
        """Return when syncs ended since a time, and how many requests each had made."""
        return _There(self._session).recent_requests(since)

    def withdrawn(self) -> set[str]:
        """Return what rests on a certificate which somebody has taken back."""
        return _There(self._session).withdrawn()

    def load(self, rows: Mapping[Table, Batch], state: JsonObject) -> None:
        """Merge the rows and note the state, in one package; then take them into the mirror."""
        batches = {
            table: storable(table, to_arrow(table, part)) for table, part in rows.items() if part
        }
        package = self._begin_package()
        sure, self._is_sure = self._is_sure, False
        self._packages.load(batches, state)
        self.state = dict(state)
        self._is_sure = sure
        mirrored = {table: batch for table, batch in batches.items() if table is not SYNC_RUNS}
        self._mirror.merge(mirrored, package if sure else None)

    @contextmanager
    def editing(self) -> Iterator[None]:
        """Let others of this process change the mirror's rows; then change the destination's."""
        with self._mirror.edited() as changed_from:
            yield
            if before := changed_from():
                with self._transaction() as cursor:
                    package = self._name_package(cursor)
                    changed = push(cursor, self._mirror.connection, before)
                self._mirror.note(package)
                vacuum(self._session, changed)

    def _open_mirror(self) -> None:
        with self._transaction() as cursor:
            cursor.execute("set transaction isolation level repeatable read")
            cursor.execute(f"select id from {_PACKAGE}")
            package = (cursor.fetchone() or [None])[0]
            if package is not None and package == self._mirror.package():
                self._mirror.read_columns()
                cursor.execute(_counts())
                if set(cursor.fetchall()) == set(self.query(_counts())):
                    self.columns = self._mirror.columns
                    return
            # The certificates are asked for at the destination.
            fill = partial(copy_back, cursor, leave_out=[SYNC_RUNS.name])
            self._mirror.derive(package or "", fill)
        self.columns = self._mirror.columns

    def _begin_package(self) -> str:
        """Name the next package at the destination, through the session that holds the lock."""
        with self._transaction() as cursor:
            return self._name_package(cursor)

    def _name_package(self, cursor: Cursor) -> str:
        package = uuid.uuid4().hex
        cursor.execute(f"delete from {_PACKAGE}")
        cursor.execute(f"insert into {_PACKAGE} values (%s)", [package])
        return package

    @contextmanager
    def _transaction(self) -> Iterator[Cursor]:
        with readable_errors(), transaction(self._session) as cursor:
            yield cursor


class _There(SqlReading):
    """The questions that go to the destination itself. All raw tables are there."""

    def __init__(self, session: Connection) -> None:
        super().__init__()
        self._session = session
        self.columns = {table.name: set(table.arrow.names) for table in TABLES}

    def query(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Run a query."""
        with readable_errors(), transaction(self._session) as cursor:
            cursor.execute(sql, parameters or None)
            return list(cursor.fetchall())


def _counts() -> str:
    """Return the query that tells two copies of the rows apart, as far as numbers can."""
    return " union all ".join(
        f"select '{table.name}', status, deleted_at is null, count(*)"
        f" from {DATASET}.{table.name} group by status, deleted_at is null"
        if "deleted_at" in table.arrow.names
        else f"select '{table.name}', null, null, count(*) from {DATASET}.{table.name}"
        for table in _MIRRORED
    )
