"""What is known of the server's clock is true, and becomes precise."""

from __future__ import annotations

import math
from email.utils import formatdate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rate_model import START

from pipelines.client.server_clock import AGREE, ServerClock, http_date


def date(server: float) -> str:
    return formatdate(math.floor(server), usegmt=True)


steps = st.lists(
    st.tuples(
        st.floats(0, 600),  # pause before the request
        st.floats(0, 40),  # way to the server
        st.floats(0, 40),  # way back
        st.floats(0, 0.999),  # age of the server's written Date
    ),
    min_size=1,
    max_size=40,
)


@settings(deadline=None)
@given(skew=st.floats(-1e6, 1e6) | st.floats(-700, 700), drift=st.floats(-4e-4, 4e-4), steps=steps)
def test_the_true_time_is_always_within_the_bounds(
    skew: float, drift: float, steps: list[tuple[float, float, float, float]]
) -> None:
    """A page would be certified as of a time at which the server had not yet made it."""
    clock, now = ServerClock(), START

    def server(local: float) -> float:
        return local + skew + (local - START) * drift

    for pause, there, back, age in steps:
        sent = now + pause
        now = sent + there + back
        clock.observe(date(server(sent + there) - age), sent, now)
        if clock.trusted:
            assert clock.earliest(now) - 1e-5 <= server(now) <= clock.latest(now) + 1e-5
        elif clock.known:  # what was agreed before stands until others agree
            assert clock.earliest(now) <= clock.to_server(now) <= clock.latest(now)
        else:
            assert clock.earliest(now) == clock.to_server(now) == clock.latest(now) == now
        if clock.known:
            assert server(clock.surely_passed(server(now))) >= server(now) - 1e-5
    if len(steps) >= AGREE:
        assert clock.known
        assert clock.trusted or abs(skew) > 86_000


def test_many_answers_make_it_precise() -> None:
    """The governor would wait a second too long at each reset."""
    clock = ServerClock()
    for number in range(200):
        sent = START + number * 0.37
        clock.observe(date(sent + 0.1 - 123.456), sent, sent + 0.2)
    assert clock.surely_passed(START) - (START + 123.456) < 0.2
    assert clock.latest(START) - clock.earliest(START) < 1.5
    assert abs(clock.offset + 123.456) < 1.0


@pytest.mark.parametrize("leap", [-3_600.0, -65.0, -5.0, 5.0, 59.0, 65.0, 3_600.0, 80_000.0])
def test_a_clock_that_is_set_is_followed_once_answers_agree(leap: float) -> None:
    """After a correction of either clock, all reset times would be wrong until the end."""
    clock = ServerClock()
    for number in range(20):
        clock.observe(date(START + number), START + number, START + number + 0.1)
    for answers in range(1, 4):
        now = START + 30 + answers
        clock.observe(date(now + leap), now, now + 0.1)
        assert clock.trusted == (abs(leap) < 60 or answers == AGREE)
    assert clock.earliest(now) <= now + leap <= clock.latest(now)


def test_an_answer_during_which_our_clock_was_set_back_teaches_nothing() -> None:
    """The bounds would cross, and neither would hold."""
    clock = ServerClock()
    clock.observe(date(START), START, START - 3_600)
    assert not clock.known
    assert clock.earliest(START) == clock.latest(START) == clock.to_server(START) == START


@given(st.text(max_size=60) | st.from_regex(r"[A-Z][a-z]{2}, \d+ [A-Z][a-z]{2} \d+ .{0,30}"))
def test_no_text_in_date_breaks_it(text: str) -> None:
    """A strange header would end the run with a traceback."""
    ServerClock().observe(text, START, START)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "0",
        "soon",
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
        "Mon, 01 Jan 2020 00:00:00 +99990000000009",
        "Tue, 01 Jan 3000 00:00:00 GMT",
    ],
)
def test_what_is_no_date_of_our_days_is_none(text: str | None) -> None:
    """Such dates overflow where they are computed with."""
    assert http_date(text) is None
