"""What is read after a list was proven: an answer that is older than the proof changes nothing."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest

sys.path.append(str(Path(__file__).parents[1] / "hostile"))
import hostile_run
from hostile_run import Middle, Partner, log, order

ROWS = 300
#: Orders so far from the start that neither the head nor the count of a status shows them.
MOVED = (255, 285)


def two_thirds_shipped(number: int) -> dict[str, Any]:
    """One order; each third is not shipped yet."""
    return order(number) | {"status": "shipped" if number % 3 else "processing"}


@pytest.fixture
def lists(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[dict[str, Any]]]:
    """What the API has: some pages of orders, and as many events."""
    lists = {
        "orders": list(map(two_thirds_shipped, range(ROWS))),
        "logs": list(map(log, range(ROWS))),
    }
    monkeypatch.setattr(hostile_run, "LISTS", lists)
    return lists


def cached(lists: dict[str, list[dict[str, Any]]], headers: dict[str, str]) -> Middle:
    """Let a cache tell what orders far from the start are now, for as long as it is asked."""
    kept = copy.deepcopy(lists["orders"])

    def answer(request: httpx.Request, said: Callable[[], dict[str, Any]]) -> httpx.Response:
        asked, told = request.url.params, said()
        start = int(asked.get("offset", 0))
        if not start or "status" in asked or "orders" not in told:
            return httpx.Response(200, json=told)
        told["orders"] = kept[start : start + int(asked["limit"])]
        return httpx.Response(200, json=told, headers=headers)

    return answer


def ship(lists: dict[str, list[dict[str, Any]]]) -> None:
    """Let orders move on."""
    for number in MOVED:
        lists["orders"][number]["status"] = "shipped"


def tell(lists: dict[str, list[dict[str, Any]]], at: float) -> None:
    """Let events tell of it, as of a time."""
    for number in MOVED:
        told = {"webhook_log_id": f"whl_{number}_shipped", "event": "order.shipped"}
        made = {"created_at": datetime.fromtimestamp(at, UTC).isoformat()}
        lists["logs"].insert(0, log(number) | told | made)


@pytest.mark.parametrize("headers", [{"age": "21600"}, {"x-cache": "HIT"}])
@pytest.mark.parametrize("told_by", ["counts", "events"])
def test_what_a_cache_tells_after_the_proof_puts_no_row_back(
    told_by: str, headers: dict[str, str], lists: dict[str, list[dict[str, Any]]]
) -> None:
    """Shipped orders would be processing again, and the certificate say that all is well."""
    with duckdb.connect() as connection:
        partner = Partner(connection)
        partner.run()
        partner.clock.sleep(16 * 86_400)
        middle = cached(lists, headers)
        ship(lists)
        if told_by == "events":
            tell(lists, partner.clock.now() - 60)
        else:
            assert partner.run().outcomes["orders"] == "complete"
            partner.clock.sleep(3_600)
        outcomes = []
        for _ in range(3):
            outcomes.append(partner.run(middle).outcomes["orders"])
            stored = {key: row["status"] for key, row in partner.stored("orders").items()}
            assert stored == {row["order_id"]: row["status"] for row in lists["orders"]}
            partner.clock.sleep(3_600)
        assert outcomes == ["complete"] * 3
