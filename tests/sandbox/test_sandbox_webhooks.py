"""Webhook logs: the vendor's five attempts, and what goes wrong with events."""

from __future__ import annotations

import numpy as np
import pyarrow.compute as pc
import pytest

from pipelines.clock import ManualClock
from pipelines.sandbox import Sandbox, SandboxConfig, WorldOptions

START = 1_772_366_400.0
DAY = 86_400.0


def sandbox(**options: object) -> Sandbox:
    world = WorldOptions(orders=3_000, **options)  # type: ignore[arg-type]
    return Sandbox(SandboxConfig(world=world), clock=ManualClock(START))


def test_five_attempts_in_156_minutes() -> None:
    """A settled delivery could still change, or one under way would look settled."""
    world = sandbox(attempt_failure=1.0)
    last = world.truth.webhook_logs().to_pylist()[-1]
    created = last["created_at"].timestamp()

    def state(minutes: float, seconds: float) -> tuple[str, int]:
        logs = world.truth.webhook_logs(created + minutes * 60 + seconds)
        row = logs.filter(pc.equal(logs["webhook_log_id"], last["webhook_log_id"])).to_pylist()[0]
        return row["status"], row["attempts"]

    assert state(0, 0) == ("pending", 0)
    for attempt, minutes in enumerate((0, 1, 6, 36, 156), start=1):
        ended = ("failed" if attempt == 5 else "retrying", attempt)
        assert state(minutes, 5) == ended
        if minutes:
            assert state(minutes, -0.01) == ("retrying", attempt - 1)
    assert state(100_000, 0) == ("failed", 5)


def test_most_deliveries_succeed_and_some_need_several_attempts() -> None:
    """Webhook health would be all green, or all red."""
    logs = sandbox().truth.webhook_logs()
    status, attempts = np.asarray(logs["status"]), np.asarray(logs["attempts"])
    assert 0.97 < (status == "sent").mean() < 0.9999
    assert (status == "failed").any()
    assert 0.90 < (attempts[status == "sent"] == 1).mean() < 0.995
    assert set(attempts[status == "failed"]) == {5}
    assert (logs["delivered_at"].is_valid().to_numpy() == (status == "sent")).all()


def test_outages_make_failures_stand_together() -> None:
    """An outage would not be seen as one."""
    quiet, rough = sandbox(days_between_outages=0), sandbox(days_between_outages=1)
    share = [
        (np.asarray(world.truth.webhook_logs()["attempts"]) > 1).mean() for world in (quiet, rough)
    ]
    assert share[1] > 2 * share[0]


def test_every_event_has_one_log_row_unless_told_otherwise() -> None:
    """Gaps would be found where there are none."""
    world = sandbox(lost=0, late=0, repeated=0)
    events, logs = world.truth.events(), world.truth.webhook_logs()
    expected = zip(events["order_id"].to_pylist(), events["event"].to_pylist(), strict=True)
    got = zip(logs["order_id"].to_pylist(), logs["event_type"].to_pylist(), strict=True)
    assert sorted(expected) == sorted(got)
    assert logs["created_at"] == logs["event_at"]


def test_lost_late_and_repeated_events() -> None:
    """Gaps, late and repeated events could not be tested."""
    events = sandbox().truth.events().num_rows
    some = sandbox(lost=0.3, late=0, repeated=0).truth.webhook_logs()
    assert some.num_rows == pytest.approx(0.7 * events, rel=0.03)
    repeated = sandbox(lost=0, repeated=0.2).truth.webhook_logs()
    assert repeated.num_rows == pytest.approx(1.2 * events, rel=0.03)
    pairs = set(zip(*(repeated[c].to_pylist() for c in ("order_id", "event_type")), strict=True))
    assert len(pairs) == pytest.approx(events, rel=0.01)
    late = sandbox(late=0.5).truth.webhook_logs()
    gap = np.asarray(late["created_at"]) - np.asarray(late["event_at"])
    assert 0.4 < (gap > np.timedelta64(0, "s")).mean() < 0.55


def test_a_partner_without_webhooks() -> None:
    """The fallback for partners without a change feed could not be tested."""
    assert sandbox(webhooks=False).truth.webhook_logs(START + 30 * DAY).num_rows == 0
