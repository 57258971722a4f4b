"""What is in the database: relations, their columns and their comments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

RelationType = Literal["table", "view"]


@dataclass(frozen=True)
class ColumnType:
    """A column as the database has it."""

    name: str
    type: str
    comment: str | None


def quoted(qualified: str) -> str:
    """Return ``schema.name`` as SQL that is safe whatever the name."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in qualified.split("."))


def literal(text: str) -> str:
    """Return the text as a literal, for statements that take no parameters (COMMENT ON)."""
    return "'" + text.replace("'", "''") + "'"


@contextmanager
def transaction(connection: DuckDBPyConnection) -> Iterator[None]:
    """Keep all that is done inside, or, if anything is raised, nothing of it."""
    connection.execute("begin transaction")
    try:
        yield
    except BaseException:
        # A rollback that fails too (a broken connection) must not hide why it was needed.
        with suppress(Exception):
            connection.execute("rollback")
        raise
    connection.execute("commit")


def relations(connection: DuckDBPyConnection) -> dict[str, tuple[RelationType, str | None]]:
    """Return type and comment of every table and view, by qualified name."""
    rows = connection.execute(
        """
        select schema_name || '.' || table_name, 'table', comment
        from duckdb_tables() where database_name = current_database() and not internal
        union all
        select schema_name || '.' || view_name, 'view', comment
        from duckdb_views() where database_name = current_database() and not internal
        """
    ).fetchall()
    return {name: (kind, comment) for name, kind, comment in rows}


def columns(connection: DuckDBPyConnection) -> dict[str, tuple[ColumnType, ...]]:
    """Return the columns of every table and view, in order, by qualified name."""
    rows = connection.execute(
        """
        select schema_name || '.' || table_name, column_name, data_type, comment
        from duckdb_columns() where database_name = current_database() and not internal
        order by schema_name, table_name, column_index
        """
    ).fetchall()
    found: dict[str, list[ColumnType]] = {}
    for name, *column in rows:
        found.setdefault(name, []).append(ColumnType(*column))
    return {name: tuple(of_table) for name, of_table in found.items()}


def count(connection: DuckDBPyConnection, qualified: str) -> int:
    """Return how many rows a relation has. A view is run by this, and may fail."""
    row = connection.execute(f"select count(*) from {quoted(qualified)}").fetchone()  # noqa: S608 - quoted
    return int(row[0]) if row else 0


def comment_on(
    connection: DuckDBPyConnection,
    kind: RelationType,
    name: str,
    description: str,
    of_columns: Iterable[tuple[str, str]],
) -> None:
    """Put descriptions on a relation that was just made, and on its columns that have one."""
    connection.execute(f"comment on {kind} {quoted(name)} is {literal(description)}")
    for column, meaning in of_columns:
        if meaning:
            place = f"{quoted(name)}.{quoted(column)}"
            connection.execute(f"comment on column {place} is {literal(meaning)}")


def describe(
    connection: DuckDBPyConnection,
    descriptions: Iterable[tuple[str, str, Iterable[tuple[str, str]]]],
) -> None:
    """Put descriptions on relations and columns, as COMMENTs, where they differ.

    ``descriptions`` are qualified name, description and pairs of column and description. A comment
    that is there already costs nothing and writes nothing.
    """
    known, known_columns = relations(connection), columns(connection)
    for name, description, of_columns in descriptions:
        kind, comment = known[name]
        comments = {column.name: column.comment for column in known_columns[name]}
        pairs = [(column, text) for column, text in of_columns if comments[column] != text]
        if comment != description or pairs:
            comment_on(connection, kind, name, description, pairs)
