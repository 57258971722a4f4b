"""What to do: each thing that somebody can act on, and the rows that it is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pipelines.report import page
from pipelines.report.queries import Row, rows
from pipelines.words import NONE, count, moment

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

#: As many rows as a page shows; the query has them all.
_SHOWN = 50


@dataclass(frozen=True)
class Kind:
    """One kind of thing to do. ``found`` is what was found, one and many; ``todo`` what helps.

    ``section`` of the page shows its rows.
    ``columns`` are those of ``query`` that are shown, by heading; ``order`` puts the worst first.
    """

    section: str
    anchor: str
    heading: str
    found: tuple[str, str]
    todo: str
    columns: dict[str, str]
    query: str
    order: str


KINDS = (
    Kind(
        "waiting",
        "late-orders",
        "Paid orders that are late",
        ("paid order is late", "paid orders are late"),
        "Ask after the oldest, and tell who waits.",
        {
            "order": "order_id",
            "waits for": "waits_for",
            "since": "entered_at",
            "late since": "overdue_at",
            "country": "country",
            "carrier": "carrier",
        },
        "select order_id, case stage when 'paid_to_shipped' then 'shipping' else 'delivery' end "
        "as waits_for, entered_at, overdue_at, country, carrier from analytics.orders_open "
        "where is_overdue and stage <> 'created_to_paid'",
        "overdue_at",
    ),
    Kind(
        "webhooks",
        "lost-webhooks",
        "Webhook events that were never sent",
        ("webhook event was never sent", "webhook events were never sent"),
        "Your systems do not know of them: ask Printora to resend them.",
        {"order": "order_id", "event": "event_type", "expected by": "expected_at"},
        "select order_id, event_type, expected_at from analytics.webhook_gaps "
        "where explanation = 'none'",
        "expected_at desc",
    ),
    Kind(
        "webhooks",
        "failed-webhooks",
        "Webhook deliveries that failed for good",
        ("webhook delivery has failed for good", "webhook deliveries have failed for good"),
        "Mend what the receiver answers, then retry them.",
        {
            "log": "webhook_log_id",
            "order": "order_id",
            "event": "event_type",
            "when": "event_at",
            "attempts": "attempts",
            "last answer": "response_status",
        },
        "select webhook_log_id, order_id, event_type, event_at, attempts, response_status "
        "from analytics.fct_webhook_deliveries as logs where status = 'failed' and not exists ("
        "select 1 from analytics.fct_webhook_deliveries as others where others.status = 'sent' "
        "and others.order_id = logs.order_id and others.event_type = logs.event_type)",
        "event_at desc",
    ),
    Kind(
        "sessions",
        "ledger-gaps",
        "Sessions with an order that the ledger lacks",
        ("session with an order is in no ledger", "sessions with an order are in no ledger"),
        "No rate counts them: see that every session is written down when it is created.",
        {"session": "session_id", "first order": "first_order_at", "orders": "orders"},
        "select session_id, first_order_at, orders from analytics.fct_sessions "
        "where is_ordered and source <> 'ledger'",
        "first_order_at desc",
    ),
    Kind(
        "data",
        "quarantine",
        "Records that could not be read",
        ("record could not be read", "records could not be read"),
        "They are in no figure: see what they look like, and tell Printora.",
        {"resource": "resource", "why": "reason", "where": "place", "when": "seen_at"},
        "select resource, reason, place, seen_at from staging.stg_printora__quarantine",
        "seen_at desc",
    ),
)


@dataclass(frozen=True)
class Found:
    """A kind of thing to do, and the rows that there are."""

    kind: Kind
    rows: Sequence[Row]

    @property
    def number(self) -> int:
        """How many there are, shown or not."""
        return int(self.rows[0]["all_rows"])

    @property
    def text(self) -> str:
        """How many there are, in words."""
        one, many = self.kind.found
        return f"{count(self.number)} {one if self.number == 1 else many}"


def find(connection: DuckDBPyConnection) -> list[Found]:
    """Return what there is to do."""
    found = [Found(kind, _rows(connection, kind)) for kind in KINDS]
    return [each for each in found if each.rows]


def _rows(connection: DuckDBPyConnection, kind: Kind) -> Sequence[Row]:
    numbered = f"select *, count(*) over () as all_rows from ({kind.query}) as found"  # noqa: S608
    return rows(connection, f"{numbered} order by {kind.order} nulls last limit {_SHOWN}")


def actions(found: Sequence[Found], unproven: Sequence[Row], skipped: Sequence[Row]) -> str:
    """Return the list of what to do, each with a link to its rows."""
    entries = [
        (
            f"{row['resource']} are not proven complete",
            f"{row['last_reason'] or 'No sync has proven it yet'}. Every figure may be too low.",
            "data",
        )
        for row in unproven
    ]
    entries += [
        (
            f"{row['resource']} are not read: {row['last_reason']}",
            "Set SOURCES__PRINTORA__SESSION_LEDGER: conversion needs to know the sessions.",
            "data",
        )
        for row in skipped
    ]
    entries += [(each.text, each.kind.todo, each.kind.anchor) for each in found]
    if not entries:
        return page.card(
            "Nothing", page.paragraph("All that is looked at here is as it should be.")
        )
    return page.actions(entries)


def tables(found: Sequence[Found], section: str) -> list[str]:
    """Return a section's rows, each table under the anchor that the list of what to do links to."""
    return [_table(each) for each in found if each.kind.section == section]


def _table(each: Found) -> str:
    names = list(each.kind.columns)
    cells = ([_cell(row[name]) for name in each.kind.columns.values()] for row in each.rows)
    table = page.table(names, cells, texts=frozenset(range(len(names))))
    note = each.kind.todo
    if more := each.number - len(each.rows):
        note += f' {count(more)} more; all of them: printora query "{each.kind.query}"'
    return page.card(each.kind.heading, table, note, wide=len(names) > 3, anchor=each.kind.anchor)


def _cell(value: Any) -> str:
    if value is None:
        return NONE
    return moment(value) if isinstance(value, datetime) else str(value)
