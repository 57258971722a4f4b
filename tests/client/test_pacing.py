"""The governor under long loads, against a server that counts for itself."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rate_model import KINDS, RESETS, START, FakeServer, ask, between
from thorough import THOROUGH

from pipelines.client.governor import RateGovernor, Wait
from pipelines.client.window import Limit
from pipelines.client.wire import V1_0, V1_1
from pipelines.clock import ManualClock
from pipelines.errors import QuotaExhausted

MINUTE = Limit("minute", 60, 60)

servers = st.builds(
    FakeServer,
    kind=st.sampled_from(KINDS),
    phase=st.floats(0, 60),
    skew=st.floats(-900, 900),
    drift=st.floats(-3e-4, 3e-4),
    reset=st.sampled_from(RESETS),
    tells=st.booleans(),
)
latencies = st.tuples(st.floats(0.05, 0.2), st.floats(0.2, 0.4))


def pairs(*limits: Limit) -> tuple[tuple[int, int], ...]:
    return tuple((limit.seconds, limit.requests) for limit in limits)


def load(
    governor: RateGovernor, server: FakeServer, clock: ManualClock, requests: int
) -> Iterator[int]:
    latency = between(0.05, 0.4)
    for _ in range(requests):
        yield ask(governor, server, clock, latency)


@settings(deadline=None, max_examples=100 if THOROUGH else 15)
@given(
    server=servers,
    latency=latencies,
    share=st.sampled_from([0.0, 0.2, 0.5]),
    start=st.floats(0, 60),
)
def test_a_long_load_meets_no_429_and_keeps_the_rate(
    server: FakeServer, latency: tuple[float, float], share: float, start: float
) -> None:
    """A load would be refused at some phase or skew, or crawl: 4 % is the most it may lose."""
    clock = ManualClock(START + start)
    governor = RateGovernor([MINUTE], clock=clock, reserve_share=share)
    allowed, minutes = round(60 * (1 - share)), 18
    began = clock.now()
    for _ in range(allowed * minutes):
        assert ask(governor, server, clock, between(*latency)) == 200
    governor.acquire()  # the first request of the next minute
    assert server.most_in(60) <= (60 if server.kind == "first" else allowed)
    assert minutes * 60 / (clock.now() - began) >= 0.96


@pytest.mark.parametrize("kind", KINDS)
def test_the_hour_of_version_1_1_is_kept(kind: str) -> None:
    """G's 1,000 an hour would be met with 429 after ten minutes at 100 a minute."""
    clock = ManualClock(START + 1_234.5)
    server = FakeServer(limits=pairs(*V1_1.limits), kind=kind, skew=-301.3, tightest=True)
    governor = RateGovernor(V1_1.limits, clock=clock, max_wait=3_600)
    began = clock.now()
    assert set(load(governor, server, clock, 2_400)) == {200}
    assert server.most_in(3_600) <= 1_000
    assert server.most_in(60) <= 100
    # Three hours' worth, less the last one, of which nothing has to be waited for but minutes.
    assert clock.now() - began < 2 * 3_600 * 1.04 + 11 * 60


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tightest", [False, True])
def test_no_24_hours_hold_more_than_the_days_budget(kind: str, tightest: bool) -> None:
    """A long load would take the shop's last requests of the day."""
    clock = ManualClock(START + 54_321.9)
    server = FakeServer(limits=pairs(*V1_0.limits), kind=kind, skew=240.4, tightest=tightest)
    governor = RateGovernor(V1_0.limits, clock=clock, max_wait=90_000)
    assert set(load(governor, server, clock, 17_000)) == {200}
    assert server.most_in(86_400) == 8_000


def test_a_spent_day_ends_the_run_without_sleeping_through_it() -> None:
    """A run would hang for hours, or end as a failure and not with exit code 3."""
    clock = ManualClock(START)
    waits: list[Wait] = []
    governor = RateGovernor(V1_0.limits, clock=clock, on_wait=waits.append)
    server = FakeServer(limits=pairs(*V1_0.limits))
    for _ in load(governor, server, clock, 8_000):
        pass
    before, told = clock.now(), len(waits)
    with pytest.raises(QuotaExhausted, match=r"10,000 requests a day \(20% left") as caught:
        governor.acquire()
    assert caught.value.exit_code == 3
    assert "run again after 2026-03-02 12:0" in caught.value.hint
    assert (clock.now(), len(waits), server.refused) == (before, told, 0)
    assert max(wait.seconds for wait in waits) <= 61
    assert governor.left()["day"] == 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rate", [3, 8, 12])
def test_a_shop_within_the_reserve_is_never_refused(kind: str, rate: int) -> None:
    """The connector would take the partner's shop down."""
    clock = ManualClock(START)
    server = FakeServer(kind=kind, skew=77.7, phase=3.3, partner_per_minute=rate)
    governor = RateGovernor([MINUTE], clock=clock)
    assert set(load(governor, server, clock, 700)) == {200}
    assert server.partner_requests >= 12 * rate
    assert server.partner_refused == 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_shop_beyond_the_reserve_is_made_room_for(kind: str) -> None:
    """A shop with twice the reserve would be refused every minute and not just until it is seen."""
    clock = ManualClock(START)
    server = FakeServer(kind=kind, phase=3.3, partner_per_minute=24)
    governor = RateGovernor([MINUTE], clock=clock)
    for _ in load(governor, server, clock, 1_000):
        pass
    assert server.refused == 0
    # 40 % are beyond the reserve. The first window has to pass before that can be known.
    assert server.partner_refused / server.partner_requests < 0.08


@settings(deadline=None, max_examples=100 if THOROUGH else 15)
@given(
    phase=st.floats(0, 60),
    skew=st.floats(-600, 600),
    shop=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 9)), max_size=40),
)
def test_what_remains_is_never_taken_below_the_reserve(
    phase: float, skew: float, shop: list[tuple[int, int]]
) -> None:
    """Bursts of the shop's traffic, seen in ``Remaining``, would be outbid."""
    clock = ManualClock(START)
    server = FakeServer(phase=phase, skew=skew)
    governor = RateGovernor([MINUTE], clock=clock, max_wait=1e9)
    shop_since = 0
    for quiet, burst in itertools.chain(shop, [(40, 0)]):
        for _ in range(quiet):
            assert ask(governor, server, clock, lambda: 0.2) in (200, 429)
            _, remaining = server.remaining_after_ours[-1]
            # What the shop took since our last answer cannot have been seen.
            assert remaining >= 12 - shop_since - 1
            shop_since = 0
        server.partner(clock.now(), burst)
        shop_since += burst


def test_without_any_header_the_limits_hold_all_the_same() -> None:
    """An API, or a proxy before it, that drops the headers would be flooded."""
    clock = ManualClock(START)
    server = FakeServer(limits=pairs(*V1_1.limits), tells=False, kind="sliding")
    governor = RateGovernor(V1_1.limits, clock=clock, max_wait=3_600, reserve_share=0)
    for _ in range(1_500):
        governor.acquire()
        sent = clock.now()
        clock.sleep(0.1)
        assert server.handle(clock.now())[0] == 200
        governor.release(sent, 200, {})


def test_lost_answers_count_as_requests() -> None:
    """The server has counted a request whose answer was cut: sending on would end in 429."""
    clock = ManualClock(START)
    server = FakeServer()
    governor = RateGovernor([MINUTE], clock=clock, reserve_share=0)
    for number in range(300):
        governor.acquire()
        sent = clock.now()
        clock.sleep(0.1)
        status, headers = server.handle(clock.now())
        assert status == 200
        governor.release(sent, *((status, headers) if number % 3 == 0 else ()))


@pytest.mark.parametrize(("limit", "length"), [(30, 60), (500, 3_600), (120, 60), (20_000, 86_400)])
def test_an_account_with_other_limits_than_the_contracts(limit: int, length: int) -> None:
    """An account's own limit would be met with 429, or a header lift our own."""
    clock = ManualClock(START + 17)
    limits = tuple(sorted({60: 60, 86_400: 10_000, length: limit}.items()))
    server = FakeServer(limits=limits, tightest=True, skew=99.9)
    governor = RateGovernor(V1_0.limits, clock=clock, max_wait=90_000, reserve_share=0)
    assert set(load(governor, server, clock, 1_300)) == {200}
    minutes = (clock.now() - START) / 60
    # A higher one is used where a setting says so, and not because a header does.
    assert (7 if length > 60 else min(limit, 60) * 0.9) <= 1_300 / minutes <= min(limit, 60) * 1.05


def test_a_wait_is_told_before_it_is_made_and_says_why() -> None:
    """The terminal would stand still without a word."""
    clock = ManualClock(START)
    told: list[tuple[float, Wait]] = []
    governor = RateGovernor(
        [MINUTE], clock=clock, on_wait=lambda wait: told.append((clock.now(), wait))
    )
    server = FakeServer()
    for _ in load(governor, server, clock, 49):
        pass
    ((at, wait),) = told
    assert (
        wait.reason == "the limit of 60 requests a minute (20% left to the partner's own traffic)"
    )
    assert at < START + 30
    assert 60 - 48 * 0.4 < wait.seconds < 60
    assert clock.now() >= at + wait.seconds


@pytest.mark.parametrize("answered", [True, False])
def test_what_the_server_has_not_reported_is_taken_off_what_remains(answered: bool) -> None:
    """Requests in flight, and those whose answer was lost, would be spent a second time."""
    clock = ManualClock(START)
    governor = RateGovernor([MINUTE], clock=clock)
    server = FakeServer()
    server.partner(clock.now(), 44)  # 16 are left, of which 12 are the shop's
    for left in (3, 2, 1, 0):
        governor.acquire()
        sent = clock.now()
        if left == 3 or answered:
            governor.release(sent, *server.handle(sent))
        elif left == 2:
            governor.release(sent)
        assert governor.left() == {"minute": left}


def test_an_answer_that_was_overtaken_tells_nothing_new() -> None:
    """The older, higher count would be believed, and the shop's reserve be spent."""
    clock = ManualClock(START)
    governor = RateGovernor([MINUTE], clock=clock)
    server = FakeServer()
    server.partner(clock.now(), 44)
    governor.acquire()
    governor.acquire()
    sent = clock.now()
    first, second = server.handle(sent), server.handle(sent)
    governor.release(sent, *second)
    governor.release(sent, *first)
    assert governor.left() == {"minute": 2}


def test_a_day_that_looked_like_a_minute_does_not_stay_one() -> None:
    """Asked first in the last minute of its day, an account would have no minute's limit."""
    clock = ManualClock(START)
    governor = RateGovernor(V1_0.limits, clock=clock)
    for seconds_left in (30, 86_000):
        governor.acquire()
        headers = {
            "x-ratelimit-limit": "20000",
            "x-ratelimit-remaining": "19999",
            "x-ratelimit-reset": str(int(clock.now()) + seconds_left),
        }
        governor.release(clock.now(), 200, headers)
        clock.sleep(61)
    assert governor.left() == {"minute": 48, "day": 7_998}
