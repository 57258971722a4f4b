"""Several requests at a time: as fast as the limits allow, and the same rows."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from sync_world import world

from pipelines.sandbox import Behaviour, Limits


@pytest.mark.parametrize("sort", ["newest_first", "oldest_first", "unsorted"])
def test_pages_in_flight_lose_nothing_while_the_list_moves(sort: str, tmp_path: Path) -> None:
    """A page that was asked early would be taken for one that continues another moment's list."""
    behaviour = Behaviour(sort=sort)  # type: ignore[arg-type]  # one of its words
    with world(tmp_path, 900, behaviour=behaviour, limits=Limits.off()) as here:
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


def test_counts_are_never_asked_ahead(tmp_path: Path) -> None:
    """Equal numbers prove equal orders only if they were asked one after the other."""
    at_once: list[int] = []
    with world(tmp_path, 400, limits=Limits.off()) as here:
        here.settings = replace(here.settings, requests_in_flight=4)
        here.sync()
        running, lock = [0], threading.Lock()

        def busy(_: object) -> None:
            with lock:
                running[0] += 1
                at_once.append(running[0])
            time.sleep(0.002)
            with lock:
                running[0] -= 1

        here.clock.sleep(60)
        here.sandbox.before_request = busy
        assert here.sync().outcome == "complete"
        assert max(at_once) == 1


def test_a_budget_holds_with_pages_in_flight(tmp_path: Path) -> None:
    """Pages that nobody came to would be asked beyond what the run was given."""
    with world(tmp_path, 900, limits=Limits.off()) as here:
        here.settings = replace(here.settings, requests_in_flight=4)
        for _ in range(9):
            before = here.sandbox.requests.count
            result = here.sync(budget=11)
            assert here.sandbox.requests.count - before <= 11
            if result.outcome == "complete":
                break
        assert result.outcome == "complete"
        here.assert_exact()
