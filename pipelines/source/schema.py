"""The raw tables: one place for every column's name, type and meaning.

The dlt resources, the Arrow batches, the COMMENTs in the warehouse and the docs all read this.
Whatever the API calls a field, and in whatever case, here is what it is called from now on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pyarrow as pa

Kind = Literal["text", "money", "integer", "time", "json"]

#: Four decimal places hold every currency of ISO 4217 exactly.
MONEY_DIGITS, MONEY_PLACES = 18, 4


@cache
def arrow_type(kind: Kind) -> pa.DataType:
    """Return the Arrow type of a kind of columns; JSON travels as text."""
    import pyarrow as pa  # heavy, and of no use to who only wants the names

    types = {
        "money": pa.decimal128(MONEY_DIGITS, MONEY_PLACES),
        "integer": pa.int64(),
        "time": pa.timestamp("us", tz="UTC"),
    }
    return types.get(kind, pa.string())


@dataclass(frozen=True)
class Column:
    """One column of a raw table."""

    name: str
    kind: Kind
    description: str

    @property
    def arrow(self) -> pa.Field:
        """The column as an Arrow field."""
        import pyarrow as pa

        return pa.field(self.name, arrow_type(self.kind))


@dataclass(frozen=True)
class Table:
    """One raw table: what a row is, its key and its columns."""

    name: str
    description: str
    key: tuple[str, ...]
    columns: Sequence[Column]
    #: A row that is there stays as it is.
    is_append_only: bool = False

    @property
    def arrow(self) -> pa.Schema:
        """The Arrow schema that every batch for this table has."""
        import pyarrow as pa

        return pa.schema([column.arrow for column in self.columns])


def _text(name: str, description: str) -> Column:
    return Column(name, "text", description)


def _time(name: str, description: str) -> Column:
    return Column(name, "time", description)


_SEEN_AT = _time(
    "_seen_at",
    "When the list was asked for the answer that last held this row, by the API's clock.",
)
_FINGERPRINT = _text(
    "_fingerprint", "Hash of what the API said, to tell a changed row from a repeat."
)
_WALK = _text("_walk", "The last whole walk of the list that met the row.")
_DELETED_AT = _time(
    "deleted_at",
    "When a sync found that the API no longer has the row; null while it has.",
)
_EXTRA = Column(
    "extra",
    "json",
    "Fields of the row that have no column: values of listed names, else name and type.",
)

ORDERS = Table(
    name="orders",
    description="Orders as the API last showed them. One row per order.",
    key=("order_id",),
    columns=(
        _text("order_id", "The API's id of the order."),
        _text(
            "session_id", "The session that the order was made in; one session can have several."
        ),
        _text("order_number", "The number that people see, where the API gives one."),
        _text(
            "status",
            "The API's status, in lower case: pending, processing or paid, shipped, …; null if unreadable.",
        ),
        Column("total_amount", "money", "The order's total, exact, in units of `currency`."),
        _text("currency", "ISO 4217 code; null where the API names none."),
        _time("created_at", "When checkout was completed."),
        _time("paid_at", "When payment was confirmed, where the list says so."),
        _time("shipped_at", "When the parcel left, where the list says so."),
        _time("delivered_at", "When the parcel arrived, where the list says so."),
        _time("cancelled_at", "When the order was cancelled, where the list says so."),
        _text("carrier", "Who carries the parcel."),
        _text("tracking_number", "The carrier's number of the parcel."),
        _text("country", "Country of the shipping address."),
        _text("state", "State or region of the shipping address."),
        _text("city", "City of the shipping address."),
        _text(
            "customer_pseudonym", "Keyed hash of the customer's e-mail: same person, same value."
        ),
        _text("payment_method", "How it was paid."),
        Column("items", "json", "The order's lines, as the API gives them."),
        Column("creator", "json", "The creator the order is credited to, as the API gives it."),
        Column("personal", "json", "Customer and address in clear; null unless switched on."),
        _EXTRA,
        _text(
            "_origin", "What set `status` last: list (the orders list) or event (a webhook log)."
        ),
        _time("_event_at", "The newest event applied to the row since the list last showed it."),
        _FINGERPRINT,
        _WALK,
        _DELETED_AT,
        _SEEN_AT,
    ),
)

WEBHOOK_LOGS = Table(
    name="webhook_logs",
    description="Deliveries of webhook events as the API last showed them. One row per delivery log.",
    key=("webhook_log_id",),
    columns=(
        _text("webhook_log_id", "The API's id of the delivery."),
        _text("order_id", "The order that the event is about."),
        _text("session_id", "The session as the log or the event's data names it."),
        _text(
            "payload_session_id",
            "`sessionId` at the top of the payload: another kind of id in some.",
        ),
        _text("event_type", "order.created, order.paid, order.shipped, order.delivered, …"),
        _text("status", "pending, retrying, sent or failed."),
        Column("attempts", "integer", "Deliveries tried so far."),
        Column("response_status", "integer", "HTTP status of the last attempt's answer."),
        _text("order_status", "The order's status in the event's payload."),
        _time("event_at", "The payload's timestamp: when the event happened."),
        _time("created_at", "When the log row was made."),
        _time("last_attempt_at", "When the last attempt was made, where the API says so."),
        _time("delivered_at", "When an attempt succeeded, where the API says so."),
        Column("total_amount", "money", "The order's total in the event's payload."),
        _text("currency", "The currency in the event's payload."),
        _text("carrier", "Who carries the parcel, where the payload says so."),
        _text("country", "Country of the shipping address, where the payload says so."),
        _text(
            "customer_pseudonym",
            "Keyed hash of the customer's e-mail, where the payload says it: same person, same value.",
        ),
        Column(
            "payload",
            "json",
            "The event as it was sent: values of listed names, else name and type.",
        ),
        Column("personal", "json", "The payload's personal fields; null unless switched on."),
        _EXTRA,
        _FINGERPRINT,
        _WALK,
        _DELETED_AT,
        _SEEN_AT,
    ),
)

SESSIONS = Table(
    name="sessions",
    description="Sessions that the partner created, from its own ledger. One row per session.",
    key=("session_id",),
    columns=(
        _text("session_id", "The API's id of the session."),
        _time("created_at", "When the session was created."),
        _text("mode", "What the session was made from: image, creator or merch."),
        _text("status", "The session's status, where something told it."),
        _time("accessed_at", "When the user first opened the session, where the ledger says so."),
        _text("customer_pseudonym", "Keyed hash of the user's e-mail: same person, same value."),
        Column("personal", "json", "The user's data in clear; null unless switched on."),
        _EXTRA,
        Column(
            "fields",
            "json",
            "Labels under the names that the setting session_fields lists, by those names.",
        ),
        _text("ledger_file", "The ledger file that the row came from, without its folder."),
        _FINGERPRINT,
        _SEEN_AT,
    ),
)

ORDER_HISTORY = Table(
    name="order_history",
    description="Every status that an order was seen in. Append-only; one row per order and status.",
    key=("order_id", "status"),
    is_append_only=True,
    columns=(
        _text("order_id", "The order."),
        _text("status", "A status it was seen in."),
        _time(
            "not_before", "The last look that did not have this status yet; null at the first look."
        ),
        _time("first_seen_at", "The first look that had it."),
        _time("changed_at", "When the change happened, where the API says so."),
        _text("origin", "list (the orders list) or event (a webhook log)."),
    ),
)

ORDER_AMOUNT_HISTORY = Table(
    name="order_amount_history",
    description=(
        "Amounts that the orders list does not show any more. Append-only; one row per order and "
        "look that showed another amount than the one before."
    ),
    key=("order_id", "first_seen_at"),
    is_append_only=True,
    columns=(
        _text("order_id", "The order."),
        Column("total_amount", "money", "The amount before."),
        _text("currency", "Its currency; null where nothing named one."),
        _time("not_before", "The last look that had it."),
        _time("first_seen_at", "The first look that had another."),
    ),
)

WEBHOOK_LOG_HISTORY = Table(
    name="webhook_log_history",
    description=(
        "Every state that a delivery log was seen in. "
        "Append-only; one row per log, status and number of attempts."
    ),
    key=("webhook_log_id", "status", "attempts"),
    is_append_only=True,
    columns=(
        _text("webhook_log_id", "The delivery log."),
        _text("status", "A status it was seen in."),
        Column("attempts", "integer", "Deliveries tried by then."),
        _time(
            "not_before", "The last look that did not have this state yet; null at the first look."
        ),
        _time("first_seen_at", "The first look that had it."),
        _time("changed_at", "When the change happened, where the API says so."),
        _text("origin", "list (the log list)."),
    ),
)

QUARANTINE = Table(
    name="quarantine",
    description="Rows that could not be understood, kept until somebody looks. One row per bad record.",
    key=("quarantine_id",),
    columns=(
        _text(
            "quarantine_id", "Hash of the resource and the record: seen again, it stays one row."
        ),
        _text("resource", "orders, webhook_logs or sessions."),
        _text("record_key", "The record's id, where it has a readable one."),
        _text("reason", "What was wrong, in which field."),
        _text(
            "place", "Where it was: the request's path and offset, or the ledger's file and line."
        ),
        _text("record_status", "The record's status, where it has a readable one."),
        Column("record", "json", "The record: values of listed names, else name and type."),
        _SEEN_AT,
    ),
)

VALUE_ISSUES = Table(
    name="value_issues",
    description=(
        "Values that their column could not take as they stood; the row is kept. "
        "One row per record and column."
    ),
    key=("issue_id",),
    columns=(
        _text(
            "issue_id", "Hash of the resource, the record's id and the column: one row for each."
        ),
        _text("resource", "orders, webhook_logs or sessions."),
        _text("record_key", "The id of the row that the value belongs to."),
        _text("column_name", "The column that it was for."),
        _text("value_type", "What it was: text, number, fraction, object, list, true/false."),
        _text("reason", "What was wrong, in which field of the API; without the value."),
        _text("outcome", "What the row has instead: null, or the value rounded."),
        Column(
            "value",
            "json",
            "The field and its value, where the list of what may be kept allows it; else null.",
        ),
        _text(
            "place", "Where it was: the request's path and offset, or the ledger's file and line."
        ),
        _SEEN_AT,
    ),
)

#: What became of a resource in a sync: the words of ``sync_runs.outcome``.
COMPLETE, PARTIAL, FAILED, SKIPPED = "complete", "partial", "failed", "skipped"

SYNC_RUNS = Table(
    name="sync_runs",
    description="The certificate of each sync. One row per sync and resource.",
    key=("sync_id", "resource"),
    columns=(
        _text("sync_id", "The sync; its rows share it. Sorts by time."),
        _text("resource", "orders, webhook_logs or sessions."),
        _time("started_at", "When the sync began, by the API's clock."),
        _time("ended_at", "When this row was written, by the API's clock."),
        _text(
            "outcome",
            "complete, partial (stopped early, run again), failed, or skipped (no ledger is set).",
        ),
        _time(
            "complete_as_of", "The table holds all that the API had at this time; null: not proven."
        ),
        _text("evidence", "counts equal, whole walk, end seen twice, whole ledger, or not proven."),
        _text("reason", "Why it is not proven complete; null when it is."),
        Column("requests", "integer", "Requests that this resource used."),
        Column("rows_read", "integer", "Rows received, repeats included."),
        Column("rows_new", "integer", "Rows that the warehouse did not have."),
        Column("rows_changed", "integer", "Rows that differed from the warehouse's."),
        Column(
            "rows_repaired", "integer", "Rows found by comparing counts, not by the change feed."
        ),
        Column("rows_quarantined", "integer", "Rows put into quarantine."),
        Column(
            "rows_reported",
            "integer",
            "`total` as the API last gave it; the ledger's lines for sessions.",
        ),
        Column("rows_stored", "integer", "Rows in the table at the end, deleted ones not counted."),
        _time(
            "oldest_observation_at",
            "When the row was last read that was read longest ago: no value is older.",
        ),
        _time("local_ended_at", "`ended_at` by the clock of the machine that ran the sync."),
        Column("detail", "json", "Requests by purpose, the API's behaviour, quota left."),
    ),
)

TABLES: tuple[Table, ...] = (
    ORDERS,
    WEBHOOK_LOGS,
    SESSIONS,
    ORDER_HISTORY,
    ORDER_AMOUNT_HISTORY,
    WEBHOOK_LOG_HISTORY,
    QUARANTINE,
    VALUE_ISSUES,
    SYNC_RUNS,
)
