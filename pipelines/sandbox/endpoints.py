"""The vendor's endpoints, of version 1.0 and of version 1.1."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pipelines.sandbox.answers import Answer, Refusal, Request, not_found
from pipelines.sandbox.backend import Backend
from pipelines.sandbox.deliveries_api import DeliveryEndpoints
from pipelines.sandbox.lists_api import ListEndpoints
from pipelines.sandbox.sessions_api import SessionEndpoints

Endpoint = Callable[..., Answer]


@dataclass(frozen=True)
class Route:
    """A path of the API; its named groups go to the endpoint."""

    versions: tuple[str, ...]
    method: str
    path: re.Pattern[str]
    endpoint: Endpoint


class Endpoints:
    """Finds the endpoint of a request, after its key has been checked."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        lists, sessions = ListEndpoints(backend), SessionEndpoints(backend)
        deliveries = DeliveryEndpoints(backend)
        old, new = ("1.0",), ("1.1",)
        self._routes = [
            _route(old + new, "POST", "partner-session", sessions.create),
            _route(new, "GET", "partner-session/(?P<session_id>[^/]+)", sessions.read),
            _route(old, "GET", "partners/(?P<partner_id>[^/]+)/orders", lists.orders),
            _route(old, "GET", "webhooks/logs", lists.logs),
            _route(old, "POST", "webhooks/retry", deliveries.retry),
            _route(old, "POST", "webhooks/resend", deliveries.resend),
            _route(new, "GET", "partners/orders", lists.orders),
            _route(new, "GET", "partners/webhook-logs", lists.logs),
            _route(new, "POST", "partners/webhook-logs/(?P<log_id>[^/]+)/retry", deliveries.retry),
            _route(new, "POST", "partners/webhooks/resend", deliveries.resend_event),
        ]

    def authenticate(self, request: Request) -> None:
        """Refuse a request without the partner's key."""
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise Refusal(401, "MISSING_API_KEY", "API key is required")
        if key.strip() not in self._keys():
            raise Refusal(401, "INVALID_API_KEY", "API key is not valid")

    def answer(self, request: Request) -> Answer:
        """Do what is asked."""
        endpoint, parts = self._find(request)
        partner_id = parts.pop("partner_id", self._backend.config.partner_id)
        if partner_id != self._backend.config.partner_id:
            raise Refusal(403, "FORBIDDEN", "This key belongs to another partner")
        with self._backend.world.lock:
            return endpoint(request, **parts)

    def _find(self, request: Request) -> tuple[Endpoint, dict[str, Any]]:
        served = self._backend.behaviour.versions
        for route in self._routes:
            match = route.path.fullmatch(request.path)
            if match and route.method == request.method and served in (*route.versions, "both"):
                return route.endpoint, match.groupdict()
        raise not_found("Endpoint")

    def _keys(self) -> tuple[str, str]:
        """Return the key as 1.0 and as 1.1 write it."""
        key = self._backend.config.api_key
        return key, re.sub(r"^sk_", "pk_", key)


def _route(versions: tuple[str, ...], method: str, path: str, endpoint: Endpoint) -> Route:
    return Route(versions, method, re.compile(f"/api/v1/{path}"), endpoint)
