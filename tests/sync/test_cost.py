"""What a sync may cost in a world that does not hold still, or that forgets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fast import FastWorld, engine_world, fast_world

from pipelines.progress import Event, Planned
from pipelines.sandbox import Request

DAY = 86_400.0


def keep_for(here: FastWorld, days: float) -> int:
    """Let the API drop the logs that are older than so many days; return how many."""
    until = here.clock.now() - days * DAY
    logs = here.truth("webhook_logs").items()
    old = [key for key, row in logs if row["created_at"].timestamp() < until]
    here.sandbox.changes.delete_logs(old)
    return len(old)


def missing(here: FastWorld, table: str) -> list[str]:
    """Return where the warehouse differs, but for rows that the API has dropped."""
    return [text for text in here.differences(table) if "not there any more" not in text]


@pytest.mark.parametrize("sort", ["newest_first", "oldest_first"])
def test_rows_that_come_meanwhile_do_not_multiply_the_young_end(sort: str, tmp_path: Path) -> None:
    """A busy partner's day would be read three times, and then the whole list."""
    with engine_world(tmp_path, 300, {"sort": sort}) as here:
        here.sync()
        here.clock.sleep(3600)
        here.sandbox.changes.churn(200, 800)
        here.clock.sleep(5)

        def one_more(_: Request) -> None:
            here.clock.sleep(0.5)
            here.sandbox.changes.add_orders(1)

        here.sandbox.before_request = one_more
        logs = here.sync().resources["webhook_logs"]
        assert logs.detail["requests_by_purpose"]["head"] <= 1.1 * logs.rows_new / 98 + 6
        assert logs.outcome == "complete", logs.reason


@pytest.mark.parametrize("sort", ["newest_first", "oldest_first"])
def test_between_two_walks_the_young_end_is_read_once(sort: str, tmp_path: Path) -> None:
    """Without counts, each sync would read all since the last walk, or nothing new at all."""
    habits = {"sort": sort, "filters": "ignored", "page_clamp": 20}
    with engine_world(tmp_path, 180, habits, webhooks=False) as here:
        here.sync()
        for _ in range(4):
            here.clock.sleep(200)
            here.sandbox.changes.add_orders(30, lives=False)
            here.clock.sleep(5)
            result = here.sync()
            assert len(here.stored("orders")) == len(here.truth("orders"))
        assert result.resources["orders"].detail["requests_by_purpose"]["head"] <= 4


@pytest.mark.parametrize("habits", [{}, {"sort": "oldest_first"}, {"page_clamp": 50}])
def test_logs_that_are_dropped_after_a_while_need_no_walk(
    habits: dict[str, Any], tmp_path: Path
) -> None:
    """Each sync would walk the whole list of logs again, because some have left it."""
    with engine_world(tmp_path, 600, habits, days=40) as here:
        keep_for(here, 14)
        here.sync()
        for _ in range(3):
            here.clock.sleep(DAY / 4)
            here.sandbox.changes.churn(20, 60)
            assert keep_for(here, 14) > 10
            failed = [k for k, r in here.truth("webhook_logs").items() if r["status"] == "failed"]
            here.sandbox.changes.retry_logs(failed[:1], taken=True)
            here.clock.sleep(5)
            logs = here.sync().resources["webhook_logs"]
            assert logs.evidence == "counts equal", logs.reason
            assert logs.requests <= 20
            assert missing(here, "webhook_logs") == []
        here.assert_exact("orders")


def test_a_month_without_a_sync_costs_what_came_in_it(tmp_path: Path) -> None:
    """No log of before is left: the list would be read three times over."""
    with engine_world(tmp_path, 600, {"page_clamp": 50}, days=40) as here:
        keep_for(here, 14)
        here.sync()
        here.clock.sleep(30 * DAY)
        here.sandbox.changes.churn(300, 900)
        keep_for(here, 14)
        here.clock.sleep(5)
        logs = here.sync().resources["webhook_logs"]
        assert logs.outcome == "complete", logs.reason
        assert logs.requests <= 1.2 * len(here.truth("webhook_logs")) / 48 + 10
        assert missing(here, "webhook_logs") == []
        here.assert_exact("orders")


def test_deleted_orders_do_not_hide_new_ones(tmp_path: Path) -> None:
    """Oldest first, the young end stands nearer than the known rows say: none would be read."""
    with fast_world(tmp_path, 900, {"sort": "oldest_first"}) as here:
        here.sync()
        here.clock.sleep(600)
        here.sandbox.changes.delete_orders(sorted(here.truth("orders"))[:20])
        new = here.sandbox.changes.add_orders(5)
        here.clock.sleep(5)
        here.sync(budget=15)  # too little for the walk that marks what is gone
        assert set(new) <= here.stored("orders").keys()


@pytest.mark.parametrize("orders", [0, 5, 90, 400])
@pytest.mark.parametrize("total", ["filtered", "missing"])
def test_a_plan_tells_what_a_sync_takes(orders: int, total: str, tmp_path: Path) -> None:
    """Who watches would read of no request at all, or of half of them."""
    plans: list[Planned] = []

    def listen(event: Event) -> None:
        plans.extend([event] if isinstance(event, Planned) else [])

    with engine_world(tmp_path, orders, {"total": total}) as here:
        for is_first in (True, False):
            here.clock.sleep(30 * 60)
            took = here.sync(listener=listen).requests
            told = plans.pop().requests
            if total == "filtered":
                assert told is not None
                assert abs(took - told) <= 4
            else:
                assert (told is None) is is_first  # no answer says how long the list is
