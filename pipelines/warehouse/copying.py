"""Rows between a DuckDB file and PostgreSQL, as CSV: exact, and as fast as either can be."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.source.schema import TABLES
from pipelines.warehouse.catalog import literal, quoted
from pipelines.warehouse.postgres import Connection, Cursor, ensure_raw_tables, transaction
from pipelines.warehouse.project import RAW_SCHEMA

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

#: Bytes of one row as CSV, at most: more than the API's longest answer.
_LONGEST_ROW = 16 * 1024 * 1024
#: What DuckDB calls a type, by what PostgreSQL calls it; others travel as text.
_HERE = {
    "smallint": "smallint",
    "integer": "integer",
    "bigint": "bigint",
    "real": "real",
    "double precision": "double",
    "boolean": "boolean",
    "date": "date",
    "timestamp without time zone": "timestamp",
    "timestamp with time zone": "timestamptz",
    "json": "json",
    "jsonb": "json",
}
#: Tables of a schema that are not dlt's, nor our own notes.
_OURS = """
    select table_name from information_schema.tables
    where table_schema = %s and table_type = 'BASE TABLE' and table_name !~ '^_'
        and table_name <> all (%s::text[])
"""


def copy_raw(here: DuckDBPyConnection, there: Connection) -> int:
    """Replace the raw tables in PostgreSQL by those of the warehouse; return how many rows."""
    copied = 0
    with transaction(there) as cursor:
        ensure_raw_tables(cursor)
        for table in TABLES:
            name = f"{RAW_SCHEMA}.{table.name}"
            cursor.execute(f"truncate {name}")
            names = [column.name for column in table.columns]
            columns = ", ".join(map(quoted, names))
            copied += copy_in(here, f"select {columns} from {name}", cursor, name, names)  # noqa: S608 - our own names
    return copied


def copy_back(cursor: Cursor, here: DuckDBPyConnection, leave_out: Collection[str] = ()) -> None:
    """Copy the raw tables, and who is forgotten, out of PostgreSQL into an empty DuckDB file."""
    here.execute(f"create schema {RAW_SCHEMA}")
    cursor.execute(_OURS, [RAW_SCHEMA, list(leave_out)])
    known = {table.name: table.arrow.names for table in TABLES}
    for (name,) in cursor.fetchall():
        columns = ", ".join(map(quoted, known[name])) if name in known else "*"
        place = f"{RAW_SCHEMA}.{name}"
        copy_out(cursor, f"select {columns} from {place}", here, place)  # noqa: S608 - our own names


def copy_in(
    here: DuckDBPyConnection, query: str, cursor: Cursor, name: str, columns: Iterable[str]
) -> int:
    """Add the rows of a query on DuckDB to a table in PostgreSQL; return how many."""
    names = ", ".join(map(quoted, columns))
    with _file() as file:
        # With every text in quotes, an empty one is not taken for null.
        here.execute(
            f"copy ({query}) to {literal(str(file))} (format csv, header false, force_quote *)"
        )
        with file.open(encoding="utf-8") as stream:
            cursor.copy_expert(f"copy {name} ({names}) from stdin (format csv)", stream)
    return int(cursor.rowcount)


def copy_out(cursor: Cursor, query: str, here: DuckDBPyConnection, table: str) -> None:
    """Add the rows of a query on PostgreSQL to a table in DuckDB, which is made where missing."""
    cursor.execute(f"select * from ({query}) as shape limit 0")  # noqa: S608 - our own queries
    columns = _types(cursor)
    fields = ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in columns)
    names = ", ".join(quoted(name) for name, _ in columns)
    definitions = ", ".join(f"{quoted(name)} {kind}" for name, kind in columns)
    with _file() as file:
        with file.open("wb") as stream:
            cursor.copy_expert(f"copy ({query}) to stdout (format csv, force_quote *)", stream)
        here.execute(f"create table if not exists {quoted(table)} ({definitions})")
        if file.stat().st_size:  # DuckDB finds no columns in a file without rows
            here.execute(
                f"insert into {quoted(table)} ({names}) select * from read_csv("  # noqa: S608 - our own names
                f"{literal(str(file))}, columns = {{{fields}}}, header = false, delim = ',', "
                "quote = '\"', escape = '\"', nullstr = '', allow_quoted_nulls = false, "
                f"parallel = false, auto_detect = false, max_line_size = {_LONGEST_ROW}, "
                f"buffer_size = {2 * _LONGEST_ROW})"
            )


def _types(cursor: Cursor) -> Sequence[tuple[str, str]]:
    """Return name and DuckDB type of each column of what was asked last."""
    shape = cursor.description
    cursor.execute(
        "select array(select format_type(code, null) from unnest(%s::oid[]) "
        "with ordinality as codes (code, place) order by place)",
        [[column.type_code for column in shape]],
    )
    (kinds,) = cursor.fetchone()
    return [
        (column.name, _type(kind, column.precision, column.scale))
        for column, kind in zip(shape, kinds, strict=True)
    ]


def _type(kind: str, precision: int | None, scale: int | None) -> str:
    if kind == "numeric":  # what was computed has no precision of its own
        return f"decimal({precision}, {scale})" if precision and precision <= 38 else "double"
    return _HERE.get(kind, "varchar")


@contextmanager
def _file() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "rows.csv"
