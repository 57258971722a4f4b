"""Single rows: what agrees in number is looked at, and what is honest is believed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from fast import engine_world, fast_world
from shop import HOUR, Shop
from test_left_out import edited


def test_a_late_log_is_not_masked_by_one_that_is_dropped(tmp_path: Path) -> None:
    """As many logs come late as the API drops: each would be missing under the word complete."""
    with fast_world(tmp_path, 0) as here:
        shop = Shop(here)
        for hours in range(250, 0, -1):
            shop.add_log(hours)
        here.sync(between=shop)
        for _ in range(2):
            here.clock.sleep(3_600)
            shop.add_log()
            late = shop.add_log(hours_ago=120.5)
            del shop.logs[0]
            here.clock.sleep(5)
            logs = here.sync(between=shop).resources["webhook_logs"]
            assert logs.outcome == "complete", logs.reason
            assert late in here.stored("webhook_logs")
            assert logs.requests <= 16


def test_rows_behind_the_first_page_of_a_status_are_not_marked_as_deleted(tmp_path: Path) -> None:
    """Old cancelled orders that a list begins to leave out would be marked as deleted."""
    with fast_world(tmp_path, 0) as here:
        shop = Shop(here)
        keys = [shop.add_order(300 - n, "cancelled" if n % 2 else "delivered") for n in range(300)]
        assert here.sync(between=shop).outcome == "complete"
        shop.kept_back = frozenset(keys[11:16:2])
        for _ in range(2):
            here.clock.sleep(3_700)
            orders = here.sync(between=shop).resources["orders"]
            assert orders.outcome == "partial"
            assert not here.stored("orders", deleted=True)


@pytest.mark.parametrize("kind", ["bad", "hidden"])
@pytest.mark.parametrize("place", [30, 300])
def test_a_place_without_a_row_masks_no_order_that_moves(
    place: int, kind: str, tmp_path: Path
) -> None:
    """One record without an id would excuse, for ever, an order of another status that moved."""
    with fast_world(tmp_path, 0) as here:
        shop = Shop(here)
        words = ("processing", "shipped", "delivered")
        keys = [shop.add_order(1_000 - n, words[n % 3]) for n in range(600)]
        lacking = shop.orders[303]
        if kind == "bad":
            lacking["order_id"] = None

        def hides(request: httpx.Request, ask: object) -> httpx.Response:
            return without(shop(request, ask), lacking if kind == "hidden" else None)

        for moved in (False, False, False, True, True):
            shop.orders[place]["status"] = "shipped" if moved else "processing"
            orders = here.sync(between=hides).resources["orders"]
            assert orders.outcome == "complete", orders.reason
            assert here.stored("orders")[keys[place]]["status"] == shop.orders[place]["status"]
            here.clock.sleep(3_600)
        again = kind == "bad" and orders.requests > 7
        assert not again, "what was searched once is searched again"


@pytest.mark.parametrize(("orders", "place"), [(260, 20), (30, 20)])
def test_a_row_that_only_a_filter_shows_is_not_taken_for_hidden(
    orders: int, place: int, tmp_path: Path
) -> None:
    """An order that the list counts and hides would be certified away, and marked as deleted."""
    with fast_world(tmp_path, 0) as here:
        shop = Shop(here)
        for n in range(orders):
            shop.add_order(500 - n)
        lacking = shop.orders[place]

        def hides(request: httpx.Request, ask: object) -> httpx.Response:
            told = shop(request, ask)
            return told if "status" in request.url.params else without(told, lacking)

        for _ in range(3):
            result = here.sync(between=hides).resources["orders"]
            assert "under a filter" in str(result.reason)
            assert not here.stored("orders", deleted=True)
            here.clock.sleep(14 * 3_600)


def test_a_stored_order_that_is_counted_and_not_listed_waits_for_a_decision(tmp_path: Path) -> None:
    """Nothing tells it from one that is gone; the list would be partial for ever."""
    with fast_world(tmp_path, 0) as here:
        shop = Shop(here)
        for n in range(60):
            shop.add_order(500 - n)
        here.sync(between=shop)

        def hides(request: httpx.Request, ask: object) -> httpx.Response:
            return without(shop(request, ask), shop.orders[20])

        for accepted in (False, False, True, True, False):
            here.clock.sleep(26 * 3_600)
            full = not here.stored("orders", deleted=True)
            result = here.sync(between=hides, full=full, accept_deletions=accepted)
        orders = result.resources["orders"]
        assert orders.outcome == "complete", orders.reason
        assert orders.detail["rows_hidden"] == 1
        assert len(here.stored("orders", deleted=True)) == 1


def test_a_sync_that_is_cut_short_is_held_against_its_events(tmp_path: Path) -> None:
    """Orders certified before the events are read that contradict them would stay complete."""
    with fast_world(tmp_path, 0) as here:
        shop = OldestLogsFirst(here)
        keys = [shop.add_order(300 - n, "processing") for n in range(60)]
        for n in range(3_000):
            shop.add_log(500 - n / 100, keys[0])
        for key in keys[:3]:
            shop.add_log(0.3, key, "shipped")
        orders = here.sync(between=shop, budget=39).resources["orders"]
        assert orders.complete_as_of is None


def without(told: httpx.Response, lacking: dict[str, Any] | None) -> httpx.Response:
    """Return the answer without one of its orders."""

    def kept(body: dict[str, Any]) -> dict[str, Any]:
        if "logs" in body:
            return body
        return body | {"orders": [row for row in body["orders"] if row != lacking]}

    return edited(told, kept)


class OldestLogsFirst(Shop):
    """Lists the deliveries from the first one on."""

    def __call__(self, request: httpx.Request, ask: object) -> httpx.Response:
        """Answer one request."""
        told, asked = super().__call__(request, ask), request.url.params
        if request.url.path.endswith("/orders") or "status" in asked:
            return told
        first = int(asked.get("offset", 0))
        page = self.logs[first : first + min(int(asked.get("limit", 20)), self.most)]
        return edited(told, lambda body: body | {"logs": page})


@pytest.mark.parametrize("rows", [1, 10])
def test_a_page_that_ends_where_the_known_rows_do_is_no_answer(rows: int, tmp_path: Path) -> None:
    """Young orders that a list of short pages leaves out would be missing from a proof."""
    with fast_world(tmp_path, 0) as here:
        shop = Shop(here, most=rows)
        keys = [shop.add_order(40 - n) for n in range(20)]
        shop.kept_back = frozenset(keys[-3:])
        orders = here.sync(between=shop).resources["orders"]
        assert "under a filter" in str(orders.reason)


def test_a_list_without_total_does_not_delete_what_a_filter_shows(tmp_path: Path) -> None:
    """Without a total nothing is counted by status, which was taken for a filter ignored."""
    with fast_world(tmp_path, 0) as here:
        shop = Shop(here, has_total=False)
        keys = [shop.add_order(60 - n, "delivered" if n % 10 else "cancelled") for n in range(60)]
        for _ in range(2):
            assert here.sync(between=shop).outcome == "complete"
            here.clock.sleep(3_700)
        shop.kept_back = frozenset(keys[::10])
        assert here.sync(between=shop).resources["orders"].outcome == "partial"
        assert not here.stored("orders", deleted=True)


def test_an_order_without_a_status_is_counted_by_no_filter(tmp_path: Path) -> None:
    """One order of which no status is told would end every second proof."""
    with fast_world(tmp_path, 0) as here:
        shop = Shop(here)
        for hours in range(150, 0, -1):
            shop.add_order(hours, "processing")
        shop.orders[50]["status"] = None
        for _ in range(3):
            orders = here.sync(between=shop).resources["orders"]
            assert orders.outcome == "complete", orders.reason
            here.clock.sleep(3_600)
            shop.add_order()
            here.clock.sleep(5)
        assert orders.evidence == "counts equal"


@pytest.mark.parametrize(
    ("headers", "outcome", "reason"),
    [
        ({"age": "1"}, "complete", ""),
        ({"age": "90"}, "partial", "out of a cache"),
        ({"x-cache": "HIT from proxy"}, "partial", "out of a cache"),
        ({"x-cache": "TCP_MEM_HIT from a1.example"}, "partial", "out of a cache"),
        ({"x-cache": "TCP_REFRESH_HIT"}, "complete", ""),
        ({"x-vercel-cache": "HIT"}, "partial", "out of a cache"),
        ({"x-cache": "MISS"}, "complete", ""),
        ({"cache-status": "edge; hit; ttl=100"}, "partial", "out of a cache"),
        ({"cf-cache-status": "DYNAMIC"}, "complete", ""),
    ],
)
def test_an_answer_of_a_cache_counts_as_much_as_its_age(
    headers: dict[str, str], outcome: str, reason: str, tmp_path: Path
) -> None:
    """Each sync behind a gateway that adds a second would blame the clock; an old one not."""
    with fast_world(tmp_path, 0) as here:
        shop = Shop(here, headers=headers)
        for hours in range(30, 0, -1):
            shop.add_order(hours)
        orders = here.sync(between=shop).resources["orders"]
        assert orders.outcome == outcome, orders.reason
        assert reason in str(orders.reason)


@pytest.mark.parametrize("times", [1, 2])
def test_a_list_that_is_behind_its_events_is_not_complete(times: int, tmp_path: Path) -> None:
    """Orders out of a copy that lags beside fresh logs would be missing, and stale."""
    with fast_world(tmp_path, 0) as here:
        shop = Shop(here)
        for hours in range(30, 0, -1):
            shop.add_order(hours, "processing")
        assert here.sync(between=shop).outcome == "complete"
        here.clock.sleep(3_600)
        moved = shop.orders[10]
        shop.add_log(0, moved["order_id"], "shipped")
        shop.add_log(0, "ord_99999_abcdef", "created")
        for _ in range(times):
            here.clock.sleep(60)
            orders = here.sync(between=shop).resources["orders"]
            assert orders.outcome == "partial"
            assert "events tell of 2 orders" in str(orders.reason)
        moved["status"] = "shipped"
        shop.add_order(0, order_id="ord_99999_abcdef")
        here.clock.sleep(60)
        for _ in range(2):
            orders = here.sync(between=shop).resources["orders"]
            here.clock.sleep(3_600)
        assert orders.outcome == "complete", orders.reason


def test_a_row_that_the_list_always_tells_twice_is_one_row(tmp_path: Path) -> None:
    """One number and text of an id, or one join too many, and the list is never complete."""
    with fast_world(tmp_path, 0) as here:
        shop = Shop(here)
        for hours in range(130, 0, -1):
            shop.add_order(hours)
        shop.orders[100]["order_id"] = 12345
        shop.orders.insert(101, shop.orders[100] | {"order_id": "12345"})
        shop.orders.insert(33, shop.orders[32])  # the last row of the first page
        for _ in range(3):
            orders = here.sync(between=shop).resources["orders"]
            assert orders.outcome == "complete", orders.reason
            here.clock.sleep(3_600)
            shop.add_order()
            here.clock.sleep(5)
        assert orders.evidence == "counts equal"
        assert orders.requests <= 6
        assert len(here.stored("orders")) == 132


def test_a_row_on_two_pages_may_stand_in_the_place_of_another(tmp_path: Path) -> None:
    """An order that does not tell ties apart would leave a row out under the word complete."""
    with fast_world(tmp_path, 0) as here:
        shop = Shop(here)
        for hours in range(230, 0, -1):
            shop.add_order(hours)
        shop.orders[10] = shop.orders[150] | {"created_at": shop.orders[10]["created_at"]}
        for _ in range(2):
            orders = here.sync(between=shop).resources["orders"]
            assert orders.outcome == "partial"
            assert "the list shows rows on two pages, and 1 orders fewer" in str(orders.reason)
            here.clock.sleep(86_400)


def test_a_row_told_twice_now_and_then_stands_for_no_other(tmp_path: Path) -> None:
    """Told twice in a scan that lacked nothing, it would explain a row that the next one lacks."""

    class Stammering(Shop):
        """No order; one answer of a sync tells a row twice, in the place of the newest."""

        def __call__(self, request: httpx.Request, ask: object) -> httpx.Response:
            told = super().__call__(request, ask)
            body = told.json()
            if "orders" not in body or "status" in request.url.params or next(asked):
                return told
            body["orders"] = [*body["orders"][:2], body["orders"][1], *body["orders"][3 - new :]]
            headers = {k: v for k, v in told.headers.items() if k != "content-length"}
            return httpx.Response(200, json=body, headers=headers)

    with fast_world(tmp_path, 0) as here:
        shop, new = Stammering(here), 1
        for _ in range(150):
            shop.add_order(created_at=None)
        asked = iter(range(10**9))
        assert here.sync(between=shop).resources["orders"].outcome == "complete"
        here.clock.sleep(86_400)
        hidden = shop.add_order(created_at=None)
        shop.orders.insert(2, shop.orders.pop())
        asked, new = iter(range(10**9)), 0
        orders = here.sync(between=shop).resources["orders"]
        assert orders.outcome == "partial" or hidden in here.stored("orders")


@pytest.mark.parametrize("counted", ["rows of the page", "pages"])
def test_a_total_that_counts_something_else_is_none(counted: str, tmp_path: Path) -> None:
    """A list that changes between two syncs would never be complete: its end is seen once."""
    with fast_world(tmp_path, 0) as here:
        shop = Miscounting(here, pages=counted == "pages")
        for hours in range(250, 0, -1):
            shop.add_order(hours)
        for _ in range(3):
            orders = here.sync(between=shop).resources["orders"]
            assert orders.evidence == "end seen twice", orders.reason
            here.clock.sleep(3_600)
            del shop.orders[130]
            shop.add_order(0.5)


def test_a_total_that_was_wrong_once_is_believed_again_where_a_list_has_no_order(
    tmp_path: Path,
) -> None:
    """One late answer of a copy would leave a list without order unproven for ever."""
    with fast_world(tmp_path, 150, {"sort": "unsorted"}, webhooks=False) as here:
        assert here.sync().outcome == "complete"
        here.clock.sleep(3_600)
        assert here.sync(lie=_counts_too_few).resources["orders"].outcome == "partial"
        for _ in range(2):
            here.clock.sleep(3_600)
            orders = here.sync().resources["orders"]
        assert orders.outcome == "complete", orders.reason


def _counts_too_few(answer: dict[str, Any]) -> None:
    if len(answer.get("orders", ())) > 50:
        answer["total"] = 19


@dataclass
class Miscounting(Shop):
    """Counts as ``total`` the rows of each answer, or its pages."""

    pages: bool = False

    def __call__(self, request: httpx.Request, ask: object) -> httpx.Response:
        """Answer one request."""
        told = super().__call__(request, ask)
        body = told.json()
        rows = next(value for name, value in body.items() if name != "total")
        body["total"] = -(-body["total"] // self.most) if self.pages else len(rows)
        return httpx.Response(200, json=body, headers={"date": told.headers["date"]})


def test_old_rows_that_cannot_be_read_again_do_not_end_the_sync(tmp_path: Path) -> None:
    """A ceiling on offsets would end each sync with a traceback, once rows are weeks old."""
    with engine_world(tmp_path, 0) as here:
        shop = Shop(here)
        for hours in range(150, 0, -1):
            shop.add_order(hours)

        def bounded(request: httpx.Request, ask: object) -> httpx.Response:
            if request.url.params["offset"] != "0":
                return httpx.Response(400, json={"success": False, "error": {"code": "NO"}})
            return shop(request, ask)

        here.sync(between=shop)
        here.clock.sleep(16 * 24 * HOUR)
        orders = here.sync(between=bounded).resources["orders"]
        assert orders.detail["requests_by_purpose"]["reread"]
        assert orders.outcome == "complete"
