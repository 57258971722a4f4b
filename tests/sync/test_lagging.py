"""A list that is read from a copy which lags: what it lacks is not gone, what it shows is old."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from fast import Between, FastWorld, engine_world, fast_world
from shop import Shop

from pipelines.lists import ORDERS_LIST, WEBHOOK_LOGS_LIST, ListSpec
from pipelines.sync.certificate import ResourceCertificate
from pipelines.sync.steps_back import StepsBack


def _orders(here: FastWorld, shop: Shop, minutes: float = 5) -> ResourceCertificate:
    here.clock.sleep(60 * minutes)
    return here.sync(between=shop).resources["orders"]


@contextmanager
def _busy_shop(folder: Path, *, has_total: bool = True) -> Iterator[tuple[FastWorld, Shop]]:
    """Give a shop with two orders of this hour, of which all is stored."""
    with fast_world(folder, 0) as here:
        shop = Shop(here, has_total=has_total)
        for hours in (*range(150, 0, -1), 0.2, 0.1):
            shop.add_order(hours, "processing")
        assert _orders(here, shop).outcome == "complete"
        yield here, shop


@pytest.mark.parametrize("has_total", [True, False])
def test_what_a_copy_lacks_that_lags_is_not_marked_as_deleted(
    has_total: bool, tmp_path: Path
) -> None:
    """The newest orders would be gone, under the word complete, until the copy has them."""
    with _busy_shop(tmp_path, has_total=has_total) as (here, shop):
        shop.orders, master = shop.orders[:-2], shop.orders
        for _ in range(2):
            lagging = _orders(here, shop)
            assert lagging.outcome == "partial", lagging.evidence
            assert not here.stored("orders", deleted=True)
        shop.orders = master
        shop.add_order()
        assert [_orders(here, shop).outcome for _ in range(2)][-1] == "complete"
        assert len(here.stored("orders")) == 153


@pytest.mark.parametrize("has_total", [True, False])
def test_the_newest_order_is_believed_to_be_gone_after_an_hour(
    has_total: bool, tmp_path: Path
) -> None:
    """A shop that deletes its newest order would never be complete again."""
    with _busy_shop(tmp_path, has_total=has_total) as (here, shop):
        gone = shop.orders.pop()
        assert _orders(here, shop, 60).outcome == "complete"
        assert here.stored("orders", deleted=True).keys() == {gone["order_id"]}


def test_an_order_that_is_not_the_newest_is_believed_to_be_gone_at_once(tmp_path: Path) -> None:
    """Who deletes an order of this hour would wait for an hour where nothing is in doubt."""
    with _busy_shop(tmp_path) as (here, shop):
        gone = shop.orders.pop()
        shop.add_order()
        assert _orders(here, shop).outcome == "complete"
        assert here.stored("orders", deleted=True).keys() == {gone["order_id"]}


def test_a_list_that_stands_still_beside_fresh_events_is_not_complete(tmp_path: Path) -> None:
    """Who syncs every six hours would be told that orders are complete which are old."""
    with _busy_shop(tmp_path) as (here, shop):
        here.clock.sleep(3 * 3_600)
        shop.add_log(0, shop.orders[10]["order_id"], "shipped")
        for _ in range(2):
            orders = _orders(here, shop, 180)
            assert orders.outcome == "partial"
            assert "events tell of 1 order" in str(orders.reason)
        shop.orders[10]["status"] = "shipped"
        assert [_orders(here, shop).outcome for _ in range(2)][-1] == "complete"


def test_an_order_that_was_put_back_in_time_does_not_make_the_list_stand_still(
    tmp_path: Path,
) -> None:
    """An old event that the list contradicts would be held against it for a day."""
    with _busy_shop(tmp_path) as (here, shop):
        here.clock.sleep(3 * 3_600)
        shop.add_log(0, shop.orders[10]["order_id"], "shipped")  # and put back since
        shop.orders[11]["status"] = "shipped"
        here.clock.sleep(60)
        shop.add_log(0, shop.orders[11]["order_id"], "shipped")
        assert [_orders(here, shop, 90).outcome for _ in range(2)][-1] == "complete"


@pytest.mark.parametrize("has_total", [True, False])
def test_a_mass_is_believed_when_a_later_scan_lacks_the_same(
    has_total: bool, tmp_path: Path
) -> None:
    """A list that is cut here, and elsewhere hours later, would delete what both leave out."""
    with _busy_shop(tmp_path, has_total=has_total) as (here, shop):
        whole = shop.orders
        for left, outcome in ((14, "partial"), (9, "partial"), (9, "complete")):
            here.clock.sleep(7 * 3_600)
            shop.orders = whole[:left]
            orders = here.sync(between=shop, full=True).resources["orders"]
            assert orders.outcome == outcome, orders.reason


def _two_copies(shop: Shop, order: str, seconds: float) -> Between:
    """Answer from a copy until it has shown an order, then from one that is behind."""
    row, was_shown = next(row for row in shop.orders if row["order_id"] == order), [False]

    def answer(request: httpx.Request, ask: Callable[[httpx.Request], httpx.Response]) -> Any:
        shop.here.clock.sleep(seconds)
        row["status"] = "shipped" if was_shown[0] else "delivered"
        answered = shop(request, ask)
        was_shown[0] |= order in answered.text
        return answered

    return answer


#: Days since all was loaded, if it was; whether all is scanned; and how many orders are newer.
_STORIES = {
    "counted further on": (1, False, 0),
    "a first load": (None, False, 0),
    "a scan of a known list": (1, True, 0),
    "read again once it was proven": (20, False, 120),
}


# After 130 seconds what was read is stored at once.
@pytest.mark.parametrize(("has_total", "seconds"), [(True, 1), (True, 130), (False, 1)])
@pytest.mark.parametrize("story", _STORIES)
def test_an_order_that_the_same_sync_saw_further_on_is_not_complete(
    story: str, has_total: bool, seconds: float, tmp_path: Path
) -> None:
    """An order would be stored as shipped, under the word complete, that was seen delivered."""
    days, full, newer = _STORIES[story]
    with engine_world(tmp_path, 0) as here:
        shop = Shop(here, has_total=has_total)
        order = [shop.add_order(999 - n, "delivered") for n in range(9)][-1]
        shop.orders[-1]["status"] = "shipped"
        for n in range(newer):
            shop.add_order(500 - n, "shipped")
        if days is not None:
            _orders(here, shop)
            here.clock.sleep(86_400 * days)
        lagging = here.sync(between=_two_copies(shop, order, seconds), full=full)
        assert "1 orders further on" in str(lagging.resources["orders"].reason)
        assert here.stored("orders")[order]["status"] == "shipped"
        shop.orders[8]["status"] = "delivered"
        assert [_orders(here, shop).outcome for _ in range(2)][-1] == "complete"
        assert here.stored("orders")[order]["status"] == "delivered"


def test_an_order_that_was_put_back_is_complete_after_the_next_sync(tmp_path: Path) -> None:
    """A shop that puts an order back would be held for a copy that lags, for ever."""
    with engine_world(tmp_path, 0) as here:
        shop = Shop(here)
        order = shop.add_order(999, "shipped")
        _orders(here, shop)
        here.clock.sleep(60)
        assert here.sync(between=_two_copies(shop, order, 1)).resources["orders"].reason
        assert _orders(here, shop).outcome == "complete"
        assert here.stored("orders")[order]["status"] == "shipped"


@pytest.mark.parametrize(
    ("spec", "looks", "is_behind"),
    [
        (ORDERS_LIST, "shipped delivered", False),
        (ORDERS_LIST, "delivered shipped", True),
        (ORDERS_LIST, "delivered shipped delivered", False),
        (ORDERS_LIST, "cancelled shipped delivered", True),
        (ORDERS_LIST, "processing paid", False),
        (ORDERS_LIST, "delivered lost shipped", True),
        (ORDERS_LIST, "delivered lost", False),
        (ORDERS_LIST, "lost shipped", False),
        (ORDERS_LIST, "*delivered shipped", False),
        (ORDERS_LIST, "shipped *delivered processing", True),
        (ORDERS_LIST, "delivered shipped *delivered", False),
        (WEBHOOK_LOGS_LIST, "failed retrying sent", False),
        (WEBHOOK_LOGS_LIST, "pending failed pending", False),
        (WEBHOOK_LOGS_LIST, "retrying pending", True),
        (WEBHOOK_LOGS_LIST, "sent failed", True),
    ],
)
def test_only_looks_at_a_list_that_falls_back_tell_of_a_copy_that_lags(
    spec: ListSpec, looks: str, is_behind: bool
) -> None:
    """A delivery that is tried again by hand, or an event ("*"), would take the certificate."""
    steps = StepsBack({spec.name: spec})
    rows = [
        {"status": look.strip("*"), "_origin": "event" if look[0] == "*" else "list"}
        for look in looks.split()
    ]
    for earlier, row in pairwise(rows):
        steps.compare(spec.name, "x", earlier, row)
    assert bool(steps.behind[spec.name]) is is_behind
