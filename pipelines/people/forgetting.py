"""Forgetting one person: now, and whenever the API tells of them again."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pipelines.errors import ConfigurationError
from pipelines.lists import LISTS
from pipelines.people.scrub import DOCUMENTS, empty_staging, replace_documents, set_null
from pipelines.people.state import FORGOTTEN, OWN_TABLES, RAW, RECEIPTS, tables
from pipelines.source.allowed import FREE_TEXT, marker
from pipelines.source.names import snake
from pipelines.source.privacy import kept_of
from pipelines.source.pseudonyms import Keys
from pipelines.source.schema import ORDERS, QUARANTINE, SESSIONS
from pipelines.source.values import as_json

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

#: Columns that name, reach or place a person. Country, amounts and times stay for the statistics.
ERASED = {"customer_pseudonym", "personal", "fields"}
ERASED |= {"tracking_number", "order_number", "city", "state"}
_IN_DOCUMENTS = ERASED | {"region", "province", "shipping_city", "shipping_state"}
#: The raw tables whose documents may have an address in clear, and what their rows are noted by.
_TOLD = (*(spec.table for spec in LISTS), SESSIONS)
_MENTIONING = {table.name: table.key[0] for table in (*_TOLD, QUARANTINE)}
_NOTES = "receipt_id varchar, kind varchar, id varchar"
_RECEIPT = "receipt_id varchar, forgotten_at timestamptz, named_by varchar, rows json"
_PSEUDONYM = re.compile(r"[0-9a-f]{32}")
#: One address and nothing around it, as `Ada <ada@example.com>` has: another text is nobody's.
_ADDRESS = re.compile(r'[^\s@<>:;,"]+@[^\s@<>:;,"]+')
#: Which columns hold an id of what kind; what is noted of a person are ids of these kinds.
_KINDS = {
    **{spec.key: spec.name for spec in LISTS},
    "customer_pseudonym": "pseudonym",
    "order_id": "order",
    "session_id": "session",
    "webhook_log_id": "delivery",
    "quarantine_id": "record",
}
#: From one id of a person to the next: raw table, the column that is known, the one that follows.
_STEPS = (
    *(
        (table.name, link, key)
        for table in _TOLD
        for link, key in (
            *((name, table.key[0]) for name in ("customer_pseudonym", "order_id", "session_id")),
            ("customer_pseudonym", "order_id"),
            ("order_id", "customer_pseudonym"),
        )
        if link != key
    ),
    (ORDERS.name, "order_id", "session_id"),
    (SESSIONS.name, "session_id", "customer_pseudonym"),
)


@dataclass(frozen=True)
class Receipt:
    """What was done: the rows that were about the person, by table. It names nobody."""

    receipt_id: str
    forgotten_at: datetime
    named_by: str
    rows: dict[str, int]


def forget(connection: DuckDBPyConnection, subject: str, keys: Keys, now: datetime) -> Receipt:
    """Take a person out of every table, and note that they were.

    ``subject`` is an e-mail address, a pseudonym or the id of an order; of an order it is whoever
    made it. What is noted are ids and pseudonyms, so that later loads can be kept clean.

    Raises:
        ConfigurationError: it is no address, and no row has such an order or pseudonym: a typo.
            An address that nobody has is noted, as it may come with a later sync.
    """
    subject = subject.strip()
    _refuse_nobody(connection, subject)
    connection.execute(f"create schema if not exists {RAW}")
    connection.execute(f"create table if not exists {FORGOTTEN} ({_NOTES})")
    connection.execute(f"create table if not exists {RECEIPTS} ({_RECEIPT})")
    receipt_id = f"forget-{uuid.uuid4().hex[:12]}"
    named_by = _note(connection, receipt_id, subject, keys)
    _follow(connection)
    rows = {
        table: _count(connection, table, about)
        for table, columns in sorted(tables(connection).items())
        if table.startswith(f"{RAW}.") and (about := _about(columns, receipt_id))
    }
    _erase(connection, forever=False)
    empty_staging(connection)
    values = [receipt_id, now, named_by, as_json(rows)]
    connection.execute(f"insert into {RECEIPTS} values (?, ?, ?, ?)", values)
    return Receipt(receipt_id, now, named_by, rows)


def _refuse_nobody(connection: DuckDBPyConnection, subject: str) -> None:
    if _ADDRESS.fullmatch(subject) or (subject and _is_known(connection, subject)):
        return
    named = f"{subject!r} is" if subject else "An empty name is"
    raise ConfigurationError(
        f"{named} no address, no pseudonym and no order in this warehouse: nobody was forgotten.",
        hint="Give an e-mail address like ada@example.com, or what printora_raw.orders has in "
        "customer_pseudonym or order_id.",
    )


def _is_known(connection: DuckDBPyConnection, subject: str) -> bool:
    """Tell whether any row is about it, or was until it was forgotten."""
    named = {_column_of(subject), "record_key"}
    places = [
        (table, column)
        for table, columns in tables(connection).items()
        if table.startswith(f"{RAW}.")
        for column in columns & ({"id"} if table == FORGOTTEN else named)
    ]
    return any(
        connection.execute(
            f"select 1 from {table} where {column} = ? limit 1", [subject]
        ).fetchone()
        for table, column in places
    )


def _column_of(subject: str) -> str:
    return "customer_pseudonym" if _PSEUDONYM.fullmatch(subject) else "order_id"


def erase(connection: DuckDBPyConnection) -> int:
    """Erase again whoever was forgotten; return how many values there were."""
    if FORGOTTEN not in tables(connection):
        return 0
    _follow(connection)
    return _erase(connection, forever=True)


def _erase(connection: DuckDBPyConnection, *, forever: bool) -> int:
    # The hash of a row that is read again stays: it tells that there is nothing new in it.
    names = ERASED if forever else ERASED | {"_fingerprint"}
    erased = 0
    for table, columns in tables(connection).items():
        if table in OWN_TABLES or (about := _about(columns)) is None:
            continue
        erased += set_null(connection, table, columns & names, about)
        if table.startswith(f"{RAW}."):
            for column in columns & DOCUMENTS:
                erased += replace_documents(connection, table, column, _of_nobody, about)
    return erased


def _of_nobody(document: Any) -> Any:
    return _without_places(kept_of(document, FREE_TEXT))


def _without_places(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: marker(part) if snake(name) in _IN_DOCUMENTS else _without_places(part)
            for name, part in value.items()
        }
    return [_without_places(part) for part in value] if isinstance(value, list) else value


def _about(columns: set[str], receipt_id: str | None = None) -> str | None:
    """Return the condition of rows about somebody who was forgotten; None where none can be."""
    one = f" and receipt_id = '{receipt_id}'" if receipt_id else ""
    conditions = [
        f"{column} in (select id from {FORGOTTEN} where kind = '{kind}'{one})"
        for column, kind in _KINDS.items()
        if column in columns
    ]
    if "record_key" in columns:  # of an order, a session or a delivery
        conditions.append(f"record_key in (select id from {FORGOTTEN} where true{one})")
    return " or ".join(conditions) or None


def _count(connection: DuckDBPyConnection, table: str, about: str) -> int:
    row = connection.execute(f"select count(*) from {table} where {about}").fetchone()
    return int(row[0]) if row else 0


def _note(connection: DuckDBPyConnection, receipt_id: str, subject: str, keys: Keys) -> str:
    """Note what is known of the person at once; return what kind of name they were given."""
    if _ADDRESS.fullmatch(subject):
        _insert(connection, receipt_id, "pseudonym", "select ?", keys.pseudonym(subject))
        _note_mentions(connection, receipt_id, subject)
        return "email"
    kind = _KINDS[_column_of(subject)]
    _insert(connection, receipt_id, kind, "select ?", subject)
    return kind


def _note_mentions(connection: DuckDBPyConnection, receipt_id: str, email: str) -> None:
    """Note the rows in which the address stands in clear: `full` lets it in."""
    known = tables(connection)
    for table, key in _MENTIONING.items():
        columns = known.get(f"{RAW}.{table}", set())
        for column in columns & {*DOCUMENTS, "personal"}:
            mentions = f"contains(lower({column}), lower(?))"
            select = f"select {key} from {RAW}.{table} where {mentions}"
            _insert(connection, receipt_id, _KINDS[key], select, email)


def _follow(connection: DuckDBPyConnection) -> None:
    """Note all further ids of the people that are noted, until there are no more."""
    known, before = tables(connection), -1
    while (now := _count(connection, FORGOTTEN, "true")) != before:
        before = now
        for table, link, key in _STEPS:
            if {link, key} <= known.get(f"{RAW}.{table}", set()):
                _step(connection, f"{RAW}.{table}", link, key)


def _step(connection: DuckDBPyConnection, table: str, link: str, key: str) -> None:
    connection.execute(
        f"insert into {FORGOTTEN} select distinct receipt_id, '{_KINDS[key]}', {key}"
        f" from {table} join {FORGOTTEN} on id = {link} and kind = '{_KINDS[link]}'"
        f" where {key} is not null except select * from {FORGOTTEN}"
    )


def _insert(
    connection: DuckDBPyConnection, receipt_id: str, kind: str, select: str, value: str | None
) -> None:
    connection.execute(
        f"insert into {FORGOTTEN} select distinct ?, ?, id from ({select}) as found (id)"
        f" where id is not null except select * from {FORGOTTEN}",
        [receipt_id, kind, value],
    )
