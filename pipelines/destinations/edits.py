"""What was changed in a mirror on purpose, such as a person who is forgotten."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.destinations.base import DATASET
from pipelines.source.schema import TABLES
from pipelines.warehouse.catalog import literal, quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

RAW = {table.name: table for table in TABLES}
#: By table, the query for the rows that are new or other, and the types of its columns.
Changes = Mapping[str, tuple[str, Mapping[str, str]]]


@contextmanager
def changes(here: DuckDBPyConnection, before: Path) -> Iterator[Changes]:
    """Yield what is not as it was in the file ``before``; the queries can be run in the block."""
    here.execute(f"attach {literal(str(before))} as before_it (read_only)")
    try:
        earlier = _tables(here, "'before_it'")
        now = _tables(here, "current_database()")
        queries = {name: _difference(of, name, name in earlier) for name, of in now.items()}
        yield {n: (query, now[n]) for n, query in queries.items() if _has_rows(here, query)}
    finally:
        here.execute("detach before_it")


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
