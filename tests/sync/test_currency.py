"""What is newer is never lost to what is older, and nothing open is forgotten."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fast import FastWorld, engine_world

DAY = 86_400.0


@pytest.mark.parametrize("sort", ["newest_first", "oldest_first"])
def test_a_server_clock_that_is_set_back_hides_nothing(sort: str, tmp_path: Path) -> None:
    """Rows would be dropped as older than what is stored, and certified all the same."""
    with engine_world(tmp_path, 300, {"sort": sort}) as here:
        here.sandbox.skew = 900.0
        here.sync()
        here.clock.sleep(60)
        here.sandbox.skew = 0.0
        pending = [k for k, row in here.truth("orders").items() if row["status"] == "pending"]
        here.sandbox.changes.move(pending, "processing", log=False)
        here.sandbox.changes.add_orders(150)
        here.clock.sleep(60)
        result = here.sync()
        assert result.outcome == "complete"
        here.assert_exact()


def test_a_delivery_in_a_state_that_nobody_has_told_of_is_read_again(tmp_path: Path) -> None:
    """A log that was `queued` when it was met would stay so for ever."""
    queued: list[str] = []

    def lie(answer: dict[str, Any]) -> None:
        for row in answer.get("logs", ()):
            if row["webhook_log_id"] in queued:
                row["status"] = "queued"

    with engine_world(tmp_path, 300, attempt_failure=0.0) as here:
        here.sync()
        before = here.truth("webhook_logs").keys()
        here.sandbox.changes.add_orders(1, lives=False)
        queued += here.truth("webhook_logs").keys() - before
        here.clock.sleep(10)
        here.sandbox.changes.add_orders(150, lives=False)
        here.clock.sleep(10)
        here.sync(lie=lie)
        here.clock.sleep(600)
        here.sandbox.changes.add_orders(60, lives=False)
        here.clock.sleep(10)
        result = here.sync()
        assert result.outcome == "complete"
        here.assert_exact()


def test_deliveries_that_hang_for_good_do_not_eat_the_quota(tmp_path: Path) -> None:
    """Each page that holds one would be read again, four times a day, for ever."""
    with engine_world(tmp_path, 500, {"page_clamp": 35}) as here:
        hanging = sorted(here.truth("webhook_logs"))[::50]
        hang(here, hanging)
        here.sync()
        for _ in range(2):
            here.clock.sleep(DAY / 3)
            logs = here.sync().resources["webhook_logs"]
            assert logs.requests <= 30
            assert logs.outcome == "complete", logs.reason
        here.sandbox.changes.retry_logs(hanging[::40], taken=True)
        here.clock.sleep(60)
        assert here.sync().outcome == "complete"
        here.assert_exact()


def hang(here: FastWorld, log_ids: list[str]) -> None:
    """Let the vendor never try again to deliver these."""
    world = here.sandbox.world
    rows = here.sandbox.changes._logs(log_ids)
    world.logs["until"][rows] = world.logs["created"][rows]
    world.revision += 1
