"""Taking out of the stored rows what the rule of today does not allow."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipelines.people.state import RAW, tables
from pipelines.source.allowed import KINDS
from pipelines.source.privacy import Privacy
from pipelines.source.values import as_json

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

STAGING = f"{RAW}_staging"
#: What holds a record or a part of it, as JSON.
DOCUMENTS = {"items", "creator", "payload", "extra", "record", "value"}
#: Columns of short texts that are no ids: places, carriers.
TERMS = {name for name, kind in KINDS.items() if kind == "term"}
_AT_ONCE = 50_000


def empty_staging(connection: DuckDBPyConnection) -> None:
    """Delete the second copy of the last load's rows, which a merge leaves."""
    for table in tables(connection):
        if table.startswith(f"{STAGING}.") and not table.startswith(f"{STAGING}._dlt"):
            connection.execute(f"delete from {table}")


def scrub(connection: DuckDBPyConnection, privacy: Privacy) -> None:
    """Let no stored value stay that the rule would not let in.

    Names, types, keys, amounts and times stay; the people themselves go from the marts as well.
    """
    if privacy.keep_personal:
        return
    empty_staging(connection)
    for table, columns in tables(connection).items():
        set_null(connection, table, columns & _unwanted(privacy))
        if table.startswith(f"{RAW}.") and not table.startswith(f"{RAW}._dlt"):
            # It is a hash of what was there, and would tell it to whoever guesses.
            set_null(connection, table, columns & {"_fingerprint"})
            for column in columns & DOCUMENTS:
                replace_documents(connection, table, column, privacy.kept)
            for column in columns & TERMS:
                _replace_texts(connection, table, column, partial(privacy.text, column))
            for column in columns & {"record_status"}:
                _replace_texts(connection, table, column, privacy.word)


def _unwanted(privacy: Privacy) -> set[str]:
    none = {"customer_pseudonym", "fields"} if privacy.personal_data == "none" else set()
    return {"personal"} | none


def set_null(
    connection: DuckDBPyConnection, table: str, columns: set[str], where: str = "true"
) -> int:
    """Set columns to null where they are not; return in how many rows."""
    if not columns:
        return 0
    nulls = ", ".join(f'"{column}" = null' for column in sorted(columns))
    some = " or ".join(f'"{column}" is not null' for column in sorted(columns))
    done = connection.execute(f"update {table} set {nulls} where ({where}) and ({some})").fetchone()
    return int(done[0]) if done else 0


def replace_documents(
    connection: DuckDBPyConnection,
    table: str,
    column: str,
    kept: Callable[[Any], Any],
    where: str = "true",
) -> int:
    """Replace each JSON document by what is kept of it; return how many changed."""
    count = 0
    for start, stop in _ranges(connection, table):
        rows = connection.execute(
            f"select rowid, {column} from {table} where rowid >= ? and rowid < ?"
            f" and {column} is not null and ({where})",
            [start, stop],
        ).fetchall()
        changed = {row: new for row, old in rows if (new := _rewritten(old, kept)) != old}
        replace_values(connection, table, column, "rowid", changed)
        count += len(changed)
    return count


def _ranges(connection: DuckDBPyConnection, table: str) -> Iterator[tuple[int, int]]:
    last = connection.execute(f"select max(rowid) from {table}").fetchone()
    if last and last[0] is not None:
        for start in range(0, last[0] + 1, _AT_ONCE):
            yield start, start + _AT_ONCE


def _rewritten(document: str, kept: Callable[[Any], Any]) -> str | None:
    return as_json(kept(json.loads(document, parse_float=Decimal)))


def replace_values(
    connection: DuckDBPyConnection,
    table: str,
    column: str,
    key: str,
    values: Mapping[Any, str | None],
    where: str = "true",
) -> None:
    """Set a column to the value that belongs to the row's key."""
    if not values:
        return
    changes = pa.table(
        {"key": pa.array(values.keys()), "value": pa.array(values.values(), "string")}
    )
    connection.register("changes", changes)
    connection.execute(
        f"update {table} set {column} = changes.value from changes"
        f" where {table}.{key} = changes.key and {where}"
    )
    connection.unregister("changes")


def _replace_texts(
    connection: DuckDBPyConnection, table: str, column: str, kept: Callable[[str], str]
) -> None:
    found = connection.execute(f"select distinct {column} from {table}").fetchall()
    for (text,) in found:
        if text is not None and (new := kept(text)) != text:
            connection.execute(f"update {table} set {column} = ? where {column} = ?", [new, text])
