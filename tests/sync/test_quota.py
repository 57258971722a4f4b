"""The quota is never overrun and never wasted, over as many days as a load takes."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from fast import engine_world
from liar import Ask
from sync_world import START, World, settings_for, world, write_ledger
from thorough import THOROUGH

from pipelines.client import Page
from pipelines.client.errors import AnswerTooLarge, RateLimited
from pipelines.client.governor import Limit
from pipelines.client.wire import V1_0
from pipelines.clock import ManualClock
from pipelines.lists import ORDERS_LIST
from pipelines.progress import Waiting
from pipelines.sandbox import (
    DEFAULT_KEY,
    Behaviour,
    Limits,
    Sandbox,
    SandboxConfig,
    WorldOptions,
)
from pipelines.source.parse import Parser
from pipelines.source.privacy import Privacy
from pipelines.source.pseudonyms import Keys
from pipelines.sync.asking import Asking
from pipelines.sync.list_stats import ListStats
from pipelines.sync.protocol import PageRequest

DAY = 86_400.0


@pytest.mark.parametrize(
    ("window", "skew"),
    [("fixed", -240.0), ("fixed", 240.0), ("sliding", -240.0), ("sliding", 240.0)],
)
def test_a_long_load_meets_no_refusal(window: str, skew: float, tmp_path: Path) -> None:
    """A load would take requests that the partner's shop needs, or run into the limit."""
    limits = Limits(window=window, production_per_minute=6.0)  # type: ignore[arg-type]
    config = SandboxConfig(
        world=WorldOptions(orders=300),
        behaviour=Behaviour(page_clamp=12),
        limits=limits,
        skew=skew,
    )
    clock = ManualClock(START)
    sandbox = Sandbox(config, clock=clock)
    write_ledger(sandbox, tmp_path)
    with sandbox.serve() as server:
        here = World(sandbox, clock, settings_for(server.base_url, tmp_path))
        began = clock.now()
        result = here.sync()
        minutes = (clock.now() - began) / 60
        assert sandbox.requests.by_status[429] == 0
        assert sandbox.meter.shop_refused == 0
        assert result.requests > 100, "the load is too short to tell"
        assert minutes <= result.requests / 40 + 1, "the pace is not kept"


def test_no_run_exceeds_its_budget(tmp_path: Path) -> None:
    """A run would take more of the quota than it was given; or the ledger would wait for it."""
    with world(tmp_path, 200, limits=Limits.off()) as here:
        for budget in (0, 1, 2, 3, 5, 7, 4, 1, 9) if THOROUGH else (0, 1, 3, 7):
            here.sandbox.requests.clear()
            result = here.sync(budget=budget)
            assert here.sandbox.requests.count == result.requests <= budget


@pytest.mark.parametrize("in_flight", [1, 4])
@pytest.mark.parametrize("budget", [None, 20])
def test_certificates_count_every_request(
    in_flight: int, budget: int | None, tmp_path: Path
) -> None:
    """The next run would take the day's quota for larger than it is, and run into its end."""
    with engine_world(tmp_path, 400) as here:
        asked, lock = [0], threading.Lock()

        def between(request: httpx.Request, ask: Ask) -> httpx.Response:
            with lock:
                asked[0] += 1
                if asked[0] % 3 == 0 or request.url.params.get("offset") == "98":
                    return httpx.Response(500, json={})
                return ask(request)

        result = here.sync(between=between, in_flight=in_flight, budget=budget)
        parts = [result.resources[name] for name in ("orders", "webhook_logs")]
        assert sum(part.requests for part in parts) == result.requests == asked[0]
        for part in parts:
            assert sum(part.detail["requests_by_purpose"].values()) == part.requests


def test_a_history_of_some_days_quota_takes_those_days(tmp_path: Path) -> None:
    """A load that begins anew each day, or reads much twice, would never be done."""
    quota = 50
    contract = replace(V1_0, limits=(V1_0.limits[0], Limit("day", 86_400, quota)))
    limits = Limits(per_long=quota)
    pages, orders = (100, 4_000) if THOROUGH else (50, 1_200)
    habits = Behaviour(page_clamp=pages)
    with world(tmp_path, orders, behaviour=habits, limits=limits, contract=contract) as here:
        result = here.sync()
        while result.outcome != "complete":
            assert result.exit_code == 3
            assert len(here.certificates) < 12
            here.clock.sleep(DAY - here.clock.now() % DAY + 60)
            write_ledger(here.sandbox, tmp_path)
            result = here.sync()
        here.assert_exact("orders", "webhook_logs")  # sessions came while it waited
        rows = len(here.truth("orders")) + len(here.truth("webhook_logs"))
        requests = sum(result.requests for result in here.certificates)
        assert requests == here.sandbox.requests.count
        again = 3 * len(here.certificates)  # where each goes on
        assert requests <= 1.1 * rows / (pages - 2) + again
        days = (here.clock.now() - START.timestamp()) / DAY
        assert days <= requests / (quota * 0.8) + 1.5  # it is asked at midnight, and begins at noon
        assert here.sandbox.requests.by_status[429] == 0


def test_others_read_while_the_limits_are_waited_for(tmp_path: Path) -> None:
    """A first load of hours would keep every dashboard out until its end."""
    opened = []
    with world(tmp_path, 400, behaviour=Behaviour(page_clamp=20)) as here:
        path = str(here.settings.warehouse_path)

        def listen(event: object) -> None:
            if isinstance(event, Waiting) and event.seconds >= 1:
                look = "import duckdb, sys; duckdb.connect(sys.argv[1], read_only=True)"
                done = subprocess.run([sys.executable, "-c", look, path], check=False)
                opened.append(done.returncode)

        here.sync(listener=listen)
        assert opened
        assert not any(opened)
        here.assert_exact()


def test_looking_behind_a_bad_place_ends_for_limits_and_signals() -> None:
    """A refusal for the limits would be taken for a bad list; a signal would wait for the API."""
    asked: list[int] = []
    waited: list[int] = []

    def fetch(*_: object, offset: int, **__: object) -> Page:
        asked.append(offset)
        raise (AnswerTooLarge if offset else RateLimited)("no", request="GET /")

    def waiting(wait: Callable[[], Page]) -> Page:
        waited.append(len(asked))
        return wait()

    asking = Asking(
        fetch,
        {"orders": Parser("orders", Privacy("none", Keys.of_api_key(DEFAULT_KEY), ()))},
        {"orders": ListStats()},
        waiting=waiting,
        sent=lambda _: len(asked),
        room=lambda: 0,
        in_flight=1,
    )
    with pytest.raises(RateLimited):
        asking.ask(PageRequest(ORDERS_LIST, 50, "walk"))
    assert len(waited) == len(asked) > 1
