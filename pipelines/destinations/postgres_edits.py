"""What was changed in a mirror on purpose, such as a person who is forgotten, in PostgreSQL too."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.destinations.base import DATASET
from pipelines.source.schema import TABLES, Table
from pipelines.warehouse.catalog import literal, quoted
from pipelines.warehouse.copying import copy_in
from pipelines.warehouse.postgres import Connection, Cursor

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_log = logging.getLogger(__name__)
#: A reader that keeps a table longer than this is not waited for.
_PATIENCE = "set lock_timeout = '30s'"
#: What PostgreSQL calls a type; what is not here has one name.
_TYPES = {"VARCHAR": "text", "JSON": "jsonb"}


def push(cursor: Cursor, here: DuckDBPyConnection, before: Path) -> list[str]:
    """Replace the rows that are not as they were in ``before``; return the raw tables with any.

    Tables that are no raw ones, such as the list of who is forgotten, are replaced whole.
    """
    raw = {table.name: table for table in TABLES}
    here.execute(f"attach {literal(str(before))} as before_it (read_only)")
    try:
        earlier = _tables(here, "'before_it'")
        now = _tables(here, "current_database()")
        tables = {name: _difference(of, name, name in earlier) for name, of in now.items()}
        changed = [name for name, query in tables.items() if _has_rows(here, query)]
        for name in changed:
            if name in raw:
                _replace_rows(cursor, here, raw[name], tables[name])
            else:
                _replace_table(cursor, here, name, now[name])
    finally:
        here.execute("detach before_it")
    return [f"{DATASET}.{name}" for name in changed if name in raw]


def vacuum(session: Connection, tables: Iterable[str]) -> None:
    """Write tables anew, so that what was erased is not in their files any more."""
    import psycopg2

    session.autocommit = True
    try:
        with session.cursor() as cursor:
            cursor.execute(_PATIENCE)
            for table in tables:
                cursor.execute(f"vacuum (full) {table}")
    except psycopg2.Error as error:
        _log.warning("What was erased can still be in the database's files: %s", error)
    finally:
        session.autocommit = False


def _tables(here: DuckDBPyConnection, database: str) -> dict[str, dict[str, str]]:
    """Return the columns of each table, and their types."""
    rows = here.execute(
        "select table_name, column_name, data_type from duckdb_columns()"
        f" where schema_name = '{DATASET}' and database_name = {database} order by column_index"
    ).fetchall()
    found: dict[str, dict[str, str]] = {}
    for table, column, kind in rows:
        found.setdefault(table, {})[column] = kind
    return found


def _difference(columns: Iterable[str], name: str, was_there: bool) -> str:
    """Return the query for the rows that were not there before, as they are now."""
    names = ", ".join(map(quoted, columns))
    query = f"select {names} from {DATASET}.{name}"
    earlier = f" except select {names} from before_it.{DATASET}.{name}"
    return query + earlier if was_there else query


def _has_rows(here: DuckDBPyConnection, query: str) -> bool:
    return here.execute(f"{query} limit 1").fetchone() is not None


def _replace_rows(cursor: Cursor, here: DuckDBPyConnection, table: Table, query: str) -> None:
    name, columns = f"{DATASET}.{table.name}", table.arrow.names
    names = ", ".join(map(quoted, columns))
    same = " and ".join(f"old.{key} = new.{key}" for key in table.key)
    cursor.execute(f"create temporary table changed (like {name}) on commit drop")
    copy_in(here, f"select {names} from ({query})", cursor, "changed", columns)
    cursor.execute(f"delete from {name} old using changed new where {same}")
    cursor.execute(f"insert into {name} ({names}) select {names} from changed")
    cursor.execute("drop table changed")


def _replace_table(
    cursor: Cursor, here: DuckDBPyConnection, table: str, columns: Mapping[str, str]
) -> None:
    name = f"{DATASET}.{table}"
    definitions = ", ".join(f"{quoted(c)} {_TYPES.get(kind, kind)}" for c, kind in columns.items())
    cursor.execute(f"create table if not exists {name} ({definitions})")
    cursor.execute(f"delete from {name}")
    names = ", ".join(map(quoted, columns))
    copy_in(here, f"select {names} from {name}", cursor, name, columns)
