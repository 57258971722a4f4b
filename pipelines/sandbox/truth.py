"""The truth: what the world is at a time, as Arrow tables, to compare a load with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa

from pipelines.sandbox import ids, market
from pipelines.sandbox.order_rows import CURRENCY
from pipelines.sandbox.state import (
    SESSION_STATUSES,
    deliveries,
    session_codes,
    status_texts,
)
from pipelines.sandbox.times import NEVER, Array
from pipelines.sandbox.webhooks import EVENTS, LOG_STATUSES
from pipelines.sandbox.world import World
from pipelines.sandbox.worldclock import WorldClock

#: The tables that there are.
TABLES: Final = ("orders", "webhook_logs", "sessions", "events")

_TIME: Final = pa.timestamp("ms", tz="UTC")
_MONEY: Final = pa.decimal128(18, 2)


class Truth:
    """The world's state and history. ``at`` is in epoch seconds; None: now."""

    def __init__(self, world: World, clock: WorldClock) -> None:
        self._world = world
        self._clock = clock

    def orders(self, at: float | None = None) -> pa.Table:
        """Return every order that had appeared, oldest first, deleted ones marked as such."""
        with self._world.lock:
            now = self._at(at)
            rows = _until(self._world.orders["appeared"], now, self._world.orders["created"])
            orders = self._world.orders.take(rows)
            steps = {f"{event}_at": _times(orders[event], now) for event in EVENTS[1:]}
            places = [market.PLACES[place] for place in orders["place"].tolist()]
            return pa.table(
                {
                    "order_id": ids.ORDER.arrow(orders["serial"]),
                    "session_id": self._session_ids(orders["session"]),
                    "status": pa.array(status_texts(self._world, rows, now), pa.string()),
                    "total_amount": _money(orders["cents"]),
                    "currency": pa.array([CURRENCY] * len(rows), pa.string()),
                    "created_at": _times(orders["created"]),
                    **steps,
                    "carrier": _words(market.CARRIERS, orders["carrier"], orders["shipped"] > now),
                    "country": pa.array([place.country for place in places], pa.string()),
                    "state": pa.array([place.state for place in places], pa.string()),
                    "city": pa.array([place.city for place in places], pa.string()),
                    "deleted": pa.array(orders["deleted"] <= now),
                    "deleted_at": _times(orders["deleted"], now),
                }
            )

    def webhook_logs(self, at: float | None = None) -> pa.Table:
        """Return every log row that had been made, oldest first, deleted ones marked as such."""
        with self._world.lock:
            now = self._at(at)
            rows = _until(self._world.logs["created"], now)
            logs = self._world.logs.take(rows)
            state = deliveries(self._world, rows, now)
            return pa.table(
                {
                    "webhook_log_id": ids.LOG.arrow(logs["serial"]),
                    "order_id": ids.ORDER.arrow(self._world.orders["serial"][logs["order"]]),
                    "session_id": self._session_ids(self._world.orders["session"][logs["order"]]),
                    "event_type": _words([f"order.{event}" for event in EVENTS], logs["event"]),
                    "status": _words(LOG_STATUSES, state.status),
                    "attempts": pa.array(state.attempts),
                    "event_at": _times(logs["at"]),
                    "created_at": _times(logs["created"]),
                    "last_attempt_at": _times(state.last_attempt),
                    "delivered_at": _times(state.delivered),
                    "deleted": pa.array(logs["deleted"] <= now),
                    "deleted_at": _times(logs["deleted"], now),
                }
            )

    def sessions(self, at: float | None = None) -> pa.Table:
        """Return every session that had been created, oldest first."""
        with self._world.lock:
            now = self._at(at)
            rows = _until(self._world.sessions["created"], now)
            sessions = self._world.sessions.take(rows)
            codes = session_codes(self._world.sessions, rows, now)
            return pa.table(
                {
                    "session_id": ids.SESSION.arrow(sessions["serial"]),
                    "created_at": _times(sessions["created"]),
                    "accessed_at": _times(sessions["accessed"], now),
                    "first_order_at": _times(sessions["ordered"], now),
                    "status": _words(SESSION_STATUSES, codes),
                    "mode": _words(market.MODES, sessions["mode"]),
                }
            )

    def events(self, at: float | None = None) -> pa.Table:
        """Return everything that had happened to orders, whether or not a log row tells of it."""
        with self._world.lock:
            now = self._at(at)
            orders = self._world.orders
            times = np.stack([orders[event] for event in EVENTS], axis=1)
            times[orders["appeared"] > now] = NEVER
            order, event = np.nonzero(times <= now)
            return pa.table(
                {
                    "order_id": ids.ORDER.arrow(orders["serial"][order]),
                    "event": _words([f"order.{event}" for event in EVENTS], event),
                    "at": _times(times[order, event]),
                }
            ).sort_by("at")

    def table(self, name: str, at: float | None = None) -> pa.Table:
        """Return the table of that name, one of ``TABLES``."""
        table: pa.Table = getattr(self, name)(at)
        return table

    def _at(self, at: float | None) -> int:
        now = self._clock.now_ms() if at is None else round(at * 1000)
        self._world.reach(now)
        return now

    def _session_ids(self, sessions: Array) -> pa.Array:
        return ids.SESSION.arrow(self._world.sessions["serial"][sessions])


def _until(since: Array, at: int, sorted_by: Array | None = None) -> Array:
    """Return the rows that had come by then, oldest first."""
    rows = np.flatnonzero(since <= at)
    return rows[np.argsort((since if sorted_by is None else sorted_by)[rows], kind="stable")]


def _times(times: Array, until: int = NEVER - 1) -> pa.Array:
    """Return times as Arrow has them; null for what had not happened by then."""
    return pa.array(times, mask=times > until).cast(_TIME)


def _words(words: Sequence[str], codes: Array, unknown: Array | None = None) -> pa.Array:
    """Return the word of each code; null where it is not known yet."""
    indices = pa.array(codes.astype(np.int32), mask=unknown)
    return pa.DictionaryArray.from_arrays(indices, pa.array(words)).cast(pa.string())


def _money(cents: Array) -> pa.Array:
    """Return cents as exact decimals: an Arrow decimal is an integer of 128 bits."""
    words = np.zeros((len(cents), 2), dtype=np.int64)
    words[:, 0] = cents
    return pa.Array.from_buffers(_MONEY, len(cents), [None, pa.py_buffer(words)])
