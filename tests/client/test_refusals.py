"""What the governor does after a 429, and what hostile or broken headers do to it: nothing bad."""

from __future__ import annotations

from email.utils import formatdate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rate_model import START, FakeServer, ask

from pipelines.client.governor import RateGovernor, Wait
from pipelines.client.window import Limit
from pipelines.client.wire import V1_0
from pipelines.clock import ManualClock
from pipelines.errors import QuotaExhausted

MINUTE = Limit("minute", 60, 60)
SKEWS = [-547.0, 0.0, 301.0]


class Run:
    """A governor that gets its answers from a test."""

    def __init__(self, skew: float = 0.0, max_wait: float = 300.0) -> None:
        self.clock = ManualClock(START)
        self.skew = skew
        self.waits: list[Wait] = []
        self.governor = RateGovernor(
            V1_0.limits, clock=self.clock, max_wait=max_wait, on_wait=self.waits.append
        )

    def answer(self, status: int, **headers: str) -> None:
        """Make a request and answer it after 0.2 s."""
        self.governor.acquire()
        sent = self.clock.now()
        self.clock.sleep(0.2)
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        self.governor.release(sent, status, {"date": self.date()} | named)

    def date(self, ahead: float = 0.0) -> str:
        """Write the server's time as its headers do."""
        return formatdate(self.clock.now() + self.skew + ahead, usegmt=True)

    def next_wait(self) -> tuple[float, str]:
        """Make the next request; return how long it waited, and for what."""
        before = self.clock.now()
        self.governor.acquire()
        return self.clock.now() - before, ", then ".join(wait.reason for wait in self.waits)


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_in_seconds_is_obeyed(status: int) -> None:
    """The API would be asked again before the time that it named."""
    run = Run()
    run.answer(status, retry_after="17")
    waited, why = run.next_wait()
    assert 17 <= waited < 17.1
    assert why == f"Retry-After of the API's {status}"


@pytest.mark.parametrize("skew", SKEWS)
def test_retry_after_as_a_date_is_read_on_the_servers_clock(skew: float) -> None:
    """With a clock five minutes off, a wait of 30 s would be none, or almost six minutes."""
    run = Run(skew)
    run.answer(429, retry_after=run.date(ahead=30))
    waited, _ = run.next_wait()
    assert 29 <= waited <= 32


@pytest.mark.parametrize("skew", SKEWS)
@pytest.mark.parametrize("hint", ["0", "-5", "", "soon", "1e3", "past", "1.5", "²", None])
def test_a_useless_retry_after_falls_back_to_the_reset(hint: str | None, skew: float) -> None:
    """Zero would be taken at its word, and the API hammered."""
    run = Run(skew)
    headers = {
        "x_ratelimit_limit": "60",
        "x_ratelimit_remaining": "0",
        "x_ratelimit_reset": str(int(START + skew + 42)),
    }
    if hint is not None:
        headers["retry_after"] = run.date(ahead=-3_600) if hint == "past" else hint
    run.answer(429, **headers)
    waited, why = run.next_wait()
    assert 41 <= waited <= 44
    assert "the reset that the API's 429 names" in why


def test_a_429_without_any_hint_waits_a_window_and_longer_each_time() -> None:
    """It would be asked again at once, or for ever."""
    run = Run(max_wait=300)
    for seconds in (63, 126, 252):
        run.answer(429)
        before = len(run.waits)
        run.governor.acquire()
        assert run.waits[before].seconds == pytest.approx(seconds, abs=0.1)
        assert run.waits[before].reason == "a 429 that does not say how long"
        run.governor.release(run.clock.now())
    run.answer(429)
    with pytest.raises(QuotaExhausted):
        run.governor.acquire()


def test_one_refusal_of_many_requests_in_flight_is_one() -> None:
    """Eight threads refused together would wait for hours, as if refused eight times."""
    run = Run()
    sent = run.clock.now()
    for _ in range(8):
        run.governor.acquire()
    run.clock.sleep(0.2)
    for _ in range(8):
        run.governor.release(sent, 429, {})
    waited, _ = run.next_wait()
    assert waited < 64


def test_a_shorter_wait_never_replaces_a_longer_one() -> None:
    """A late answer would cut the wait short that the API asked for."""
    run = Run()
    sent = run.clock.now()
    run.governor.acquire()
    run.governor.acquire()
    run.governor.release(sent, 429, {"retry-after": "120"})
    run.governor.release(sent, 429, {"retry-after": "5"})
    assert run.next_wait()[0] >= 120


def test_a_success_makes_the_next_riddle_the_first_again() -> None:
    """After one riddle in the morning, one in the evening would wait two windows."""
    run = Run()
    run.answer(429)
    run.answer(200)
    run.answer(429)
    assert run.next_wait()[0] < 64


@pytest.mark.parametrize("hint", ["301", "999999999999999", "Fri, 01 Jan 2100 00:00:00 GMT"])
def test_a_wait_above_the_most_ends_the_run_unslept(hint: str) -> None:
    """The run would sleep for years, or crash on a date beyond the calendar."""
    run = Run()
    run.answer(429, retry_after=hint)
    before = run.clock.now()
    if hint.startswith("Fri"):  # no date of our days: no hint, so a window
        assert run.next_wait()[0] < 64
        return
    with pytest.raises(QuotaExhausted, match=r"needs a wait of .* for Retry-After") as caught:
        run.governor.acquire()
    assert caught.value.exit_code == 3
    assert "run again after 2026-03-0" in caught.value.hint
    assert (run.clock.now(), run.waits) == (before, [])


_ODD = ["0", "-1", "1", "59", "60", "61", "10000", "1.5", "1e9", "nan", "inf", "abc", "+60"]
NUMBERS = st.sampled_from([*_ODD, "", " 60 ", "6, 6", "\x00", "1_0", "٣", "²", "9" * 5_000]) | (
    st.integers(-(10**12), 10**12).map(str)
)
RESETS = NUMBERS | st.sampled_from(
    [str(int(START) + ahead) for ahead in (-(10**6), -1, 0, 30, 60, 61, 3_000, 86_400, 10**8)]
    + ["32503680000", str(int(START + 60) * 1_000)]  # the year 3000; milliseconds
)
DATES = st.text(max_size=30) | st.integers(-(10**4), 10**4).map(
    lambda ahead: formatdate(START + ahead, usegmt=True)
)
ANSWERS = st.tuples(
    st.sampled_from([None, 200, 200, 200, 302, 404, 429, 500, 503]),
    st.fixed_dictionaries(
        {},
        optional={
            "x-ratelimit-limit": NUMBERS,
            "x-ratelimit-remaining": NUMBERS,
            "x-ratelimit-reset": RESETS,
            "retry-after": RESETS | DATES,
            "date": DATES,
        },
    ),
)


@settings(deadline=None, max_examples=400)
@given(answers=st.lists(ANSWERS, min_size=1, max_size=30))
def test_no_headers_crash_or_stall_it(
    answers: list[tuple[int | None, dict[str, str]]],
) -> None:
    """A broken proxy would end a night's load with a traceback, or hang it."""
    run = Run()
    done = 0
    try:
        for status, headers in answers:
            run.governor.acquire()
            sent = run.clock.now()
            run.clock.sleep(0.1)
            run.governor.release(sent, status, headers)
            assert all(left >= 0 for left in run.governor.left().values())
            done += 1
    except QuotaExhausted:
        pass  # the only error that a header may lead to
    # At most a short wait and a longer one before each request.
    assert all(0 < wait.seconds <= 300 for wait in run.waits)
    assert run.clock.now() - START <= (done + 1) * 601


@pytest.mark.parametrize("reset", ["32503680000", str(int(START + 60) * 1_000), "9" * 15])
def test_an_impossible_reset_costs_a_window_at_most(reset: str) -> None:
    """An API that tells milliseconds, or the year 3000, would stop every load."""
    clock = ManualClock(START)
    governor = RateGovernor([MINUTE, Limit("day", 86_400, 10_000)], clock=clock)
    server = FakeServer()
    for _ in range(200):
        governor.acquire()
        sent = clock.now()
        status, headers = server.handle(clock.now())
        assert status == 200
        clock.sleep(0.2)
        governor.release(sent, status, {**headers, "x-ratelimit-reset": reset})
    assert clock.now() - START < 200 / 48 * 60 * 1.5


def test_garbage_in_between_leaves_no_trace() -> None:
    """One broken answer would cost the rest of the day."""
    clock = ManualClock(START)
    governor = RateGovernor(V1_0.limits, clock=clock)
    server = FakeServer(tuple((limit.seconds, limit.requests) for limit in V1_0.limits))
    garbage = [("1", "1", "3"), ("0", "0", "0"), (str(10**14), "1", str(int(START) + 50))]
    for number in range(480):
        governor.acquire()
        sent = clock.now()
        clock.sleep(0.2)
        status, headers = server.handle(clock.now())
        assert status == 200
        if number % 50 == 25:
            limit, remaining, reset = garbage[number // 50 % 3]
            headers = {
                "x-ratelimit-limit": limit,
                "x-ratelimit-remaining": remaining,
                "x-ratelimit-reset": reset,
            }
        governor.release(sent, status, headers)
    assert clock.now() - START < 10 * 60 * 1.04


def test_the_helper_asks_as_the_client_does() -> None:
    """The model's 429 would go unseen, and every test here would pass."""
    clock = ManualClock(START)
    governor = RateGovernor([Limit("minute", 60, 600)], clock=clock, reserve_share=0)
    server = FakeServer(tells=False)
    assert 429 in {ask(governor, server, clock, lambda: 0.1) for _ in range(70)}
