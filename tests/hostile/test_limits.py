"""Limits that lie: never more than was agreed on, and never for ever."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from hostile_server import START, date, saying
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.client.governor import Limit, RateGovernor
from pipelines.client.wire import V1_0, V1_1, Contract
from pipelines.clock import ManualClock
from pipelines.errors import QuotaExhausted

Say = Callable[[float], tuple[str, str, str]]


def requests_until_it_ends(say: Say, *, at_most: int = 400) -> tuple[int, float, Exception | None]:
    """Read pages from a server that tells these limits, until the run is ended by them."""
    clock = ManualClock(START)

    def answer(_: httpx.Request) -> httpx.Response:
        limit, remaining, reset = say(clock.now())
        headers = {
            "date": date(clock.now()),
            "x-ratelimit-limit": limit,
            "x-ratelimit-remaining": remaining,
            "x-ratelimit-reset": reset,
        }
        return httpx.Response(200, json={"orders": []}, headers=headers)

    client = saying(answer, clock)
    try:
        for _ in range(at_most):
            client.list_orders()
            clock.sleep(0.2)
    except QuotaExhausted as error:
        return client.governor.requests, clock.now() - START, error
    return at_most, clock.now() - START, None


@pytest.mark.parametrize("limit", ["60", "1", "10000", "48", "100000"])
@pytest.mark.parametrize("remaining", ["0", "1", "7"])
@pytest.mark.parametrize("ahead", [60, 45, 3_000])
def test_nothing_left_for_ever_ends_in_time(limit: str, remaining: str, ahead: int) -> None:
    """A run would go on at a request a minute: a day for a partner of 100,000 orders."""
    done, seconds, error = requests_until_it_ends(
        lambda now: (limit, remaining, str(int(now) + ahead))
    )
    if error is None:
        assert seconds < 400 * 2  # it was let through at some pace
    else:
        assert isinstance(error, QuotaExhausted)
        assert error.exit_code == 3
        assert seconds < 15 * 60
        assert done < 60


@pytest.mark.parametrize("windows", [1, 3])
def test_a_shop_that_takes_all_for_some_minutes_is_waited_for(windows: int) -> None:
    """A busy quarter of an hour would end a load that has a whole day."""

    def say(now: float) -> tuple[str, str, str]:
        reset = now - now % 60 + 60
        left = 0 if now - START < windows * 60 else 50
        return "60", str(left), str(int(reset))

    done, _, error = requests_until_it_ends(say, at_most=60)
    assert (done, error) == (60, None)


def test_a_limit_that_was_agreed_on_is_kept_however_low() -> None:
    """A setting of one request a minute would end every run."""
    clock = ManualClock(START)
    governor = RateGovernor([Limit("minute", 60, 1)], clock=clock)
    for _ in range(20):
        governor.acquire()
        governor.release(clock.now(), 200, {})
    assert clock.now() - START > 18 * 60


@pytest.mark.parametrize("contract", [V1_0, V1_1], ids=lambda contract: contract.version)
@settings(deadline=None, max_examples=25)
@given(
    limit=st.sampled_from([61, 101, 1_001, 10_001, 10**6, 10**14]),
    ahead=st.sampled_from([1, 30, 60, 600, 3_600, 86_400]),
)
def test_no_header_lifts_a_limit(contract: Contract, limit: int, ahead: int) -> None:
    """A server that tells of a hundred million million requests would take the shop down."""
    clock = ManualClock(START)
    governor = RateGovernor(contract.limits, clock=clock, max_wait=1e9)
    taken: list[float] = []
    for _ in range(250):
        governor.acquire()
        taken.append(clock.now())
        headers = {
            "date": date(clock.now()),
            "x-ratelimit-limit": str(limit),
            "x-ratelimit-remaining": str(limit - 1),
            "x-ratelimit-reset": str(int(clock.now()) + ahead),
        }
        governor.release(clock.now(), 200, headers)
    for agreed in contract.limits:
        allowed = round(agreed.requests * 0.8)
        for first, last in zip(taken, taken[allowed:], strict=False):
            assert last - first >= agreed.seconds
