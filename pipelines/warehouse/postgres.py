"""PostgreSQL: opening it, its raw tables, and the checks on it.

Every session is in UTC, whatever the server's zone is: see :func:`connect`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pipelines.errors import ConfigurationError, ModelError, WarehouseError
from pipelines.warehouse.catalog import literal, quoted
from pipelines.warehouse.checks import SAMPLE_ROWS, CheckResult, number_of
from pipelines.warehouse.dialect import compiled
from pipelines.warehouse.project import RAW_SCHEMA, Check, Project

if TYPE_CHECKING:
    from pipelines.source.schema import Kind

#: psycopg2 has no types.
Connection = Any
Cursor = Any

_TYPES: dict[Kind, str] = {
    "text": "text",
    "money": "numeric(18, 4)",
    "integer": "bigint",
    "time": "timestamptz",
    "json": "jsonb",
}


def connect(url: str) -> Connection:
    """Open the database, in UTC.

    Raises:
        ConfigurationError: the driver is not installed.
        WarehouseError: the server does not let us in.
    """
    try:
        import psycopg2
    except ImportError:
        raise ConfigurationError(
            "PostgreSQL's driver is not installed.", hint="Install printora-elt[postgres]."
        ) from None
    try:
        # Some casts take the session's zone, which is the server's otherwise: often a local one,
        # in which an hour is missing or twice there.
        return psycopg2.connect(url, options="-c timezone=UTC")
    except psycopg2.Error as error:
        raise WarehouseError(
            f"PostgreSQL cannot be opened: {' '.join(str(error).split())}",
            hint="Check host, port, user and database, and that the server runs.",
        ) from None


@contextmanager
def transaction(connection: Connection) -> Iterator[Cursor]:
    """Yield a cursor; keep all that is done with it, or, if anything is raised, nothing."""
    with connection, connection.cursor() as cursor:
        yield cursor


def ensure_raw_tables(cursor: Cursor) -> None:
    """Create the raw tables and columns that are missing, with their comments."""
    from pipelines.source.schema import TABLES

    cursor.execute(f"create schema if not exists {RAW_SCHEMA}")
    for table in TABLES:
        name = f"{RAW_SCHEMA}.{table.name}"
        cursor.execute(f"create table if not exists {name} ()")
        for column in table.columns:
            definition = f"{quoted(column.name)} {_TYPES[column.kind]}"
            cursor.execute(f"alter table {name} add column if not exists {definition}")
        meanings = [(column.name, column.description) for column in table.columns]
        comment_on(cursor, "table", name, table.description, meanings)


def comment_on(
    cursor: Cursor, kind: str, name: str, text: str, columns: Iterable[tuple[str, str]]
) -> None:
    """Describe a table or view and its columns."""
    statements = [f"comment on {kind} {name} is {literal(text)}"]
    statements += [
        f"comment on column {name}.{quoted(column)} is {literal(meaning)}"
        for column, meaning in columns
    ]
    cursor.execute(";".join(statements))


def run_checks(connection: Connection, project: Project) -> list[CheckResult]:
    """Run the checks of ``sql/checks``; a build has checked what headers promise.

    Raises:
        ModelError: the database refuses a check's query. That rows are found is no error.
    """
    with transaction(connection) as cursor:
        return [run_check(cursor, check) for check in project.checks]


def run_check(cursor: Cursor, check: Check, *, suffix: str = "") -> CheckResult:
    """Run one check, on the models of the schemas with this suffix."""
    found = f"({compiled(check.sql, 'postgres', check.place, suffix=suffix)}) as found"
    with explained(check.place, hint="The other checks were not run."):
        cursor.execute(f"select {number_of(check)} from {found}")  # noqa: S608 - a file of ours
        failures = int(cursor.fetchone()[0] or 0)
        cursor.execute(f"select * from {found} limit {SAMPLE_ROWS if failures else 0}")  # noqa: S608 - a file of ours
        names = [column[0] for column in cursor.description]
        sample = [
            {name: None if value is None else str(value) for name, value in zip(names, row)}  # noqa: B905 - the driver's own
            for row in cursor.fetchall()
        ]
        return CheckResult(check, failures, tuple(sample))


def rows(connection: Connection, sql: str) -> Iterator[tuple[Any, ...]]:
    """Return the rows of a query, fetched in portions."""
    with connection, connection.cursor("portions") as cursor:
        cursor.execute(sql)
        yield from cursor


@contextmanager
def explained(place: str, *, hint: str) -> Iterator[None]:
    """Turn the database's errors into ours, with the file."""
    import psycopg2

    try:
        yield
    except psycopg2.Error as error:
        text = " ".join(str(error).split())
        raise ModelError(f"{place}: PostgreSQL: {text}", hint=hint) from error
