"""A small API, whatever stands before it, and runs of the real engine against both."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import httpx
from hostile_server import KEY, START, date

from pipelines.cli import failures
from pipelines.client import PrintoraClient, RateGovernor
from pipelines.client.wire import V1_0
from pipelines.clock import ManualClock
from pipelines.errors import PrintoraError
from pipelines.progress import ignore
from pipelines.source.privacy import PersonalData, Privacy
from pipelines.source.pseudonyms import Keys
from pipelines.sync.runner import Runner

sys.path.append(str(Path(__file__).parents[1] / "sync"))
from fast import FastDestination

#: What stands before the API: it may ask it (the second argument), and answers what it likes.
Middle = Callable[[httpx.Request, Callable[[], dict[str, Any]]], httpx.Response]

ROWS = 60
KEYS = Keys.of_api_key(KEY)


def order(number: int) -> dict[str, Any]:
    """One order."""
    made = datetime.fromtimestamp(START, UTC) - timedelta(hours=number)
    return {
        "order_id": f"ord_{number:04}_abcdef",
        "session_id": f"sess_{number:04}_abcdef",
        "status": "delivered" if number % 3 else "processing",
        "total_amount": "12.50",
        "currency": "USD",
        "created_at": made.isoformat(),
    }


def log(number: int) -> dict[str, Any]:
    """One delivery of an event."""
    return {
        "webhook_log_id": f"whl_{number:04}_abcdef",
        "order_id": order(number)["order_id"],
        "event": "order.created",
        "status": "sent",
        "attempts": 1,
        "response_status": 200,
        "created_at": order(number)["created_at"],
    }


LISTS = {"orders": [order(n) for n in range(ROWS)], "logs": [log(n) for n in range(ROWS)]}


def honest(request: httpx.Request) -> dict[str, Any]:
    """Return what the API says: newest first, filtered by status, counted."""
    name = "orders" if request.url.path.endswith("/orders") else "logs"
    asked = request.url.params
    rows = [row for row in LISTS[name] if row["status"] == asked.get("status", row["status"])]
    offset, limit = int(asked.get("offset", 0)), int(asked.get("limit", 20))
    page = json.loads(json.dumps(rows[offset : offset + limit]))
    return {name: page, "total": len(rows), "limit": limit, "offset": offset}


@dataclass
class Ended:
    """How a run ended: its exit code, what it said, and the certificates by list."""

    code: int
    told: str
    outcomes: dict[str, str] = field(default_factory=dict)


@dataclass
class Partner:
    """A warehouse in memory, and the API, over several runs. ``requests`` counts all of them."""

    connection: duckdb.DuckDBPyConnection
    clock: ManualClock = field(default_factory=lambda: ManualClock(START))
    personal_data: PersonalData = "pseudonymous"
    requests: int = 0

    def run(self, middle: Middle | None = None, **options: Any) -> Ended:
        """Sync once through what stands before the API; nothing is sent, and nobody waits."""

        def answer(request: httpx.Request) -> httpx.Response:
            self.requests += 1
            if middle is None:
                said = honest(request)
                return httpx.Response(200, json=said, headers={"date": date(self.clock.now())})
            response = middle(request, lambda: honest(request))
            response.headers.setdefault("date", date(self.clock.now()))
            return response

        governor = RateGovernor(V1_0.limits, clock=self.clock)
        with PrintoraClient(
            "https://api.test",
            KEY,
            "p1",
            governor=governor,
            clock=self.clock,
            transport=httpx.MockTransport(answer),
        ) as client:
            try:
                runner = Runner(
                    client,
                    FastDestination(self.connection, lambda _: None),
                    Privacy(self.personal_data, KEYS),
                    clock=self.clock,
                    listener=ignore,
                    **options,
                )
                result = runner.run()
            except PrintoraError as error:
                message, hint, code = failures.explain(error)
                return Ended(code, f"{message} {hint}")
        parts = result.resources
        told = "; ".join(f"{name}: {part.reason or part.evidence}" for name, part in parts.items())
        outcomes = {name: part.outcome for name, part in parts.items()}
        return Ended(result.exit_code, told, outcomes)

    def stored(self, table: str) -> dict[str, dict[str, Any]]:
        """Return a table's live rows by key; none where there is no table."""
        try:
            found = self.connection.sql(
                f"select * from printora_raw.{table} where deleted_at is null"  # noqa: S608
            )
        except duckdb.CatalogException:
            return {}
        rows = found.to_arrow_table().to_pylist()
        return {row[found.columns[0]]: row for row in rows}
