"""Dates and ages that lie: nothing is certified by a clock that contradicts itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain, repeat

import httpx
import pytest
from hostile_server import KEY, START, date, saying
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.client import Page, PrintoraClient, RateGovernor
from pipelines.client.wire import V1_0
from pipelines.clock import ManualClock

DAY = 86_400.0
EMPTY: dict[str, list[str]] = {"orders": []}


def telling(
    offsets: Iterable[float | str | None],
    clock: ManualClock | None = None,
    ages: Iterable[str | None] = repeat(None),
) -> Callable[[], tuple[Page, PrintoraClient]]:
    """Return a call that makes the next request, each answer dated as its offset from now says."""
    clock = clock or ManualClock(START)
    said, old = iter(offsets), iter(ages)

    def answer(_: httpx.Request) -> httpx.Response:
        offset, age = next(said), next(old)
        text = date(clock.now() + offset) if isinstance(offset, int | float) else offset
        headers = {"date": text, "age": age}
        named = {name: value for name, value in headers.items() if value is not None}
        return httpx.Response(200, json=EMPTY, headers=named)

    client = saying(answer, clock)

    def ask() -> tuple[Page, PrintoraClient]:
        clock.sleep(1)
        page = client.list_orders()
        clock.sleep(1)
        return page, client

    return ask


@pytest.mark.parametrize("wild", [1.95e9, -8e8, 20 * 3_600.0, -7_200.0, 660.0, DAY * 2])
def test_a_first_date_that_is_wild_is_never_used(wild: float) -> None:
    """One wrong header would certify everything as of 2088, for ever."""
    ask = telling(chain([wild], repeat(0.0)))
    for number in range(5):
        page, client = ask()
        assert abs(page.asked_at - (START + 1 + 2 * number)) <= 3
        assert client.clock_trusted is (number >= 3)
        assert (client.clock_doubt is None) == client.clock_trusted
    assert abs(client.server_offset_seconds) <= 2


@pytest.mark.parametrize("wild", [90.0, -90.0, 3_600.0, 20 * 3_600.0, -1e7, 2e9])
@pytest.mark.parametrize("wrong", [1, 2])
def test_a_date_that_leaps_in_the_middle_is_doubted_until_answers_agree(
    wild: float, wrong: int
) -> None:
    """Rows read meanwhile would be dated a day ahead, and be certified."""
    ask = telling(chain(repeat(0.0, 5), repeat(wild, wrong), repeat(0.0)))
    told = []
    for number in range(5 + wrong + 3):
        page, client = ask()
        told.append(client.clock_trusted)
        assert abs(page.asked_at + page.age_seconds - (START + 1 + 2 * number)) <= 3
    assert told == [True] * 5 + [False] * (wrong + 2) + [True]


@pytest.mark.parametrize("skew", [-550.0, 590.0, 0.0])
def test_a_clock_some_minutes_away_is_used_at_once(skew: float) -> None:
    """Most servers are a little off: the first page of each sync would be dated wrongly."""
    page, client = telling(repeat(skew))()
    assert client.clock_trusted
    assert START + 1 + skew - 3 <= page.asked_at <= START + 1 + skew
    assert client.server_offset_seconds == pytest.approx(skew, abs=3)


@pytest.mark.parametrize(
    ("skew", "is_believed"), [(1_200.0, True), (1_230.0, True), (0.0, True), (1_400.0, False)]
)
def test_a_difference_that_was_agreed_on_before_is_believed_at_once(
    skew: float, is_believed: bool
) -> None:
    """Each sync would date its first rows by another clock than the others, and prove nothing."""
    clock = ManualClock(START)
    governor = RateGovernor(V1_0.limits, clock=clock)
    governor.server_clock.remember(1_200.0)
    headers = {"date": date(START + skew)}
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=EMPTY, headers=headers))
    client = PrintoraClient(
        "https://api.test", KEY, "p1", governor=governor, clock=clock, transport=transport
    )
    page = client.list_orders()
    assert client.clock_trusted is is_believed
    assert page.asked_at == pytest.approx(START + skew * is_believed, abs=3)


@pytest.mark.parametrize("skew", [-3_000.0, 5_400.0, -80_000.0])
def test_a_clock_hours_away_is_used_once_answers_agree(skew: float) -> None:
    """A server in the wrong time zone could never be certified."""
    ask = telling(repeat(skew))
    assert [ask()[1].clock_trusted for _ in range(3)] == [False, False, True]
    page, client = ask()
    assert page.asked_at == pytest.approx(START + 7 + skew, abs=3)
    assert client.server_offset_seconds == pytest.approx(skew, abs=3)


@pytest.mark.parametrize("skew", [90_000.0, -90_000.0, 1.95e9, -8e8])
def test_a_clock_that_is_constantly_wrong_by_days_is_never_trusted(skew: float) -> None:
    """Agreement alone would make 2088 the present."""
    ask = telling(repeat(skew))
    for number in range(12):
        page, client = ask()
        assert page.asked_at == START + 1 + 2 * number
    assert not client.clock_trusted
    assert "of ours" in (client.clock_doubt or "")
    assert ("ahead" if skew > 0 else "behind") in (client.clock_doubt or "")


@pytest.mark.parametrize(
    "text", [None, "", "soon", "0", "Thu, 01 Jan 1970 00:00:00 GMT", "Sat, 30 Feb 2026 0:0:0 GMT"]
)
def test_a_date_that_is_none_is_said(text: str | None) -> None:
    """Nobody would know why nothing is ever complete."""
    ask = telling(repeat(text))
    for _ in range(4):
        page, client = ask()
    assert page.asked_at == START + 7
    assert not client.clock_trusted
    assert client.clock_doubt == "no answer has a Date that can be read"


@settings(deadline=None, max_examples=100)
@given(
    offsets=st.lists(
        st.sampled_from([0.0, 0.0, 0.0, 7e4, -7e4, 1e9, 400.0]) | st.floats(-8e8, 2.2e9),
        min_size=1,
        max_size=25,
    )
)
def test_a_trusted_time_is_one_that_three_answers_in_a_row_agree_on(offsets: list[float]) -> None:
    """Any mixture of right and wrong dates would find its way into a certificate."""
    ask = telling([*offsets])
    for number in range(1, len(offsets) + 1):
        page, client = ask()
        if client.clock_trusted:
            believed = client.server_offset_seconds
            recent = offsets[max(number - 3, 0) : number]
            assert all(abs(offset - believed) <= 604 for offset in recent)
            assert abs(believed) <= DAY + 2
            assert page.asked_at <= START + 2 * number + believed + 3
        else:
            assert page.asked_at <= START + 2 * number + max(DAY, 3)


def test_a_clock_that_creeps_is_doubted() -> None:
    """Half a minute more with each answer would be believed each time, hours in the end."""
    ask = telling(number * 45.0 for number in range(40))
    for number in range(40):
        page, client = ask()
        assert page.asked_at <= START + 2 * number + 62
    assert not client.clock_trusted


@pytest.mark.parametrize("step", [1.0, 10.0, 50.0])
def test_a_date_that_stands_still_dates_the_answers(step: float) -> None:
    """What somebody replays, without a word, would be certified as of now."""
    clock = ManualClock(START)
    ask = telling((START - clock.now() for _ in iter(int, 1)), clock)
    for _ in range(40):
        page, client = ask()
        clock.sleep(step)
        assert page.asked_at <= START + 2
    assert client.clock_trusted


@pytest.mark.parametrize("skew", [-400.0, 400.0])
def test_a_wild_date_does_not_make_the_next_answers_times_leap(skew: float) -> None:
    """Rows of one run would be dated by two clocks, and later ones be older."""
    ask = telling(chain(repeat(skew, 5), [1e9], repeat(skew)))
    for number in range(8):
        page, _ = ask()
        assert page.asked_at == pytest.approx(START + 1 + 2 * number + skew, abs=3)


@pytest.mark.parametrize(
    ("age", "seconds"),
    [
        ("86400", DAY),
        ("61", 61.0),
        ("0", 0.0),
        ("0, 86400", DAY),
        ("-5", 0.0),
        ("old", 0.0),
        (None, 0.0),
        ("9" * 40, 0.0),
        ("9" * 15, 366 * DAY),
    ],
)
def test_the_age_of_a_cached_answer_is_told_and_subtracted(age: str | None, seconds: float) -> None:
    """What a cache remembers of yesterday would be certified as of now."""
    page, client = telling([0.0], ages=[age])()
    assert page.age_seconds == seconds
    assert page.asked_at == pytest.approx(START + 1 - seconds, abs=3)
    assert client.clock_trusted == (seconds == 0)  # nothing is learned from a cache's Date


def test_an_old_answer_without_an_age_is_known_by_its_date() -> None:
    """Not every cache says that it is one."""
    ask = telling([0.0, 0.0, 0.0, -3_600.0])
    ages = [ask()[0].age_seconds for _ in range(4)]
    assert ages[:3] == [0, 0, 0]
    assert ages[3] == pytest.approx(3_600, abs=4)


def test_no_cache_is_asked_for_and_no_compression_but_gzip() -> None:
    """A cache on the way would answer for the API."""
    seen: list[httpx.Headers] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers)
        return httpx.Response(200, json=EMPTY)

    saying(answer).list_orders()
    assert seen[0]["cache-control"] == "no-cache"
    assert seen[0]["accept-encoding"] == "gzip"
