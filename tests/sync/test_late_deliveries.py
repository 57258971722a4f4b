"""Deliveries that settle when no timetable says so: the certificate never rests on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from fast import FastWorld, engine_world

from pipelines.sync import by_time

OPEN = {"pending", "retrying"}


def meet_open(here: FastWorld, status: str) -> set[str]:
    """Let a sync meet a delivery nine minutes old in a status which it leaves soon after."""
    here.sync()
    before = here.truth("webhook_logs").keys()
    here.sandbox.changes.add_orders(1, lives=False)
    late = here.truth("webhook_logs").keys() - before
    here.clock.sleep(540)
    here.sandbox.changes.add_orders(150, lives=False)
    here.clock.sleep(10)

    def lie(answer: dict[str, Any]) -> None:
        for row in answer.get("logs", ()):
            if row["webhook_log_id"] in late:
                row["status"] = status

    here.sync(lie=lie)
    assert {here.stored("webhook_logs")[key]["status"] for key in late} == {status}
    here.clock.sleep(600)
    return late


@pytest.mark.parametrize("status", sorted(OPEN))
@pytest.mark.parametrize("sort", ["newest_first", "oldest_first"])
def test_a_delivery_that_settles_between_the_steps_is_found(
    status: str, sort: str, tmp_path: Path
) -> None:
    """It would stay pending under three certificates, until the next step of the timetable."""
    with engine_world(tmp_path, 300, {"sort": sort}, attempt_failure=0.0) as here:
        meet_open(here, status)
        logs = here.sync().resources["webhook_logs"]
        assert (logs.outcome, logs.evidence) == ("complete", "counts equal"), logs.reason
        assert logs.requests <= 6
        here.assert_exact("webhook_logs")
        here.clock.sleep(60)
        assert here.sync().resources["webhook_logs"].requests == 2


def test_where_an_open_status_is_not_counted_its_rows_are_read(tmp_path: Path) -> None:
    """An API that does not know the word would be scanned whole whenever a delivery is open."""

    def refuse(request: httpx.Request) -> bool:
        return request.url.params.get("status") in OPEN

    with engine_world(tmp_path, 300, attempt_failure=0.0) as here:
        meet_open(here, "retrying")
        logs = here.sync(refuse=(refuse, 400)).resources["webhook_logs"]
        assert (logs.outcome, logs.evidence) == ("complete", "counts equal"), logs.reason
        here.assert_exact("webhook_logs")


def test_deliveries_that_are_due_and_not_read_are_no_proof(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a long pause, those beyond what a sync reads again would stay pending for good."""
    monkeypatch.setattr(by_time, "RECONCILE_REQUESTS", 1)
    habits = {"page_clamp": 7}
    with engine_world(tmp_path, 200, habits, days=2, attempt_failure=0.4, lost=0.0) as here:
        here.sync()
        here.clock.sleep(6 * 60)
        for _ in range(3):
            here.sandbox.changes.add_orders(25, lives=False)
            here.clock.sleep(240)
        here.sync()
        here.clock.sleep(3 * 3_600)
        logs = here.sync().resources["webhook_logs"]
        assert logs.detail["requests_by_purpose"]["settle"] == 2  # of many
        assert logs.outcome == "complete", logs.reason
        here.assert_exact("webhook_logs")
