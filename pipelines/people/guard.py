"""Before a sync: is this the rule and the key of what is stored? And after it: who is forgotten?"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from pipelines.errors import ConfigurationError
from pipelines.people.forgetting import erase
from pipelines.people.rewrite import rewrite
from pipelines.people.scrub import scrub
from pipelines.people.state import OWN_TABLES, RAW, State, record, recorded, tables
from pipelines.source.allowed import RULES
from pipelines.source.privacy import Privacy
from pipelines.source.pseudonyms import Keys, key_file, read_keys, write_keys
from pipelines.warehouse.catalog import transaction
from pipelines.warehouse.connection import READER_TIMEOUT, connect

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from pipelines.clock import Clock
    from pipelines.settings import KeySettings, Settings

_STRICTNESS: dict[str, int] = {"full": 0, "pseudonymous": 1, "none": 2}
_log = logging.getLogger(__name__)


def guard(settings: Settings, now: datetime, clock: Clock | None = None) -> Privacy:
    """Return the rule for the rows to come, once no stored row breaks it.

    Raises:
        ConfigurationError: the pseudonyms that are stored were made with another key.
        WarehouseError: the warehouse cannot be opened or written anew.
    """
    path = settings.warehouse_path
    with connect(path, wait_seconds=READER_TIMEOUT, clock=clock) as connection:
        before = recorded(connection)
        keys = keys_for(settings, connection)
        refuse_other_keys(connection, before, keys)
        privacy = Privacy(settings.personal_data, keys, settings.models.fields)
        is_due = _is_due(connection, before, privacy)
        with transaction(connection):
            if is_due:
                scrub(connection, privacy)
            erased = erase(connection)  # what a sync that was killed had loaded
            if not is_due:
                record(connection, _state(before, privacy, settings), now)
    if is_due or erased:
        rewrite(path)
    if is_due:  # and not before: until then the scrubbed bytes are in the file
        with connect(path, wait_seconds=READER_TIMEOUT, clock=clock) as connection:
            record(connection, _state(before, privacy, settings), now)
    _tell(before, privacy, is_due)
    return privacy


def keys_for(
    settings: KeySettings | Settings, connection: DuckDBPyConnection | None = None
) -> Keys:
    """Return the keys that the setting names, else those beside the warehouse, made where missing.

    Raises:
        ConfigurationError: a key of the setting is too short, or the key of stored pseudonyms is
            lost.
    """
    if settings.pseudonym_key:
        return Keys.of_setting(settings.pseudonym_key)
    path = key_file(settings.warehouse_path)
    keys = read_keys(path)
    if keys is None:
        keys = _found_again(connection, settings.api_key or "") if connection else Keys.new()
        if keys is None:
            return Keys((), path)
        write_keys(path, keys)
    return keys


def _found_again(connection: DuckDBPyConnection, api_key: str) -> Keys | None:
    """Return the key of the stored pseudonyms, or a new one where there are none; None: lost."""
    before = recorded(connection)
    if before and (keys := Keys.opened(before.key_copy, api_key)):
        return keys
    if not has_pseudonyms(connection):
        return Keys.new()
    # Those of an early version keep their key: nobody is renamed.
    return Keys.of_api_key(api_key) if before is None and api_key else None


def _state(before: State | None, privacy: Privacy, settings: Settings) -> State:
    """Return what is to be recorded, with a copy of the key where no setting names it."""
    keys, state = privacy.keys, State.of(privacy)
    if before and not keys.links:
        return replace(before, personal_data=state.personal_data, rules=state.rules)
    if settings.pseudonym_key:
        return state
    old = before.key_copy if before else ""
    same = Keys.opened(old, settings.api_key) == keys
    return replace(state, key_copy=old if same else keys.sealed(settings.api_key))


def has_pseudonyms(connection: DuckDBPyConnection) -> bool:
    """Tell whether a raw table has a pseudonym."""
    return any(
        connection.execute(
            f"select 1 from {table} where customer_pseudonym is not null limit 1"
        ).fetchone()
        for table, columns in tables(connection).items()
        if table.startswith(f"{RAW}.") and "customer_pseudonym" in columns
    )


def version_of(before: State | None, keys: Keys) -> int | None:
    """Return through how many of the keys the stored pseudonyms went; None: through others."""
    if before is None:
        return 1
    versions = range(1, keys.version + 1)
    return next((v for v in versions if keys.fingerprint(v) == before.key_fingerprint), None)


def refuse_other_keys(connection: DuckDBPyConnection, before: State | None, keys: Keys) -> None:
    """Refuse to give people a second pseudonym beside the one that is stored."""
    version = version_of(before, keys)
    if not keys.links or version == keys.version or not has_pseudonyms(connection):
        return  # a lost key is told where one is needed: until then there may be other news
    if version is None:
        raise ConfigurationError(
            "The pseudonyms in the warehouse were made with another key than the one that is set.",
            hint="Set that one again; or set both, `old,new`, and run `printora "
            "rotate-pseudonyms`; or, if it is lost, `printora rotate-pseudonyms --lost`.",
        )
    raise ConfigurationError(
        "A key was added, and the pseudonyms in the warehouse have not gone through it yet.",
        hint="Run `printora rotate-pseudonyms` once.",
    )


def _is_due(connection: DuckDBPyConnection, before: State | None, privacy: Privacy) -> bool:
    """Tell whether stored rows may hold what the rule does not allow."""
    if privacy.keep_personal:
        return False
    changed = before is None or before.rules != RULES or _is_stricter(privacy, before)
    return changed and _has_rows(connection)


def _has_rows(connection: DuckDBPyConnection) -> bool:
    """Tell whether anything is stored that may be of people."""
    return any(
        connection.execute(f"select 1 from {table} limit 1").fetchone()
        for table in tables(connection).keys() - OWN_TABLES
        if table.startswith(f"{RAW}.") and not table.startswith(f"{RAW}._dlt")
    )


def _is_stricter(privacy: Privacy, before: State) -> bool:
    return _STRICTNESS[privacy.personal_data] > _STRICTNESS.get(before.personal_data, 0)


def _tell(before: State | None, privacy: Privacy, scrubbed: bool) -> None:
    """Say what a change of the rule meant for the rows that are stored."""
    if scrubbed:
        _log.warning(
            "What is stored was scrubbed: personal_data is %s now, and nothing that it does not "
            "allow is left in the file.",
            privacy.personal_data,
        )
    elif before is not None and before.personal_data != privacy.personal_data:
        _log.warning(
            "personal_data was %s and is %s now: rows that are stored stay as they are until they "
            "are read again (`printora run --full`).",
            before.personal_data,
            privacy.personal_data,
        )
