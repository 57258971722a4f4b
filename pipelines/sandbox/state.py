"""What sessions, orders and log rows are at a time. Nothing here changes anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from pipelines.sandbox.columns import Columns
from pipelines.sandbox.options import ATTEMPTS_AFTER, REDIRECT_LIFE, SESSION_LIFE
from pipelines.sandbox.times import NEVER, Array
from pipelines.sandbox.webhooks import (
    EVENTS,
    FAILED,
    SENT,
    planned_attempts,
    planned_status,
)
from pipelines.sandbox.world import World

SESSION_STATUSES: Final = ("pending", "active", "completed", "expired", "cancelled")

#: When the last of so many attempts was made, counted from the row's creation.
_ATTEMPT_TIMES: Final = np.array((0, *ATTEMPTS_AFTER), dtype=np.int64)


def order_statuses(paid: str) -> tuple[str, ...]:
    """Return the statuses by code, in the vocabulary that calls a paid order ``paid``."""
    return ("pending", paid, "shipped", "delivered", "cancelled")


def order_codes(orders: Columns, rows: Array, at: int) -> Array:
    """Return the code of each order's last event at that time, statuses set by hand left out."""
    codes = np.zeros(len(rows), dtype=np.int8)
    for code, name in enumerate(EVENTS[1:], start=1):
        codes[orders[name][rows] <= at] = code
    return codes


def forced_status(world: World, row: int, at: int) -> str | None:
    """Return the status that was set by hand and still holds; a later event ends it."""
    held = [(since, status) for since, status in world.forced.get(row, ()) if since <= at]
    if not held:
        return None
    since, status = held[-1]
    if status is None:
        return None
    times = [int(world.orders[name][row]) for name in EVENTS]
    if any(since < time <= at for time in times):
        return None
    return world.paid_status if status == "paid" else status


def status_texts(world: World, rows: Array, at: int) -> list[str]:
    """Return the status of each of these orders at that time."""
    names = order_statuses(world.paid_status)
    codes = order_codes(world.orders, rows, at)
    if not world.forced:
        return [names[code] for code in codes.tolist()]
    return [
        forced_status(world, row, at) or names[code]
        for row, code in zip(rows.tolist(), codes.tolist(), strict=True)
    ]


def session_codes(sessions: Columns, rows: Array, at: int) -> Array:
    """Return the codes of ``SESSION_STATUSES`` of these sessions at that time."""
    created, accessed = sessions["created"][rows], sessions["accessed"][rows]
    is_open = accessed <= at
    expires = np.where(is_open, accessed + SESSION_LIFE, created + REDIRECT_LIFE)
    codes = np.where(is_open, 1, 0)
    codes[expires <= at] = 3
    codes[sessions["cancelled"][rows] <= at] = 4
    codes[sessions["ordered"][rows] <= at] = 2
    return codes.astype(np.int8)


@dataclass(frozen=True)
class Deliveries:
    """The state of log rows: one entry per row. Times are milliseconds, or ``NEVER``."""

    status: Array
    attempts: Array
    last_attempt: Array
    delivered: Array


def deliveries(world: World, rows: Array, at: int) -> Deliveries:
    """Return the state of these log rows at that time."""
    logs = dict(world.logs.take(rows))
    attempts = planned_attempts(logs, at)
    status = planned_status(attempts, logs["succeeds"])
    tried = logs["created"] + _ATTEMPT_TIMES[attempts]
    last = np.where(attempts > 0, tried, NEVER)
    delivered = np.where(status == SENT, tried + logs["answer"], NEVER)
    state = Deliveries(status, attempts.astype(np.int64), last, delivered)
    by_hand = np.flatnonzero(np.isin(rows, list(world.deliveries))) if world.deliveries else ()
    for position in by_hand:
        for when, taken in world.deliveries[int(rows[position])]:
            if when <= at:
                _deliver_by_hand(state, position, when, taken)
    return state


def _deliver_by_hand(state: Deliveries, position: np.intp, when: int, taken: bool) -> None:
    """Count one delivery by hand in."""
    state.attempts[position] += 1
    state.last_attempt[position] = when
    if taken:
        state.delivered[position] = min(when, int(state.delivered[position]))
    if taken or state.status[position] != SENT:
        state.status[position] = SENT if taken else FAILED
