"""A machine whose clock is minutes away from the server's loads and proves as any other."""

from __future__ import annotations

import sys
from pathlib import Path

import httpx
from fast import engine_world

from pipelines.clock import ManualClock
from pipelines.lists import ORDERS_LIST
from pipelines.sync.ahead import fetch_by

sys.path.append(str(Path(__file__).parents[1] / "hostile"))
from hostile_server import START, date, saying

DIFFERENCE = 1_200.0


def costs(folder: Path, skew: float) -> list[int]:
    """Sync twice, both times complete; return the requests that each took."""
    took = []
    with engine_world(folder, 250) as here:
        here.sandbox.skew = skew
        for _ in range(2):
            result = here.sync()
            parts = {name: part.reason for name, part in result.resources.items()}
            assert result.outcome == "complete", parts
            took.append(result.requests)
            here.clock.sleep(600)
        here.assert_exact()
    return took


def test_a_steady_difference_costs_two_requests_once(tmp_path: Path) -> None:
    """No sync would ever prove anything, and call rows deleted that its first answers had."""
    first, *later = costs(tmp_path / "right", 0.0)
    for name, skew in (("ahead", -DIFFERENCE), ("behind", DIFFERENCE)):
        assert costs(tmp_path / name, skew) == [first + 2, *later], name


def test_a_cache_that_says_nothing_is_not_taken_for_the_servers_clock() -> None:
    """What it kept of one address would agree with itself, and pass for an answer of now."""
    clock = ManualClock(START)

    def answer(request: httpx.Request) -> httpx.Response:
        kept = DIFFERENCE if request.url.params["limit"] == "100" else 0.0
        clock.sleep(0.2)
        return httpx.Response(200, json={"orders": []}, headers={"date": date(START - kept)})

    with saying(answer, clock) as client:
        page = fetch_by(client)(ORDERS_LIST, offset=0, limit=100, status=None)
        assert abs(page.age_seconds - DIFFERENCE) < 5
        assert abs(client.server_offset_seconds) < 5
