"""An API of a few lists that a test writes down row by row, asked in the sandbox's place."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import httpx
from fast import FastWorld

Rows = list[dict[str, Any]]
HOUR = 3_600.0


@dataclass
class Shop:
    """Newest first, filtered by status and counted; hand it to ``sync`` as ``between``.

    ``kept_back``: keys that only a filter shows. ``headers`` are those of each answer. ``most``:
    rows of a page.
    """

    here: FastWorld
    orders: Rows = field(default_factory=list)
    logs: Rows = field(default_factory=list)
    kept_back: frozenset[str] = frozenset()
    headers: dict[str, str] = field(default_factory=dict)
    most: int = 100
    has_total: bool = True
    made: int = 0

    def add_order(self, hours_ago: float = 0.0, status: str = "delivered", **more: Any) -> str:
        """Add an order."""
        self.made += 1
        key = f"ord_{self.made:05}_abcdef"
        told = {"session_id": f"sess_{key}", "total_amount": "12.50", "currency": "USD"}
        made = {"created_at": self._at(hours_ago)}
        self.orders.append({"order_id": key, "status": status, **told, **made, **more})
        return key

    def add_log(self, hours_ago: float = 0.0, order: str = "ord_x", event: str = "created") -> str:
        """Add a delivery that was taken at once."""
        self.made += 1
        key = f"whl_{self.made:05}_abcdef"
        told = {"order_id": order, "event": f"order.{event}", "status": "sent", "attempts": 1}
        self.logs.append({"webhook_log_id": key, "created_at": self._at(hours_ago), **told})
        return key

    def _at(self, hours_ago: float) -> str:
        return datetime.fromtimestamp(self.here.clock.now() - hours_ago * HOUR, UTC).isoformat()

    def __call__(self, request: httpx.Request, _: object) -> httpx.Response:
        """Answer one request."""
        name = "orders" if request.url.path.endswith("/orders") else "logs"
        asked = request.url.params
        rows = sorted(getattr(self, name), key=lambda row: str(row["created_at"]), reverse=True)
        if "status" in asked:
            rows = [row for row in rows if row["status"] == asked["status"]]
        else:
            rows = [row for row in rows if row.get("order_id") not in self.kept_back]
        limit = int(asked.get("limit", 20))
        first = self.first(int(asked.get("offset", 0)), limit)
        page = rows[first : first + min(limit, self.most)]
        now = datetime.fromtimestamp(self.here.clock.now(), UTC)
        headers = {"date": format_datetime(now, usegmt=True), **self.headers}
        total = len(rows) if self.has_total else None
        return httpx.Response(200, json={name: page, "total": total}, headers=headers)

    def first(self, offset: int, limit: int) -> int:
        """Return the place that an offset means, asked for with so many rows."""
        return offset
