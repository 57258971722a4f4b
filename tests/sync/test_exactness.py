"""After a sync of a world that stands still, the warehouse is the truth, in every shape."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from fast import engine_world
from sync_world import World, world, write_ledger
from thorough import THOROUGH

from pipelines.sandbox import Behaviour, Limits

SHAPES: dict[str, dict[str, Any]] = {
    "full": {},
    "minimal": {"fields": "minimal"},
    "camel": {"case": "camel", "envelope": "data", "order_id_field": "id", "log_id_field": "id"},
    "paid": {"paid_status": "paid", "money": "text", "envelope": "success"},
    "oldest first": {"sort": "oldest_first"},
    "oldest first, clamped": {"sort": "oldest_first", "page_clamp": 20},
    "clamped": {"page_clamp": 20},
    "unsorted": {"sort": "unsorted"},
    "filters ignored": {"filters": "ignored"},
    "filters refused": {"filters": "refused"},
    "total of all rows": {"total": "all"},
    "no total": {"total": "missing"},
    "no payload": {"payload": "none"},
    "payload as text": {"payload": "text"},
    "no log times": {"log_times": "none"},
    "only created": {"log_times": "created"},
    "neither payload nor times": {"payload": "none", "log_times": "none"},
    "no order times": {"order_times": False},
}
#: Shapes whose feed and counts prove everything at once.
CHEAP = {
    *("full", "minimal", "camel", "paid", "oldest first", "oldest first, clamped", "clamped"),
    *("payload as text", "only created", "no order times", "no payload"),
}
#: Shapes that are loaded by dlt: how rows are merged depends on none of them.
LOADED = {"full", "neither payload nor times"}


def change(here: World) -> None:
    """Let a busy hour pass: new orders, moves, cancellations, retries."""
    changes = here.sandbox.changes
    changes.churn(15, 40)
    orders = [key for key, row in here.truth("orders").items() if row["status"] == "pending"]
    changes.cancel(orders[:3])
    changes.move(orders[3:6], "shipped", log=False)
    failed = [k for k, row in here.truth("webhook_logs").items() if row["status"] == "failed"]
    changes.retry_logs(failed[:2], taken=True)
    changes.resend_logs(failed[2:4])


def _world(shape: str, folder: Path) -> AbstractContextManager[World]:
    if shape in LOADED:
        return world(folder, 70, behaviour=Behaviour(**SHAPES[shape]), limits=Limits.off())
    return engine_world(folder, 80, SHAPES[shape], after_start=True)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_is_followed(shape: str, tmp_path: Path) -> None:
    """In one of the shapes that the API may have, rows would be missing, stale or wrong."""
    with _world(shape, tmp_path) as here:
        here.sync()
        here.assert_exact()
        for _ in range(1 if shape in LOADED and not THOROUGH else 2):
            here.clock.sleep(5 * 3600)
            change(here)
            write_ledger(here.sandbox, tmp_path)
            here.clock.sleep(1.0)
            result = here.sync()
            if shape in CHEAP:
                assert result.outcome == "complete", {
                    name: part.reason for name, part in result.resources.items()
                }
            here.clock.sleep(86_400)
            write_ledger(here.sandbox, tmp_path)
            here.sync()
            here.assert_exact()


def test_a_lost_event_does_not_leave_a_step_without_its_time(tmp_path: Path) -> None:
    """An order whose payment no webhook told of would never get the time of its payment."""
    with engine_world(tmp_path, 60) as here:
        changes = here.sandbox.changes
        told, half_told = changes.add_orders(2, lives=False)
        changes.add_orders(250, status="shipped", lives=False)  # nobody meets the two by chance
        here.clock.sleep(5)
        here.sync()
        for order, log in ((told, True), (half_told, False)):
            here.clock.sleep(600)
            changes.move(order, "processing", log=log)
            here.clock.sleep(600)
            changes.move(order, "shipped")
            here.clock.sleep(5)
            here.sync()
            here.assert_exact()


@pytest.mark.parametrize("wrong", ["nothing", "the page", "too many"])
def test_a_total_that_is_wrong_does_not_keep_rows_away(wrong: str, tmp_path: Path) -> None:
    """A first load would end after some thirty pages, and begin anew at each sync."""

    def lie(answer: dict[str, Any]) -> None:
        rows = answer.get("orders", answer.get("logs", ()))
        lies = {"nothing": 0, "the page": len(rows), "too many": answer["total"] + 3}
        answer["total"] = lies[wrong]

    with engine_world(tmp_path, 700, {"page_clamp": 20}, webhooks=False) as here:
        here.sync(lie=lie)
        here.assert_exact()
        here.clock.sleep(60)
        new = here.sandbox.changes.add_orders(1)
        here.clock.sleep(5)
        result = here.sync(lie=lie)
        assert result.requests <= 20, "the whole list is read again"
        assert result.outcome == "partial"
        assert set(new) <= here.stored("orders").keys()


def test_one_empty_answer_deletes_nothing(tmp_path: Path) -> None:
    """An accident at the API's side would mark every order that was ever sold as deleted."""

    def lie(answer: dict[str, Any]) -> None:
        for name in ("orders", "logs"):
            if name in answer:
                answer |= {name: [], "total": 0}

    with engine_world(tmp_path, 150) as here:
        here.sync()
        here.clock.sleep(600)
        for _ in range(2):
            result = here.sync(lie=lie, full=True)
            assert "the list is empty" in str(result.resources["orders"].reason)
            here.assert_exact()
            here.clock.sleep(600)
        assert here.sync(full=True).outcome == "complete"
        here.assert_exact()
        for _ in range(2):
            result = here.sync(lie=lie, full=True)
            here.clock.sleep(3_600)
        assert result.outcome == "complete"
        assert not here.stored("orders")
