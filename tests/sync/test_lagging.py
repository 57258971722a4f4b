"""A list that is read from a copy which lags: what it lacks is not gone, what it shows is old."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fast import FastWorld, fast_world
from shop import Shop

from pipelines.sync.certificate import ResourceCertificate


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
