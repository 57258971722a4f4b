"""Sessions over the API: create one, read one."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipelines.errors import ConfigurationError
from pipelines.sandbox import ids, market
from pipelines.sandbox.answers import Answer, Refusal, Request, invalid, not_found
from pipelines.sandbox.backend import Backend
from pipelines.sandbox.columns import find
from pipelines.sandbox.ledger import redirect_url
from pipelines.sandbox.order_rows import order_rows
from pipelines.sandbox.state import SESSION_STATUSES, session_codes
from pipelines.sandbox.times import NEVER, iso

#: What a session can be made from: the field of the body to the session's mode.
_SOURCES = dict(zip(("imageUrl", "creatorId", "merchId"), market.MODES, strict=True))


class SessionEndpoints:
    """Creating and reading sessions."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        #: Idempotency key to the session that it made.
        self._made: dict[str, str] = {}

    def create(self, request: Request) -> Answer:
        """Create a session; the same idempotency key gives the same session again."""
        key = request.headers.get("idempotency-key")
        if key is None and self._backend.behaviour.versions == "1.1":
            raise Refusal(400, "MISSING_IDEMPOTENCY_KEY", "Idempotency-Key header is required")
        if key is None or key not in self._made:
            mode = self._mode(request.json())
            [session_id] = self._backend.changes.create_sessions(mode=mode)
        else:
            session_id = self._made[key]
        if key is not None:
            self._made[key] = session_id
        return self._enveloped(201, self._created(session_id))

    def read(self, request: Request, session_id: str) -> Answer:
        """Return a session's details, its status, and its first order."""
        del request
        world = self._backend.world
        row = self._row(session_id)
        now = self._backend.clock.now_ms()
        accessed = int(world.sessions["accessed"][row])
        code = session_codes(world.sessions, np.array([row]), now)[0]
        mine = np.flatnonzero((world.orders["session"] == row) & (world.orders["created"] <= now))
        mine = mine[world.orders["deleted"][mine] == NEVER]
        orders = order_rows(world, mine, now, self._backend.behaviour)
        details = {
            "sessionId": session_id,
            "status": SESSION_STATUSES[code],
            "sessionMode": market.MODES[world.sessions["mode"][row]],
            "createdAt": iso(int(world.sessions["created"][row])),
            "accessedAt": iso(accessed) if accessed <= now else None,
            "order": orders[0] if orders else None,
        }
        return self._enveloped(200, details)

    def _mode(self, body: dict[str, Any]) -> str:
        """Return what the session is made from; 1.0 knows images alone."""
        given = [name for name in _SOURCES if body.get(name)]
        if len(given) != 1:
            raise invalid(f"Exactly one of {', '.join(_SOURCES)} is required", fields=given)
        if not isinstance(body[given[0]], str):
            raise invalid(f"{given[0]} must be a text", field=given[0])
        return _SOURCES[given[0]]

    def _created(self, session_id: str) -> dict[str, Any]:
        sessions = self._backend.world.sessions
        row = self._row(session_id)
        [token] = ids.TOKEN.of(sessions["serial"][[row]])
        return {
            "sessionId": session_id,
            "redirectUrl": redirect_url(token),
            "sessionMode": market.MODES[sessions["mode"][row]],
            "createdAt": iso(int(sessions["created"][row])),
        }

    def _row(self, session_id: str) -> int:
        sessions = self._backend.world.sessions
        try:
            row = find(sessions, ids.SESSION, session_id)
        except ConfigurationError:
            raise not_found("Session") from None
        if sessions["created"][row] > self._backend.clock.now_ms():
            raise not_found("Session")
        return row

    def _enveloped(self, status: int, details: dict[str, Any]) -> Answer:
        if self._backend.behaviour.envelope == "data":
            return Answer(status, {"success": True, "data": details})
        return Answer(status, {"success": True, **details})
