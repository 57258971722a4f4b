"""The world: seeded, plausible, and a function of time alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.clock import ManualClock
from pipelines.errors import ConfigurationError
from pipelines.sandbox import Sandbox, SandboxConfig, WorldOptions, ids
from pipelines.sandbox.truth import TABLES

START = 1_772_366_400.0
DAY = 86_400.0


def sandbox(orders: int = 200, **options: object) -> Sandbox:
    world = WorldOptions(orders=orders, **options)  # type: ignore[arg-type]
    return Sandbox(SandboxConfig(world=world), clock=ManualClock(START))


@pytest.fixture(scope="module")
def large() -> Sandbox:
    return sandbox(20_000)


def hours_between(table: pa.Table, start: str, end: str) -> Any:
    """Hours from one time to another, of the rows that have both."""
    gap = np.asarray(table[end]) - np.asarray(table[start])
    return gap[~np.isnat(gap)] / np.timedelta64(1, "h")


@pytest.mark.parametrize("orders", [0, 1, 100, 5_000])
def test_the_start_has_exactly_the_orders_asked_for(orders: int) -> None:
    """A benchmark of 20,000 orders would measure some other number."""
    assert sandbox(orders).truth.orders().num_rows == orders


def test_same_seed_same_world() -> None:
    """A failing test could not be run again."""
    for table in TABLES:
        assert sandbox(seed=3).truth.table(table) == sandbox(seed=3).truth.table(table)
    assert sandbox(seed=3).truth.orders() != sandbox(seed=4).truth.orders()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0.001, 30 * DAY), min_size=1, max_size=12))
def test_steps_of_the_clock_do_not_matter(steps: list[float]) -> None:
    """The truth would depend on how often somebody looked."""
    often = sandbox(100)
    for step in steps:
        often.clock.advance(step)
        often.truth.orders()
    once = sandbox(100)
    for table in TABLES:
        now = often.clock.now()
        assert often.truth.table(table, now) == once.truth.table(table, now)


def test_changes_by_hand_leave_the_future_alone() -> None:
    """An order added in a test would give all later orders other ids."""
    changed, still = sandbox(), sandbox()
    changed.changes.add_orders(3)
    later = START + 40 * DAY
    added = set(changed.truth.orders(later)["order_id"].to_pylist())
    assert set(still.truth.orders(later)["order_id"].to_pylist()) <= added


def test_the_past_stays_when_time_passes() -> None:
    """The history would be written anew while it is read."""
    world = sandbox()
    before = world.truth.orders(START - 5 * DAY)
    world.clock.advance(100 * DAY)
    assert world.truth.orders(START - 5 * DAY) == before


def test_orders_go_on_arriving_at_the_same_rate() -> None:
    """A world that stops at its start shows no sync that has something to do."""
    world = sandbox(5_000)
    per_day = 5_000 / (world.config.world.span / 86_400_000)
    more = world.truth.orders(START + 60 * DAY).num_rows - 5_000
    assert more == pytest.approx(60 * per_day, rel=0.1)
    assert sandbox(500, after_start=False).truth.sessions(START + DAY).num_rows == 1_450


def test_times_of_an_order_are_in_order(large: Sandbox) -> None:
    """Stages of negative length would come from the sandbox, not from the models."""
    orders = large.truth.orders(START + 90 * DAY)
    for start, end in [("created", "paid"), ("paid", "shipped"), ("shipped", "delivered")]:
        assert (hours_between(orders, f"{start}_at", f"{end}_at") > 0).all()
    assert (hours_between(orders, "created_at", "cancelled_at") > 0).all()
    cancelled = np.asarray(orders["status"]) == "cancelled"
    assert orders.filter(pa.array(cancelled))["shipped_at"].null_count == cancelled.sum()


def test_people_drop_off_at_each_step(large: Sandbox) -> None:
    """A funnel without drop-off shows nothing."""
    sessions, orders = large.truth.sessions(), large.truth.orders()
    created = sessions.num_rows
    accessed = created - sessions["accessed_at"].null_count
    ordered = created - sessions["first_order_at"].null_count
    paid = orders.num_rows - orders["paid_at"].null_count
    assert created == pytest.approx(2.9 * orders.num_rows, rel=0.01)
    assert 0.6 < accessed / created < 0.85
    assert 0.35 < ordered / accessed < 0.55
    assert 0.88 < paid / orders.num_rows < 0.96


def test_some_sessions_have_several_orders(large: Sandbox) -> None:
    """That one session gives one order would never be put to the test."""
    _, counts = np.unique(large.truth.orders()["session_id"].to_pylist(), return_counts=True)
    assert 0.03 < (counts > 1).mean() < 0.12
    assert counts.max() >= 3


def test_sessions_live_as_long_as_the_vendor_says(large: Sandbox) -> None:
    """Orders after a session's end would make its conversion look late."""
    sessions = large.truth.sessions(START + 10 * DAY)
    assert hours_between(sessions, "created_at", "accessed_at").max() < 0.25
    assert hours_between(sessions, "accessed_at", "first_order_at").max() < 24
    newest = sessions["created_at"].to_pylist()[-1].timestamp()
    statuses = set(large.truth.sessions(newest)["status"].to_pylist())
    assert statuses == {"pending", "active", "completed", "expired", "cancelled"}


def test_delivery_takes_its_time_by_carrier_and_country(large: Sandbox) -> None:
    """Latency by dimension would be the same line several times."""
    orders = large.truth.orders()
    gap = (np.asarray(orders["delivered_at"]) - np.asarray(orders["shipped_at"])) / np.timedelta64(
        1, "D"
    )
    carrier, country = np.asarray(orders["carrier"]), np.asarray(orders["country"])

    def median(where: np.ndarray) -> float:
        return float(np.nanmedian(gap[where]))

    at_home = country == "US"
    assert median(at_home & (carrier == "FedEx")) < median(at_home & (carrier == "USPS")) - 0.8
    assert median(country == "BR") > 2 * median(at_home)
    assert np.nanmax(gap) > 25
    old = np.asarray(orders["created_at"]) < np.datetime64(int(START - 120 * DAY), "s")
    assert (np.asarray(orders["status"])[old] == "shipped").any()


def test_busy_and_quiet_hours(large: Sandbox) -> None:
    """A chart by hour or weekday would be flat."""
    created = np.asarray(large.truth.sessions()["created_at"]).astype("datetime64[h]").astype(int)
    by_hour = np.bincount(created % 24, minlength=24)
    assert by_hour.max() > 2.5 * by_hour.min()
    by_day = np.bincount((created // 24 + 3) % 7, minlength=7)
    assert by_day[5:].min() > by_day[:5].max()


def test_about_3_7_log_rows_an_order(large: Sandbox) -> None:
    """Sizes in benchmarks would not be those of a real partner."""
    assert 3.5 < large.truth.webhook_logs().num_rows / 20_000 < 3.9


def test_ids_are_unique_and_can_be_read_back() -> None:
    """Two rows under one id could not be told from a row that was read twice."""
    serials = np.concatenate([np.arange(200_000), 2**48 + np.arange(1_000)])
    texts = ids.ORDER.of(serials)
    assert len(set(texts)) == len(texts)
    assert [ids.ORDER.serial(text) for text in texts[::5_000]] == serials[::5_000].tolist()
    assert ids.ORDER.serial("ord_nothing") is None
    assert ids.ORDER.serial(ids.SESSION.of(serials[:1])[0]) is None
    assert np.abs(np.corrcoef(np.arange(1_000), np.argsort(texts[:1_000]))[0, 1]) < 0.1


def test_a_history_too_short_is_refused() -> None:
    """A mistyped size would end in a traceback."""
    with pytest.raises(ConfigurationError):
        WorldOptions(days=0.1)
    with pytest.raises(ConfigurationError):
        WorldOptions(orders=-1)
