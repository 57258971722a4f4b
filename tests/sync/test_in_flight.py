"""Several requests at a time: as fast as the limits allow, and the same rows."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from fast import engine_world, fast_world
from liar import Ask
from shop import Shop
from sync_world import world

from pipelines.sandbox import Behaviour, Limits


@pytest.mark.parametrize("sort", ["newest_first", "oldest_first", "unsorted"])
def test_pages_in_flight_lose_nothing_while_the_list_moves(sort: str, tmp_path: Path) -> None:
    """A page that was asked early would be taken for one that continues another moment's list."""
    behaviour = Behaviour(sort=sort, page_clamp=20)  # type: ignore[arg-type]  # one of its words
    with world(tmp_path, 140, behaviour=behaviour, limits=Limits.off()) as here:
        here.settings = replace(here.settings, requests_in_flight=4)
        moves, lock = iter(range(10**6)), threading.Lock()

        def move(_: object) -> None:
            with lock:
                if next(moves) % 7 == 3 and here.sandbox.requests.count < 40:
                    here.sandbox.changes.add_orders(3)

        here.sandbox.before_request = move
        first = here.sync()
        here.sandbox.before_request = None
        for name in ("orders", "webhook_logs"):
            as_of = first.resources[name].complete_as_of
            if as_of is not None:
                then, now = here.truth(name, as_of.timestamp() - 0.001), here.truth(name)
                assert not (then.keys() & now.keys()) - here.stored(name).keys()
        here.clock.sleep(86_400)
        result = here.sync()
        here.assert_exact("orders", "webhook_logs")
        assert result.requests + first.requests == here.sandbox.requests.count


class Busy:
    """Stands before the API, and notes how many requests of a list are there at once, and which."""

    def __init__(self) -> None:
        self.most: Counter[str] = Counter()
        self.ahead: list[str] = []
        self._here: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._one_at_a_time = threading.Lock()

    def __call__(self, request: httpx.Request, ask: Ask) -> httpx.Response:
        """Take some time for each answer."""
        path = request.url.path
        with self._lock:
            self._here[path] += 1
            self.most[path] = max(self.most[path], self._here[path])
            if self._here[path] > 1:
                self.ahead.append(request.url.query.decode())
        time.sleep(0.005)
        try:
            with self._one_at_a_time:
                return ask(request)
        finally:
            with self._lock:
                self._here[path] -= 1


def test_a_scan_asks_for_several_pages_at_once_and_nothing_else_does(tmp_path: Path) -> None:
    """The setting would do nothing; or equal numbers would prove orders of different moments."""
    with fast_world(tmp_path, 450, {"page_clamp": 50}) as here:
        first = Busy()
        result = here.sync(between=first, in_flight=4)
        assert result.outcome == "complete"
        assert sorted(first.most.values()) == [4, 4]
        assert not any("status=" in query for query in first.ahead)
        here.assert_exact()
        asked = here.sandbox.requests.count
        parts = [result.resources[name] for name in ("orders", "webhook_logs")]
        assert sum(part.requests for part in parts) == result.requests == asked
        alone = here.sync(full=True).requests
        assert asked <= alone + 2, "pages are asked for in vain"
        here.clock.sleep(600)
        here.sandbox.changes.churn(15, 40)
        here.clock.sleep(5)
        then = Busy()
        assert here.sync(between=then, in_flight=4).outcome == "complete"
        assert set(then.most.values()) == {1}


@pytest.mark.parametrize("status", [403, 500])
def test_a_fault_of_an_early_page_is_met_in_its_turn(status: int, tmp_path: Path) -> None:
    """It would end the scan before the pages in front of it are read, or be taken for an end."""
    with engine_world(tmp_path, 600) as here:
        busy, refused = Busy(), list[httpx.Request]()

        def between(request: httpx.Request, ask: Ask) -> httpx.Response:
            if request.url.params.get("offset") == "490" and not refused:
                refused.append(request)
                return httpx.Response(status, json={})
            return busy(request, ask)

        assert here.sync(between=between, in_flight=4).outcome == "complete"
        assert refused
        here.assert_exact()


def test_a_page_that_is_asked_for_again_is_not_overwritten_by_an_older_one(
    tmp_path: Path,
) -> None:
    """What changed between two requests would stay in the table as the earlier one showed it."""
    with fast_world(tmp_path, 0) as here:
        shop = Shop(here)
        for hours in range(400, 0, -1):
            shop.add_order(hours, "processing")
        moved = shop.orders[-1 - 295]  # the last row of the one page, and the second of the next
        later_is_there, failed = threading.Event(), list[str]()

        def between(request: httpx.Request, ask: Ask) -> httpx.Response:
            offset = request.url.params.get("offset")
            if "/orders" in request.url.path and offset == "196" and not failed:
                failed.append(offset)
                assert later_is_there.wait(5)
                moved.update(total_amount="99.00")
                return httpx.Response(500, json={})
            response = shop(request, ask)
            if "/orders" in request.url.path and offset == "294":
                later_is_there.set()
            return response

        here.sync(between=between, in_flight=4)
        assert failed
        assert here.stored("orders")[moved["order_id"]]["total_amount"] == 99


def test_a_budget_holds_with_pages_in_flight(tmp_path: Path) -> None:
    """Pages that nobody came to would be asked beyond what the run was given."""
    with world(tmp_path, 120, behaviour=Behaviour(page_clamp=20), limits=Limits.off()) as here:
        here.settings = replace(here.settings, requests_in_flight=4)
        for _ in range(9):
            before = here.sandbox.requests.count
            result = here.sync(budget=11)
            assert here.sandbox.requests.count - before <= 11
            if result.outcome == "complete":
                break
        assert result.outcome == "complete"
        here.assert_exact()
