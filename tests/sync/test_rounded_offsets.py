"""An API that turns offsets into page numbers: it answers with the page that the place is on."""

from __future__ import annotations

from pathlib import Path

import pytest
from fast import fast_world
from shop import Shop

from pipelines.sync.page_size import PageSize


class Paged(Shop):
    """Rounds an offset down to whole pages of as many rows as it gives."""

    def first(self, offset: int, limit: int) -> int:
        """Return the page's first place."""
        rows = min(limit, self.most)
        return offset // rows * rows


@pytest.mark.parametrize(("most", "has_total"), [(100, True), (100, False), (20, True)])
def test_offsets_that_are_rounded_are_learned(most: int, has_total: bool, tmp_path: Path) -> None:
    """A list of several pages would never be complete: each overlap brings the page before."""
    with fast_world(tmp_path, 0) as here:
        shop = Paged(here, most=most, has_total=has_total)
        for n in range(250):
            shop.add_order(500 - n, "delivered" if n % 3 else "processing")
        first = here.sync(between=shop).resources["orders"]
        assert first.outcome == "complete", first.reason
        assert first.requests <= (2 - has_total) * 1.35 * 250 / most + 12
        for _ in range(3):
            here.clock.sleep(3_600)
            for row in shop.orders[60:220:37]:
                row["status"] = "delivered"
            del shop.orders[130]
            shop.add_order(0.5)
            orders = here.sync(between=shop).resources["orders"]
            assert orders.outcome == "complete", orders.reason
            told = {row["order_id"]: row["status"] for row in shop.orders}
            assert {key: row["status"] for key, row in here.stored("orders").items()} == told


def test_short_pages_that_come_again_teach_nothing() -> None:
    """A row that comes between two answers would be taken for rounding, and end all progress."""
    size = PageSize()
    assert not size.learn(None, 0, ["a", "b"])
    assert not size.learn(None, 1, ["a", "b"])
    assert size.window(1) == (1, 100)


def test_a_list_that_was_short_is_read_in_longer_pages_later() -> None:
    """A list that was learned to be rounded when it had twelve rows would be read by twelves."""
    size, rows = PageSize(), [str(n) for n in range(100)]
    size.learn(None, 0, rows[:12])
    assert size.learn(None, 10, rows[:12])
    assert size.window(24) == (24, 12)
    size.learn(None, 0, rows)
    assert size.window(100) == (100, 100)
