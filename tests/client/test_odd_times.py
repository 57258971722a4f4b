"""Threads, clocks that are set, and interruptions: the governor never locks up and never leaks."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from rate_model import KINDS, START, FakeServer, SimClock, ask, between

from pipelines.client import PrintoraClient, RateGovernor, Wait
from pipelines.client.window import Limit
from pipelines.client.wire import V1_0
from pipelines.clock import ManualClock
from pipelines.errors import QuotaExhausted

MINUTE = Limit("minute", 60, 60)


class LockedServer(FakeServer):
    """A server that several threads may ask."""

    lock = threading.Lock()

    def handle(self, local: float) -> tuple[int, dict[str, str]]:
        """Answer one request at a time."""
        with self.lock:
            status, headers = super().handle(local)
            return status, dict(headers)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.0, 0.2])
def test_threads_share_the_limit_and_lose_little_of_it(kind: str, share: float) -> None:
    """Eight readers would together send eight times too much, or wait for one another."""
    server = LockedServer(kind=kind, skew=-123.4, phase=17.7)
    clock = SimClock(threads=8)
    governor = RateGovernor([MINUTE], clock=clock, reserve_share=share)
    clock.join(governor)
    allowed = round(60 * (1 - share))
    latency = between(0.05, 0.4)

    def read() -> None:
        for _ in range(allowed):
            assert ask(governor, server, clock, latency) == 200

    clock.run(read, threads=8)
    assert server.most_in(60) <= (60 if kind == "first" else allowed)
    assert clock.now() - START < 7 * 60 * 1.04 + 10


def test_more_threads_than_the_limit_has_requests() -> None:
    """Requests in flight that fill the window alone would make the others spin, or hang."""
    server = LockedServer(limits=((60, 3),))
    told: list[Wait] = []
    clock = SimClock(threads=12)
    limit = Limit("minute", 60, 3)
    governor = RateGovernor([limit], clock=clock, reserve_share=0, on_wait=told.append)
    clock.join(governor)

    def read() -> None:
        for _ in range(2):
            assert ask(governor, server, clock, lambda: 5.0) == 200

    clock.run(read, threads=12)
    # One pause of each waiting thread for each window, and not one for each look.
    assert len(told) <= 12 * 8


def test_threads_keep_the_budget_exactly() -> None:
    """Two threads would both take the last request."""
    clock = ManualClock(START)
    governor = RateGovernor([Limit("minute", 60, 10_000)], clock=clock, budget=500)
    spent = []

    def work() -> None:
        try:
            while True:
                governor.acquire()
                governor.release(clock.now(), 200, {})
        except QuotaExhausted:
            spent.append(1)

    with ThreadPoolExecutor(16) as pool:
        for _ in range(16):
            pool.submit(work)
    assert (governor.requests, len(spent)) == (500, 16)


@pytest.mark.parametrize("back", [1.0, 59.0, 3_600.0, 86_400.0 * 400])
def test_a_clock_set_back_in_mid_run_stalls_nothing(back: float) -> None:
    """What was sent an hour ago would lie in the future, and block until it came round again."""
    clock = SettableClock()
    server = FakeServer(kind="sliding", skew=50.0)
    governor = RateGovernor(V1_0.limits, clock=clock)
    for number in range(300):
        if number in (30, 47, 100):
            clock.set_by -= back
        assert ask_at_true_time(governor, server, clock) == 200
    # The last minute before each change may be waited for once more.
    assert clock.true - START < (300 / 48 + 3) * 62


def test_a_clock_set_back_during_a_request_is_survived() -> None:
    """An answer that came before its request was sent would put all reset times off."""
    clock = SettableClock()
    server = FakeServer(skew=-77.0)
    governor = RateGovernor([MINUTE], clock=clock)
    for number in range(200):
        governor.acquire()
        sent = clock.now()
        if number % 60 == 20:
            clock.set_by -= 1_800
        clock.sleep(0.2)
        status, headers = server.handle(clock.true)
        assert status == 200
        governor.release(sent, status, headers)


@pytest.mark.parametrize("ahead", [30.0, 3_600.0])
def test_a_clock_set_ahead_costs_no_more_than_the_reserve(ahead: float) -> None:
    """Our own count is forgotten then: the headers must stand in for it at once."""
    clock = SettableClock()
    server = FakeServer(skew=-77.0)
    governor = RateGovernor(V1_0.limits, clock=clock)
    for number in range(300):
        if number % 60 == 40:
            clock.set_by += ahead
        assert ask_at_true_time(governor, server, clock) == 200


class SettableClock:
    """A clock that somebody sets while time goes on. The server keeps the true time."""

    def __init__(self) -> None:
        self.true = START
        self.set_by = 0.0

    def now(self) -> float:
        """What the clock shows."""
        return self.true + self.set_by

    def sleep(self, seconds: float) -> None:
        """Let true time pass."""
        self.true += max(seconds, 0.0)


def ask_at_true_time(governor: RateGovernor, server: FakeServer, clock: SettableClock) -> int:
    governor.acquire()
    sent = clock.now()
    clock.sleep(0.1)
    status, headers = server.handle(clock.true)
    clock.sleep(0.1)
    governor.release(sent, status, headers)
    return status


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, MemoryError, ValueError])
def test_an_interrupted_request_gives_its_place_back(error: type[BaseException]) -> None:
    """After some Ctrl-C in a notebook every further request would wait for ever."""

    def break_off(request: httpx.Request) -> httpx.Response:
        raise error

    clock = ManualClock(START)
    governor = RateGovernor([Limit("minute", 60, 2)], clock=clock, reserve_share=0)
    transport = httpx.MockTransport(break_off)
    client = PrintoraClient(
        "https://api.test", "sk_test_1", "p", governor=governor, clock=clock, transport=transport
    )
    for _ in range(6):
        with pytest.raises(error):
            client.list_orders()
    clock.sleep(61)
    assert governor.left() == {"minute": 2}
    assert governor.requests == 6


def test_an_interrupted_wait_takes_no_place() -> None:
    """Ctrl-C while waiting would leave a request counted that was never sent."""

    class Impatient(ManualClock):
        def sleep(self, seconds: float) -> None:
            raise KeyboardInterrupt

    clock = Impatient(START)
    governor = RateGovernor([Limit("minute", 60, 1)], clock=clock)
    governor.acquire()
    governor.release(clock.now(), 200, {})
    with pytest.raises(KeyboardInterrupt):
        governor.acquire()
    assert governor.requests == 1
    ManualClock.sleep(clock, 61)
    governor.acquire()


def test_a_listener_that_fails_takes_no_place() -> None:
    """A broken progress bar would use the quota up."""

    def fail(_: object) -> None:
        raise RuntimeError

    clock = ManualClock(START)
    governor = RateGovernor([Limit("minute", 60, 1)], clock=clock, on_wait=fail)
    governor.acquire()
    governor.release(clock.now(), 200, {})
    with pytest.raises(RuntimeError):
        governor.acquire()
    assert governor.requests == 1


class AnyOrder(RuleBasedStateMachine):
    """Requests that overlap, get lost, and are answered in any order, while time passes."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock(START)
        self.server = FakeServer(limits=((60, 5), (3_600, 40)), skew=-200.5, phase=12.5)
        limits = [Limit("minute", 60, 5), Limit("hour", 3_600, 40)]
        self.waits: list[float] = []
        self.governor = RateGovernor(
            limits,
            clock=self.clock,
            reserve_share=0.2,
            max_wait=1e9,
            on_wait=lambda wait: self.waits.append(wait.seconds),
        )
        self.on_the_way: list[float] = []
        self.on_the_way_back: list[tuple[float, int, dict[str, str]]] = []

    @rule(kind=st.sampled_from(KINDS), tightest=st.booleans(), tells=st.booleans())
    @precondition(lambda self: not self.server.taken)
    def choose_a_server(self, kind: str, tightest: bool, tells: bool) -> None:
        """Any kind of server, told in any way."""
        self.server.kind, self.server.tightest, self.server.tells = kind, tightest, tells

    @rule()
    @precondition(lambda self: not self.on_the_way and not self.on_the_way_back)
    def send_and_wait_if_need_be(self) -> None:
        """Alone, so that no answer has to come first."""
        self.governor.acquire()
        self.on_the_way.append(self.clock.now())

    @rule(times=st.integers(1, 4))
    def send_while_there_is_room(self, times: int) -> None:
        """Several at once, as threads do."""
        for _ in range(times):
            if all(self.governor.left().values()):
                before = self.clock.now()
                self.governor.acquire()
                assert self.clock.now() == before, "it said that there was room"
                self.on_the_way.append(before)

    @rule(which=st.integers(0, 10))
    @precondition(lambda self: self.on_the_way)
    def arrive(self, which: int) -> None:
        """The server counts it."""
        sent = self.on_the_way.pop(which % len(self.on_the_way))
        status, headers = self.server.handle(self.clock.now())
        assert status == 200
        self.on_the_way_back.append((sent, status, dict(headers)))

    @rule(which=st.integers(0, 10))
    @precondition(lambda self: self.on_the_way_back)
    def be_answered(self, which: int) -> None:
        """The governor learns."""
        self.governor.release(*self.on_the_way_back.pop(which % len(self.on_the_way_back)))

    @rule(which=st.integers(0, 10))
    @precondition(lambda self: self.on_the_way_back)
    def lose_the_answer(self, which: int) -> None:
        """The server has counted it, and nobody knows."""
        sent, _, _ = self.on_the_way_back.pop(which % len(self.on_the_way_back))
        self.governor.release(sent)

    @rule(seconds=st.floats(0, 90))
    def let_time_pass(self, seconds: float) -> None:
        """Latency, or a pause."""
        self.clock.sleep(seconds)

    @invariant()
    def the_reserve_is_kept(self) -> None:
        """A window would hold more than four fifths of its limit."""
        if self.server.kind != "first":
            assert self.server.most_in(60) <= 4
            assert self.server.most_in(3_600) <= 32
        assert self.server.refused == 0

    @invariant()
    def no_wait_is_longer_than_the_window(self) -> None:
        """A load would stall."""
        assert all(0 < wait < 3_605 for wait in self.waits)


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(deadline=None, max_examples=60, stateful_step_count=60)
