"""PostgreSQL: opening it, its raw tables, and the checks on it.

Every session is in UTC, whatever the server's zone is: see :func:`connect`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pipelines.errors import ConfigurationError, ModelError, WarehouseError
from pipelines.source.schema import MONEY_DIGITS, MONEY_PLACES, TABLES
from pipelines.warehouse.catalog import literal, quoted
from pipelines.warehouse.checks import SAMPLE_ROWS, CheckResult, number_of
from pipelines.warehouse.dialect import compiled
from pipelines.warehouse.project import RAW_SCHEMA, Check, Project

if TYPE_CHECKING:
    from pipelines.source.schema import Column, Kind, Table

#: psycopg2 has no types.
Connection = Any
Cursor = Any

TYPES: dict[Kind, str] = {
    "text": "text",
    "money": f"numeric({MONEY_DIGITS}, {MONEY_PLACES})",
    "integer": "bigint",
    "time": "timestamptz",
    "json": "jsonb",
}

#: Ordinary columns of a schema, and their comments.
_RAW = """
    select c.relname, a.attname, col_description(c.oid, a.attnum)
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid
    where n.nspname = %s and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped
"""


def connect(url: str, name: str = "printora") -> Connection:
    """Open the database, in UTC; ``name`` is shown in ``pg_stat_activity``.

    Raises:
        ConfigurationError: the driver is not installed.
        WarehouseError: the server does not let us in.
    """
    try:
        import psycopg2
    except ImportError:
        raise ConfigurationError(
            "PostgreSQL's driver is not installed.",
            hint="Install the extra: .venv/bin/uv pip install -e '.[postgres]'.",
        ) from None
    try:
        # Some casts take the session's zone, which is the server's otherwise: often a local one,
        # in which an hour is missing or twice there.
        # Compiling a model's query to machine code takes longer than the query itself.
        options = "-c timezone=UTC -c jit=off"
        return psycopg2.connect(url, options=options, application_name=name)
    except psycopg2.Error as error:
        raise WarehouseError(
            f"PostgreSQL cannot be opened: {sentence(error)}",
            hint="Check host, port, user and database, and that the server runs.",
        ) from None


@contextmanager
def transaction(connection: Connection) -> Iterator[Cursor]:
    """Yield a cursor; keep all that is done with it, or, if anything is raised, nothing."""
    with connection, connection.cursor() as cursor:
        yield cursor


def ensure_raw_tables(cursor: Cursor) -> None:
    """Create what is missing of the raw tables: columns, comments, and an index on each key.

    The index is unique: nothing that is loaded, by whomever, can double a row.
    """
    cursor.execute(_RAW, [RAW_SCHEMA])
    there = {(table, column): text for table, column, text in cursor.fetchall()}
    cursor.execute(f"create schema if not exists {RAW_SCHEMA}")
    for table in TABLES:
        missing = [c for c in table.columns if (table.name, c.name) not in there]
        meanings = [(c.name, c.description) for c in table.columns]
        if any(there.get((table.name, name)) != text for name, text in meanings):
            _make_raw_table(cursor, table, missing)
            name = f"{RAW_SCHEMA}.{table.name}"
            comment_on(cursor, "table", name, table.description, meanings)


def _make_raw_table(cursor: Cursor, table: Table, missing: Iterable[Column]) -> None:
    name = f"{RAW_SCHEMA}.{table.name}"
    cursor.execute(f"create table if not exists {name} ()")
    for column in missing:
        cursor.execute(f"alter table {name} add column {quoted(column.name)} {TYPES[column.kind]}")
    keys = ", ".join(table.key)
    cursor.execute(f"create unique index if not exists {table.name}_key on {name} ({keys})")


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
        raise ModelError(f"{place}: PostgreSQL: {sentence(error)}", hint=hint) from error


def sentence(error: Exception) -> str:
    """Return what the server said, in one line with a full stop: a hint may follow."""
    return " ".join(str(error).split()).rstrip(".") + "."
