"""By which rule and key the rows of a warehouse were made: a small table beside them."""

from __future__ import annotations

from dataclasses import astuple, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from pipelines.source.allowed import RULES
from pipelines.source.privacy import Privacy
from pipelines.warehouse.project import PRIVACY_STATE, RAW_SCHEMA

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

RAW = RAW_SCHEMA
STATE = PRIVACY_STATE
#: Who was forgotten, and the receipts of it.
FORGOTTEN, RECEIPTS = f"{RAW}.forgotten", f"{RAW}.forget_receipts"
OWN_TABLES = {STATE, FORGOTTEN, RECEIPTS}


@dataclass(frozen=True)
class State:
    """The rule, the version of the allow-list, and the key, as far as its fingerprint tells it."""

    personal_data: str
    rules: str
    key_version: int
    key_fingerprint: str
    #: The key, as only the API key opens it: a warehouse that is moved without its key goes on.
    key_copy: str = field(default="", repr=False)

    @classmethod
    def of(cls, privacy: Privacy) -> State:
        """Return what a rule leaves in the warehouse."""
        keys = privacy.keys
        return cls(privacy.personal_data, RULES, keys.version, keys.fingerprint())


def recorded(connection: DuckDBPyConnection) -> State | None:
    """Return what was recorded last; None in a new warehouse, and in one of an early version."""
    if STATE not in tables(connection):
        return None
    row = connection.execute(
        "select personal_data, rules, key_version, key_fingerprint, key_copy"
        f" from {STATE} order by changed_at desc, rowid desc limit 1"
    ).fetchone()
    return State(*row) if row else None


def record(connection: DuckDBPyConnection, state: State, now: datetime) -> None:
    """Add a line where something changed; the newest counts."""
    if recorded(connection) == state:
        return
    connection.execute(f"create schema if not exists {RAW}")
    connection.execute(
        f"create table if not exists {STATE} (changed_at timestamptz, personal_data varchar,"
        " rules varchar, key_version bigint, key_fingerprint varchar, key_copy varchar)"
    )
    connection.execute(f"insert into {STATE} values (?, ?, ?, ?, ?, ?)", [now, *astuple(state)])


def tables(connection: DuckDBPyConnection) -> dict[str, set[str]]:
    """Return the columns of every table of the file that holds rows, by qualified name."""
    rows = connection.execute(
        "select schema_name || '.' || table_name, column_name from duckdb_columns()"
        " join duckdb_tables() using (database_name, schema_name, table_name)"
        " where database_name = current_database() and not duckdb_tables.internal"
    ).fetchall()
    found: dict[str, set[str]] = {}
    for table, column in rows:
        found.setdefault(table, set()).add(column)
    return found
