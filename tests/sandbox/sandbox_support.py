"""What the sandbox's tests share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

from pipelines.clock import ManualClock
from pipelines.sandbox import DEFAULT_PARTNER, Sandbox

#: Sunday, 1 March 2026, 12:00 UTC.
START = 1_772_366_400.0


@dataclass
class Api:
    """A sandbox, its clock, and a client that talks to it over loopback."""

    sandbox: Sandbox
    clock: ManualClock
    http: httpx.Client

    orders_path = f"/api/v1/partners/{DEFAULT_PARTNER}/orders"
    logs_path = "/api/v1/webhooks/logs"

    def orders(self, **query: Any) -> dict[str, Any]:
        """Get a page of orders."""
        page: dict[str, Any] = self.http.get(self.orders_path, params=query).json()
        return page

    def logs(self, **query: Any) -> dict[str, Any]:
        """Get a page of webhook logs."""
        page: dict[str, Any] = self.http.get(self.logs_path, params=query).json()
        return page

    def walk(self, path: str, key: str, **query: Any) -> list[dict[str, Any]]:
        """Read a list to its end, moving on by what came back."""
        rows: list[dict[str, Any]] = []
        while True:
            page = {"limit": 100, "offset": len(rows), **query}
            content = self.http.get(path, params=page).json()
            if not content[key]:
                return rows
            rows += content[key]


MakeApi = Callable[..., Api]


def utc_text(at: datetime | None) -> str | None:
    """A time as the API writes it."""
    if at is None:
        return None
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
