"""A new key for the pseudonyms: the stored ones go through it, so that one person stays one."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from pipelines.errors import ConfigurationError
from pipelines.people.guard import has_pseudonyms, keys_for, version_of
from pipelines.people.scrub import empty_staging, replace_values, set_null
from pipelines.people.state import FORGOTTEN, OWN_TABLES, State, record, recorded, tables
from pipelines.source.pseudonyms import Keys, key_file, write_keys

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from pipelines.settings import KeySettings


def rotate(
    connection: DuckDBPyConnection, settings: KeySettings, now: datetime, *, lost: bool = False
) -> Keys:
    """Take every stored pseudonym through a new key, or without the old one (``lost``) off.

    A key beside the warehouse is made; one of the settings has to be there, behind the old one.

    Raises:
        ConfigurationError: there is no new key, or the old one is not the stored pseudonyms'.
    """
    before = recorded(connection)
    if lost:
        keys = _anew(settings)
        _drop(connection)
    else:
        keys, since = _next(connection, settings, before)
        _rename(connection, keys, since)
    empty_staging(connection)
    mode = before.personal_data if before else "full"
    rules = before.rules if before else ""
    copy = keys.sealed(settings.api_key) if settings.api_key and not settings.pseudonym_key else ""
    record(connection, State(mode, rules, keys.version, keys.fingerprint(), copy), now)
    return keys


def _anew(settings: KeySettings) -> Keys:
    if settings.pseudonym_key:
        return Keys.of_setting(settings.pseudonym_key)
    keys = Keys.new()
    write_keys(key_file(settings.warehouse_path), keys)
    return keys


def _next(
    connection: DuckDBPyConnection, settings: KeySettings, before: State | None
) -> tuple[Keys, int]:
    """Return the chain with its new key, and through how many the stored ones went already."""
    keys = keys_for(settings, connection)
    keys.require()
    since = version_of(before, keys) if has_pseudonyms(connection) else keys.version
    if since is None:
        raise ConfigurationError(
            "The stored pseudonyms were made with another key than the one that is set.",
            hint="Set that one, then a comma, then the new one; or, if it is lost, add --lost.",
        )
    if since < keys.version:  # a key was added to the setting, or a rotation was cut off
        return keys, since
    if settings.pseudonym_key:
        raise ConfigurationError(
            "SOURCES__PRINTORA__PSEUDONYM_KEY names no key that is new.",
            hint="Add one behind the old one, with a comma between them, and run this again.",
        )
    keys = keys.extended()
    # First the file: a rotation that is cut off here is found unfinished, and ended.
    write_keys(key_file(settings.warehouse_path), keys)
    return keys, since


def _drop(connection: DuckDBPyConnection) -> None:
    for table, columns in tables(connection).items():
        changed = set_null(connection, table, columns & {"customer_pseudonym"})
        if changed and "_fingerprint" in columns:
            set_null(connection, table, {"_fingerprint"})


def _rename(connection: DuckDBPyConnection, keys: Keys, since: int) -> None:
    for table, columns in tables(connection).items():
        if table not in OWN_TABLES and "customer_pseudonym" in columns:
            _rename_in(connection, table, "customer_pseudonym", keys, since)
    if FORGOTTEN in tables(connection):
        _rename_in(connection, FORGOTTEN, "id", keys, since, "kind = 'pseudonym'")


def _rename_in(
    connection: DuckDBPyConnection,
    table: str,
    column: str,
    keys: Keys,
    since: int,
    where: str = "true",
) -> None:
    found = connection.execute(
        f"select distinct {column} from {table} where {column} is not null and {where}"
    ).fetchall()
    replace_values(
        connection,
        table,
        column,
        column,
        {old: keys.renamed(old, since) for (old,) in found},
        where,
    )
