"""From a record on the wire to a row of a raw table, or to the reason why it cannot be one.

A field is found under any of its names, in any case, at the top or inside the objects that the
API's texts put it in. What has no column goes to ``extra``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipelines.client.wire import NotTheContractError, Undecodable, decode
from pipelines.source import values
from pipelines.source.names import snake
from pipelines.source.privacy import REMOVED, Privacy, clean, without_secrets
from pipelines.source.schema import ORDERS, SESSIONS, WEBHOOK_LOGS, Kind, Table
from pipelines.source.values import BadValueError

Row = dict[str, Any]

_CONVERT: dict[Kind, Callable[[Any], Any]] = {
    "text": values.text,
    "money": values.money,
    "integer": values.integer,
    "time": values.time,
}

#: column → where it stands, most telling first; dots step into objects.
Names = Mapping[str, Sequence[str]]

_ADDRESS = ("shipping_address", "address", "shipping")
_ORDER_NAMES: Names = {
    "order_id": ("order_id", "id"),
    "session_id": ("session_id", "partner_session_id", "session.id"),
    "order_number": ("order_number",),
    "status": ("status", "order_status"),
    "total_amount": ("total_amount", "total", "amount"),
    "currency": ("currency", "currency_code"),
    "created_at": ("created_at", "created"),
    "paid_at": ("paid_at",),
    "shipped_at": ("shipped_at",),
    "delivered_at": ("delivered_at",),
    "cancelled_at": ("cancelled_at", "canceled_at"),
    "carrier": ("carrier", "shipping_carrier", "shipment.carrier"),
    "tracking_number": ("tracking_number", "shipment.tracking_number"),
    "country": ("country", *(f"{part}.country" for part in _ADDRESS), "shipping_country"),
    "state": ("state", *(f"{part}.state" for part in _ADDRESS), "shipping_state"),
    "city": ("city", *(f"{part}.city" for part in _ADDRESS), "shipping_city"),
    "payment_method": ("payment_method",),
}
_LOG_NAMES: Names = {
    "webhook_log_id": ("webhook_log_id", "log_id", "id"),
    "order_id": ("order_id", "payload.data.order_id", "payload.order_id", "payload.data.id"),
    "session_id": ("session_id", "payload.data.session_id", "payload.session_id"),
    "payload_session_id": ("payload.session_id",),
    "event_type": ("event_type", "event", "payload.event", "payload.event_type"),
    "status": ("status", "delivery_status"),
    "attempts": ("attempts", "attempt_count", "attempt"),
    "response_status": ("response_status", "status_code", "response_code", "http_status"),
    "order_status": ("payload.data.status", "payload.status"),
    "event_at": ("payload.timestamp", "event_at", "timestamp"),
    "created_at": ("created_at", "created"),
    "last_attempt_at": ("last_attempt_at", "last_attempted_at"),
    "delivered_at": ("delivered_at", "sent_at"),
}
#: What the ledger may call a session's id.
SESSION_ID = ("session_id", "id")
_SESSION_NAMES: Names = {
    "session_id": SESSION_ID,
    "created_at": ("created_at", "created"),
    "mode": ("mode", "session_mode"),
    "status": ("status",),
    "accessed_at": ("accessed_at", "first_accessed_at"),
}


@dataclass(frozen=True)
class Shape:
    """How one resource's records become rows."""

    table: Table
    names: Names
    required: tuple[str, ...]
    #: Columns whose text is compared with known words, and so in lower case.
    words: tuple[str, ...]
    email: tuple[str, ...]
    person: tuple[str, ...]


SHAPES: dict[str, Shape] = {
    "orders": Shape(
        table=ORDERS,
        names=_ORDER_NAMES,
        required=("order_id", "status"),
        words=("status",),
        email=("customer.email", "customer_email", "email"),
        person=("customer", "shipping_address", "billing_address", "address"),
    ),
    "webhook_logs": Shape(
        table=WEBHOOK_LOGS,
        names=_LOG_NAMES,
        required=("webhook_log_id", "status"),
        words=("status", "event_type", "order_status"),
        email=(),
        person=("payload.data.customer", "payload.data.shipping_address"),
    ),
    "sessions": Shape(
        table=SESSIONS,
        names=_SESSION_NAMES,
        required=("session_id",),
        words=("status", "mode"),
        email=("user_data.email", "user.email", "customer.email", "email"),
        person=("user_data", "user", "customer"),
    ),
}


@dataclass(frozen=True)
class Rejected:
    """A record that cannot be a row. ``record`` has neither secrets nor personal fields."""

    resource: str
    key: str | None
    reason: str
    place: str
    record: str
    status: str | None = None
    #: Keyed hash of the record as it came: two that differ in what is not kept are two.
    identity: str = ""

    def row(self, seen_at: datetime) -> Row:
        """Return the row for the quarantine table."""
        identity = f"{self.resource}\n{self.record}{self.identity}".encode(errors="replace")
        return {
            "quarantine_id": hashlib.blake2b(identity, digest_size=16).hexdigest(),
            "resource": self.resource,
            "record_key": self.key,
            "reason": self.reason,
            "place": self.place,
            "record_status": self.status,
            "record": self.record,
            "_seen_at": seen_at,
        }


#: What the engine notes on a row, and not what the API says of it.
_NOTES = frozenset({"_seen_at", "_fingerprint", "_origin", "_event_at", "_walk", "deleted_at"})


def fingerprint(row: Row) -> str:
    """Hash what the API said: two rows with the same hash say the same.

    A row that was read back from the warehouse has the hash that it was stored with.
    """
    facts = (value for name, value in row.items() if name not in _NOTES)
    said = repr([value if value is None else str(value) for value in facts])
    return hashlib.blake2b(said.encode(errors="replace"), digest_size=12).hexdigest()


class Parser:
    """Turns one resource's records into rows, under one privacy rule."""

    def __init__(self, resource: str, privacy: Privacy) -> None:
        self._resource = resource
        self._shape = SHAPES[resource]
        self._privacy = privacy
        self._kinds = {column.name: column.kind for column in self._shape.table.columns}
        self._texts = [
            name for name, kind in self._kinds.items() if kind == "text" and name[-3:] != "_id"
        ]

    def parse(self, record: Any, *, seen_at: datetime, place: str) -> Row | Rejected:
        """Return the row, complete with every column, or why there is none."""
        if not isinstance(record, Mapping):
            reason = f"the record is a JSON {type(record).__name__}, not an object"
            reason = record.reason if isinstance(record, Undecodable) else reason
            return self._reject(record, None, reason, place)
        fields = _Fields(record)
        try:
            row = self._columns(fields)
        except BadValueError as error:
            return self._reject(record, fields, str(error), place)
        except RecursionError:
            return self._reject(None, fields, "the record is nested too deeply", place)
        row["_fingerprint"] = fingerprint(row)
        row["_seen_at"] = seen_at
        return row

    def _columns(self, fields: _Fields) -> Row:
        row: Row = dict.fromkeys(self._kinds)
        for column, names in self._shape.names.items():
            name, value = fields.first(names)
            try:
                row[column] = _CONVERT[self._kinds[column]](value)
            except BadValueError as error:
                raise BadValueError(f"{name} {error}") from None
        for column in self._shape.required:
            if row[column] is None:
                raise BadValueError(f"{column} is missing")
        for column in self._texts:
            row[column] = row[column] and self._privacy.text(column, row[column])
        for column in self._shape.words:
            row[column] = row[column] and row[column].lower()
        if "customer_pseudonym" in row:
            row["customer_pseudonym"] = self._privacy.pseudonym(fields.first(self._shape.email)[1])
        if self._privacy.keep_personal:
            row["personal"] = self._personal(fields)
        self._finish(row, fields)
        return row

    def _finish(self, row: Row, fields: _Fields) -> None:
        """Fill in the JSON columns, and what only this resource has."""
        if self._resource == "orders":
            row["currency"] = (row["currency"] or "USD").upper()
            row["_origin"] = "list"
        for column in ("items", "creator", "payload"):
            if column in self._kinds:
                row[column] = values.as_json(self._privacy.kept(fields.take(column)))
        rest = self._privacy.kept(fields.rest(self._shape.person))
        # That a link was here is no fact about the row, and no event tells it.
        kept = {name: value for name, value in rest.items() if value != REMOVED}
        row["extra"] = values.as_json(kept or None)

    def _personal(self, fields: _Fields) -> str | None:
        found = {name: fields.first((name,))[1] for name in self._shape.person}
        kept = {name: without_secrets(value) for name, value in found.items() if value is not None}
        return values.as_json(kept or None)

    def _reject(self, record: Any, fields: _Fields | None, reason: str, place: str) -> Rejected:
        safe = (values.as_json(self._privacy.kept(record)) or "null").replace("\x00", "\\u0000")
        key = self._readable(fields, self._shape.table.key[0])
        status = self._readable(fields, "status")
        word, identity = status and status.lower(), self._privacy.identity(values.as_json(record))
        return Rejected(self._resource, key, reason, place, safe, word, identity)

    def _readable(self, fields: _Fields | None, column: str) -> str | None:
        """Return a text of a record that is otherwise bad, if at least that can be read."""
        if fields is None:
            return None
        try:
            text = values.text(fields.first(self._shape.names[column])[1])
            return text and clean(text)
        except BadValueError:
            return None


class _Fields:
    """One record, its fields found under any of their spellings; remembers which were used."""

    def __init__(self, record: Mapping[str, Any]) -> None:
        self._record: dict[str, Any] = {}
        self._spelling: dict[str, str] = {}
        for spelling, value in record.items():
            name = snake(str(spelling))
            if self._record.get(name) is not None:
                # The same field in two spellings: the second stays what it was called.
                if value is None or value == self._record[name]:
                    continue
                name = str(spelling)
            self._record[name], self._spelling[name] = value, str(spelling)
        self._used: set[str] = set()
        payload = self._record.get("payload")
        if isinstance(payload, str):
            self._record["payload"] = _parsed(payload)

    def first(self, names: Sequence[str]) -> tuple[str, Any]:
        """Return the first of the names that is there, and its value; None under the first else."""
        for name in names:
            value = self._find(name)
            if value is not None:
                if "." not in name:
                    self._used.add(name)
                return name, value
        return names[0] if names else "", None

    def take(self, name: str) -> Any:
        """Return a top-level field that has a column of its own."""
        self._used.add(name)
        return self._record.get(name)

    def rest(self, person: Sequence[str]) -> dict[str, Any]:
        """Return what no column has taken, under the names it came with."""
        handled = self._used | {name for name in person if "." not in name}
        return {
            self._spelling[name]: value
            for name, value in self._record.items()
            if name not in handled and value is not None
        }

    def _find(self, name: str) -> Any:
        top, *steps = name.split(".")
        value = self._record.get(top)
        for step in steps:
            if not isinstance(value, Mapping):
                return None
            if step in value:
                value = value[step]
            else:
                matches = (part for key, part in value.items() if snake(str(key)) == step)
                value = next(matches, None)
        return value


def _parsed(payload: str) -> Any:
    """Read a payload that was sent as JSON text; keep the text where it is not JSON."""
    try:
        return decode(payload.encode())
    except NotTheContractError:
        return payload
