"""What was changed in a mirror on purpose, such as a person who is forgotten, in PostgreSQL too."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.destinations.base import DATASET
from pipelines.destinations.edits import RAW, changes
from pipelines.source.schema import Table
from pipelines.warehouse.catalog import quoted
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
    with changes(here, before) as changed:
        for name, (query, columns) in changed.items():
            if name in RAW:
                _replace_rows(cursor, here, RAW[name], query)
            else:
                _replace_table(cursor, here, name, columns)
        return [f"{DATASET}.{name}" for name in changed if name in RAW]


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
