"""Webhook deliveries over the API: retry a failed one, send an event again."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipelines.errors import ConfigurationError
from pipelines.sandbox import ids
from pipelines.sandbox.answers import Answer, Request, invalid, not_found
from pipelines.sandbox.backend import Backend
from pipelines.sandbox.columns import Columns, find
from pipelines.sandbox.ids import IdKind
from pipelines.sandbox.log_rows import log_rows
from pipelines.sandbox.state import deliveries
from pipelines.sandbox.times import NEVER
from pipelines.sandbox.webhooks import EVENTS, FAILED


class DeliveryEndpoints:
    """Retrying and resending."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def retry(self, request: Request, log_id: str | None = None) -> Answer:
        """Deliver a failed event again, under its own log row."""
        wanted = log_id or _text(request.json(), "webhook_log_id")
        row = self._log(wanted)
        state = deliveries(self._backend.world, np.array([row]), self._backend.clock.now_ms())
        if state.status[0] != FAILED:
            raise invalid("Only a failed delivery can be retried", webhook_log_id=wanted)
        self._backend.changes.retry_logs(wanted)
        return self._shown(row)

    def resend(self, request: Request) -> Answer:
        """Send an event again, under a new log row."""
        log_id = _text(request.json(), "webhook_log_id")
        self._log(log_id)
        [new] = self._backend.changes.resend_logs(log_id)
        return self._shown(self._log(new))

    def resend_event(self, request: Request) -> Answer:
        """Send an event of an order, or of a session's first order, under a new log row."""
        body = request.json()
        given = [name for name in ("orderId", "sessionId") if body.get(name)]
        if len(given) != 1:
            raise invalid("Exactly one of orderId, sessionId is required", fields=given)
        event = _text(body, "eventType").removeprefix("order.")
        if event not in EVENTS:
            raise invalid("eventType is not known", field="eventType")
        if not self._backend.world.options.webhooks:
            raise invalid("No webhook is configured")
        wanted = _text(body, given[0])
        order = self._order(wanted) if given[0] == "orderId" else self._order_of(wanted)
        if self._backend.world.orders[event][order] > self._backend.clock.now_ms():
            raise not_found("Event")
        [order_id] = ids.ORDER.of(self._backend.world.orders["serial"][[order]])
        return self._shown(self._log(self._backend.changes.resend_event(order_id, event)))

    def _shown(self, row: int) -> Answer:
        """Return the log row as it is now."""
        backend = self._backend
        now = backend.clock.now_ms()
        [shown] = log_rows(backend.world, np.array([row]), now, backend.behaviour)
        return Answer(200, {"success": True, "data": shown})

    def _log(self, log_id: str) -> int:
        return self._row(self._backend.world.logs, ids.LOG, log_id, "Webhook log")

    def _order(self, order_id: str) -> int:
        return self._row(self._backend.world.orders, ids.ORDER, order_id, "Order")

    def _order_of(self, session_id: str) -> int:
        """Return the session's first order."""
        world, now = self._backend.world, self._backend.clock.now_ms()
        session = self._row(world.sessions, ids.SESSION, session_id, "Session")
        mine = np.flatnonzero(
            (world.orders["session"] == session) & (world.orders["created"] <= now)
        )
        mine = mine[world.orders["deleted"][mine] == NEVER]
        if not len(mine):
            raise not_found("Order")
        return int(mine[np.argmin(world.orders["created"][mine])])

    def _row(self, columns: Columns, kind: IdKind, text: str, what: str) -> int:
        """Return the row with that id, if it exists by now."""
        try:
            row = find(columns, kind, text)
        except ConfigurationError:
            raise not_found(what) from None
        gone = columns["deleted"][row] != NEVER if "deleted" in columns.names else False
        if gone or columns["created"][row] > self._backend.clock.now_ms():
            raise not_found(what)
        return row


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise invalid(f"{name} is required", field=name)
    return value
