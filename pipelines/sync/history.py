"""What was seen of a row and when: the rows of the two history tables.

A first look says no more than the row itself, so that it can be made good later. Every other
change is loaded before the row that shows it: once the row is overwritten, nothing else knows.
"""

from __future__ import annotations

from typing import Any

from pipelines.source.parse import Row
from pipelines.source.schema import (
    ORDER_HISTORY,
    ORDERS,
    WEBHOOK_LOG_HISTORY,
    WEBHOOK_LOGS,
    Table,
)
from pipelines.sync.store import DATASET, Store

#: The order's own time of having come into a status, under either of the API's vocabularies.
STATUS_TIMES = {
    "pending": "created_at",
    "paid": "paid_at",
    "processing": "paid_at",
    "shipped": "shipped_at",
    "delivered": "delivered_at",
    "cancelled": "cancelled_at",
}
#: The tables whose rows have a history.
HISTORY_OF = {ORDERS.name: ORDER_HISTORY, WEBHOOK_LOGS.name: WEBHOOK_LOG_HISTORY}


def state_of(resource: str, row: Row) -> tuple[Any, ...]:
    """Return what the history keeps of a row: two rows with the same state are one entry."""
    if resource == ORDERS.name:
        return (row["status"],)
    return (row["status"], row["attempts"] or 0)


def entry(resource: str, row: Row, before: Row | None) -> Row:
    """Return the history's row for a state that a list showed."""
    seen = {
        "status": row["status"],
        "not_before": before and before["_seen_at"],
        "first_seen_at": row["_seen_at"],
        "origin": "list",
    }
    if resource == ORDERS.name:
        column = STATUS_TIMES.get(row["status"])
        return {"order_id": row["order_id"], "changed_at": column and row[column], **seen}
    return {
        "webhook_log_id": row["webhook_log_id"],
        "attempts": row["attempts"] or 0,
        "changed_at": row["delivered_at"] or row["last_attempt_at"],
        **seen,
    }


def missing(store: Store, table: Table) -> list[Row]:
    """Return the first looks that a sync which was killed between two tables did not get to."""
    history = HISTORY_OF[table.name]
    if not store.has(table):
        return []
    key = table.key[0]
    sql = f"select {key} from {DATASET}.{table.name} t where t.status is not null"
    if store.has(history):
        same = "h.status = t.status" + (
            " and h.attempts = coalesce(t.attempts, 0)" if "attempts" in history.key else ""
        )
        sql += (
            f" and not exists (select 1 from {DATASET}.{history.name} h"
            f" where h.{key} = t.{key} and {same})"
        )
    keys = [row[0] for row in store.query(sql)]
    return [entry(table.name, row, None) for row in store.known(table, keys).values()]
