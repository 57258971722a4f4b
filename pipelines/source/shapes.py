"""Where each list's records hold the columns: one table of names per list, and nothing else.

Whatever reads records, one by one or by column, reads these tables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipelines.source import money, times, values
from pipelines.source.schema import ORDERS, SESSIONS, WEBHOOK_LOGS, Kind, Table

#: column → where it stands, most telling first; dots step into objects.
Names = Mapping[str, tuple[str, ...]]
#: Takes a value as it was sent; raises ``BadValueError``.
Reader = Callable[[Any], Any]

_READERS: dict[Kind, Reader] = {
    "text": values.text,
    "money": money.money,
    "integer": values.integer,
    "time": times.time,
}


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
    "total_amount": ("payload.data.total_amount", "payload.total_amount"),
    "currency": ("payload.data.currency", "payload.currency"),
    "carrier": ("payload.data.carrier", "payload.data.shipment.carrier"),
    "country": (
        *(f"payload.data.{part}.country" for part in _ADDRESS),
        "payload.data.country",
    ),
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


_WORD = ("code", "name")
#: What is taken of a word that is an object instead: ``{"code": "dhl", "name": "DHL"}``.
_INSIDE: Names = {
    **dict.fromkeys(("status", "currency", "carrier", "country", "state"), _WORD),
    "tracking_number": ("number", "code"),
    "payment_method": ("type", "code"),
    "response_status": ("status_code", "code", "status"),
    "attempts": ("count",),
}


@dataclass(frozen=True)
class Shape:
    """How one resource's records become rows. Its key is the table's."""

    table: Table
    names: Names
    #: Columns whose text is compared with known words, and so in lower case.
    words: tuple[str, ...]
    email: tuple[str, ...]
    person: tuple[str, ...]
    #: Columns that are not read as their kind says.
    special: Mapping[str, Reader] = field(default_factory=dict)
    #: Where to look in the object that a column's value may be.
    inside: Names = field(default_factory=lambda: _INSIDE)

    @property
    def key(self) -> str:
        """The column that tells one record from another."""
        return self.table.key[0]

    @property
    def kinds(self) -> dict[str, Kind]:
        """Every column's kind, in the order of the table."""
        return {column.name: column.kind for column in self.table.columns}

    @property
    def readers(self) -> dict[str, Reader]:
        """What reads each column that has names."""
        ids = {name: values.identifier for name in self.names if name.endswith("_id")}
        plain = {name: _READERS[self.kinds[name]] for name in self.names}
        return {**plain, **ids, **self.special}

    @property
    def texts(self) -> list[str]:
        """Columns of text in which somebody may have put a secret; ids are none."""
        return [n for n, kind in self.kinds.items() if kind == "text" and not n.endswith("_id")]


SHAPES: dict[str, Shape] = {
    "orders": Shape(
        table=ORDERS,
        names=_ORDER_NAMES,
        words=("status",),
        email=("customer.email", "customer_email", "email"),
        person=("customer", "shipping_address", "billing_address", "address"),
    ),
    "webhook_logs": Shape(
        table=WEBHOOK_LOGS,
        names=_LOG_NAMES,
        words=("status", "event_type", "order_status"),
        email=("payload.data.customer.email", "payload.data.customer_email"),
        person=("payload.data.customer", "payload.data.shipping_address"),
        special={"attempts": values.count, "response_status": values.http_status},
    ),
    "sessions": Shape(
        table=SESSIONS,
        names=_SESSION_NAMES,
        words=("status", "mode"),
        email=("user_data.email", "user.email", "customer.email", "email"),
        person=("user_data", "user", "customer"),
    ),
}
