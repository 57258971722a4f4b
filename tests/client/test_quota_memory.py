"""What a run knows of former runs, and its own budget."""

from __future__ import annotations

import math

import pytest
from rate_model import START, FakeServer, ask

from pipelines.client.governor import RateGovernor
from pipelines.client.wire import V1_0
from pipelines.clock import ManualClock
from pipelines.errors import QuotaExhausted

PAIRS = tuple((limit.seconds, limit.requests) for limit in V1_0.limits)


def test_one_request_is_made_however_much_is_remembered() -> None:
    """A wrong note of a former run would lock the connector out without the API being asked."""
    clock = ManualClock(START)
    governor = RateGovernor(V1_0.limits, clock=clock)
    governor.remember([START - 10] * 9_000)
    server = FakeServer(PAIRS, taken=[START - 10] * 55)
    assert ask(governor, server, clock, lambda: 0.1) == 200
    with pytest.raises(QuotaExhausted, match="a day"):
        governor.acquire()


def test_the_days_budget_holds_over_several_runs() -> None:
    """Ten short runs a day would each take the whole day's budget."""
    clock = ManualClock(START)
    server = FakeServer(PAIRS, kind="sliding")
    used: list[float] = []
    for _ in range(10):
        governor = RateGovernor(V1_0.limits, clock=clock)
        governor.remember(used)
        try:
            for _ in range(1_000):
                ask(governor, server, clock, lambda: 0.1)
                used.append(clock.now())
        except QuotaExhausted:
            pass
        clock.sleep(60)
    assert len(used) == len(server.taken)
    assert 8_000 <= len(used) <= 8_002  # each later run asks once
    assert server.refused == 0


def test_the_api_is_believed_before_the_memory() -> None:
    """After the vendor's midnight a whole new day would be left unused."""
    clock = ManualClock(START)
    governor = RateGovernor(V1_0.limits, clock=clock)
    governor.remember([START - 40_000 + second for second in range(8_000)])
    server = FakeServer(PAIRS[1:])  # a day that begins at noon, and headers that tell of it
    ask(governor, server, clock, lambda: 0.1)
    assert governor.left()["day"] == 7_999
    assert {ask(governor, server, clock, lambda: 0.1) for _ in range(500)} == {200}


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, -1.0, 1e300, START + 86_400])
def test_no_note_of_a_former_run_can_break_this_one(bad: float) -> None:
    """A damaged state table would stop every later run."""
    clock = ManualClock(START)
    governor = RateGovernor(V1_0.limits, clock=clock)
    governor.remember([bad] * 3)
    server = FakeServer(PAIRS)
    assert {ask(governor, server, clock, lambda: 0.1) for _ in range(200)} == {200}


@pytest.mark.parametrize("budget", [0, 1, 7])
def test_the_runs_budget_is_exact(budget: int) -> None:
    """`--budget` would be a suggestion."""
    clock = ManualClock(START)
    governor = RateGovernor(V1_0.limits, clock=clock, budget=budget)
    server = FakeServer(PAIRS)
    for _ in range(budget):
        ask(governor, server, clock, lambda: 0.1)
    with pytest.raises(QuotaExhausted, match=rf"budget of {budget} requests? is spent") as caught:
        governor.acquire()
    assert (caught.value.exit_code, governor.requests, len(server.taken)) == (3, budget, budget)
    assert "--budget" in caught.value.hint
