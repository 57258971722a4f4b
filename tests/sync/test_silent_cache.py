"""Caches that say nothing of themselves, and lists that leave out what they still count."""

from __future__ import annotations

from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from fast import FastWorld, fast_world
from shop import Shop

from pipelines.clock import utc

HOUR = 3_600.0


class Cached(Shop):
    """Gives an answer again for an hour, under a fresh ``Date``, whatever the request says."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._kept: dict[str, tuple[float, Any]] = {}

    def __call__(self, request: httpx.Request, ask: object) -> httpx.Response:
        """Answer one request."""
        now, address = self.here.clock.now(), str(request.url)
        if address not in self._kept or now - self._kept[address][0] > HOUR:
            self._kept[address] = now, super().__call__(request, ask).json()
        date = format_datetime(utc(now), usegmt=True)
        return httpx.Response(200, json=self._kept[address][1], headers={"date": date})


class CachedFilter(Cached):
    """Gives filtered answers again for ever, and says how old they are."""

    def __call__(self, request: httpx.Request, ask: object) -> httpx.Response:
        """Answer one request."""
        if "status" not in request.url.params:
            return Shop.__call__(self, request, ask)
        now, address = self.here.clock.now(), f"{request.url.path} {request.url.params['status']}"
        if address not in self._kept:
            self._kept[address] = now, Shop.__call__(self, request, ask).json()
        since, body = self._kept[address]
        date = format_datetime(utc(since), usegmt=True)
        return httpx.Response(200, json=body, headers={"date": date, "age": f"{now - since:.0f}"})


class Skipping(Shop):
    """Counts every order, and shows some on its first page only."""

    def __call__(self, request: httpx.Request, ask: object) -> httpx.Response:
        """Answer one request."""
        told = super().__call__(request, ask)
        body = told.json()
        if "orders" in body and int(request.url.params.get("offset", 0)):
            body["orders"] = [r for r in body["orders"] if int(r["order_id"][4:9]) % 50 != 7]
        return httpx.Response(200, json=body, headers={"date": told.headers["date"]})


def _shop_of(kind: type[Shop], here: FastWorld, orders: int, **options: Any) -> Shop:
    shop = kind(here, **options)
    for number in range(orders):
        shop.add_order(500 - number, "delivered" if number % 3 else "processing")
    return shop


def _busy_hour(here: FastWorld, shop: Shop, number: int) -> None:
    here.clock.sleep(900)
    shop.orders[200 - number]["status"] = "cancelled"
    shop.orders[100 + number]["status"] = "delivered"
    shop.add_order(0.2, "processing")
    here.clock.sleep(30)


@pytest.mark.parametrize("has_total", [True, False])
def test_an_answer_of_the_sync_before_is_not_taken_for_a_new_one(
    has_total: bool, tmp_path: Path
) -> None:
    """A proxy's cache of an hour would be certified as complete, four times an hour."""
    with fast_world(tmp_path, 0) as here:
        shop = _shop_of(Cached, here, 250, has_total=has_total)
        for number in range(5):
            orders = here.sync(between=shop).resources["orders"]
            assert orders.outcome == "complete", orders.reason
            told = {row["order_id"]: row["status"] for row in shop.orders}
            assert {key: row["status"] for key, row in here.stored("orders").items()} == told
            _busy_hour(here, shop, number)


def test_an_old_answer_replaces_no_newer_one(tmp_path: Path) -> None:
    """What a cache shows under a filter, asked last, would stand under a scan's certificate."""
    with fast_world(tmp_path, 0) as here:
        shop = _shop_of(CachedFilter, here, 12)
        assert here.sync(between=shop).outcome == "complete"
        here.clock.sleep(5 * HOUR)
        shop.orders[0]["status"] = "delivered"
        orders = here.sync(between=shop, full=True).resources["orders"]
        assert "out of a cache" in str(orders.reason)
        assert here.stored("orders")[shop.orders[0]["order_id"]]["status"] == "delivered"


def test_what_this_sync_was_shown_is_not_marked_as_deleted(tmp_path: Path) -> None:
    """A scan that leaves out what a filter has just shown would mark it, under a certificate."""
    with fast_world(tmp_path, 0) as here:
        shop = _shop_of(Skipping, here, 220)
        assert "under a filter" in str(here.sync(between=shop).resources["orders"].reason)
        here.clock.sleep(900)
        for row in shop.orders[60:220:37]:  # which makes the counts differ, and rows be looked for
            row["status"] = "delivered"
        _busy_hour(here, shop, 0)
        assert here.sync(between=shop).resources["orders"].outcome == "partial"
        assert not here.stored("orders", deleted=True)
