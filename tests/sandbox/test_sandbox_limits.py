"""Both limits, as the server counts and tells them."""

from __future__ import annotations

from email.utils import parsedate_to_datetime

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sandbox_support import START, Api, MakeApi

from pipelines.sandbox.limits import Limits, Meter


def ask(api: Api, times: int) -> list[httpx.Response]:
    """Send that many requests; return all answers."""
    return [api.http.get(api.orders_path, params={"limit": 1}) for _ in range(times)]


def test_sixty_a_minute(make_api: MakeApi) -> None:
    """The governor would be tuned to a limit that the vendor does not have."""
    api = make_api(limits=Limits())
    answers = ask(api, 61)
    assert [answer.status_code for answer in answers] == [200] * 60 + [429]
    assert [int(a.headers["x-ratelimit-remaining"]) for a in answers] == [*range(59, -1, -1), 0]
    assert {a.headers["x-ratelimit-limit"] for a in answers} == {"60"}
    assert {a.headers["x-ratelimit-reset"] for a in answers} == {str(int(START) + 60)}
    assert answers[-1].json()["error"]["code"] == "RATE_LIMIT_EXCEEDED"
    assert "retry-after" not in answers[-1].headers
    api.clock.sleep(59.9)
    assert ask(api, 1)[0].status_code == 429
    api.clock.sleep(0.2)
    assert ask(api, 1)[0].status_code == 200


def test_the_long_window_shows_when_it_refuses(make_api: MakeApi) -> None:
    """A client would come back each minute until midnight."""
    api = make_api(limits=Limits(per_long=3, long_seconds=3_600))
    answers = ask(api, 4)
    assert [a.headers["x-ratelimit-limit"] for a in answers] == ["60", "60", "3", "3"]
    assert answers[3].status_code == 429
    assert answers[3].headers["x-ratelimit-reset"] == str(int(START) + 3_600)
    tight = make_api(limits=Limits(per_long=50, headers="tightest"))
    assert ask(tight, 1)[0].headers["x-ratelimit-limit"] == "50"


def test_sliding_window(make_api: MakeApi) -> None:
    """A client that counts on whole minutes would never be found out."""
    api = make_api(limits=Limits(per_minute=2, window="sliding"))
    ask(api, 1)
    api.clock.sleep(40)
    assert [a.status_code for a in ask(api, 2)] == [200, 429]
    api.clock.sleep(19.9)
    refused = ask(api, 1)[0]
    assert refused.status_code == 429
    assert refused.headers["x-ratelimit-reset"] == str(int(START) + 60)
    api.clock.sleep(0.2)
    assert [a.status_code for a in ask(api, 2)] == [200, 429]


@pytest.mark.parametrize("skew", [-420.0, 0.0, 300.0])
def test_the_server_has_a_clock_of_its_own(make_api: MakeApi, skew: float) -> None:
    """A client that trusts its own clock would never be found out."""
    api = make_api(limits=Limits(), skew=skew)
    answer = ask(api, 1)[0]
    assert parsedate_to_datetime(answer.headers["date"]).timestamp() == START + skew
    assert 0 < int(answer.headers["x-ratelimit-reset"]) - (START + skew) <= 60
    assert len(answer.headers.get_list("date")) == 1


def test_retry_after(make_api: MakeApi) -> None:
    """A form of the hint that the vendor may use would go untested."""
    api = make_api(limits=Limits(per_minute=1))
    said = {}
    for style in ("none", "seconds", "date", "zero", "past"):
        api.sandbox.set_limits(retry_after=style)
        said[style] = ask(api, 2)[1].headers.get("retry-after")
    assert (said["none"], said["zero"], said["seconds"]) == (None, "0", "60")
    assert parsedate_to_datetime(said["date"]).timestamp() == START + 60
    assert parsedate_to_datetime(said["past"]).timestamp() < START


def test_every_response_carries_the_headers(make_api: MakeApi) -> None:
    """The vendor promises them on every response, errors among them."""
    api = make_api(limits=Limits())
    for answer in (
        api.http.get(api.orders_path, headers={"Authorization": "Bearer sk_test_wrong"}),
        api.http.get("/api/v1/nothing"),
        api.http.get(api.orders_path, params={"limit": "x"}),
        api.http.post("/api/v1/partner-session", json={"imageUrl": "https://x.example/a.png"}),
    ):
        assert "x-ratelimit-remaining" in answer.headers


def test_a_wrong_key_costs_the_partner_nothing(make_api: MakeApi) -> None:
    """A stranger could use up the partner's quota."""
    api = make_api(limits=Limits())
    for _ in range(5):
        api.http.get(api.orders_path, headers={"Authorization": "Bearer sk_test_wrong"})
    assert ask(api, 1)[0].headers["x-ratelimit-remaining"] == "59"


def test_the_shop_uses_the_same_quota(make_api: MakeApi) -> None:
    """A client that takes all of the quota would look well behaved."""
    api = make_api(limits=Limits(production_per_minute=20))
    api.clock.sleep(59)
    assert int(ask(api, 1)[0].headers["x-ratelimit-remaining"]) == 60 - 19 - 1
    ask(api, 45)
    api.clock.sleep(0.9)
    ask(api, 1)
    assert api.sandbox.meter.shop_refused == 0
    api.clock.sleep(0.1)
    ask(api, 60)
    api.clock.sleep(30)
    ask(api, 1)
    assert api.sandbox.meter.shop_refused > 5


def test_limits_of_version_1_1() -> None:
    """The other version's limits would go untested."""
    limits = Limits.v1_1()
    assert (limits.per_minute, limits.per_long, limits.long_seconds) == (100, 1_000, 3_600)
    assert (Limits().per_minute, Limits().per_long, Limits().long_seconds) == (60, 10_000, 86_400)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(0, 30), min_size=1, max_size=120),
    st.integers(1, 8),
    st.integers(1, 30),
    st.sampled_from(["fixed", "sliding"]),
)
def test_no_window_lets_more_through(
    gaps: list[float], per_minute: int, per_long: int, window: str
) -> None:
    """A client could exceed the limit, and every test of its pace would pass."""
    limits = Limits(per_minute, per_long, 600.0, window=window)  # type: ignore[arg-type]
    meter, at, allowed = Meter(limits, START), START, []
    for gap in gaps:
        at += gap
        if meter.allow(at):
            allowed.append(at)
    for limit, seconds in ((per_minute, 60.0), (per_long, 600.0)):
        for end in allowed:
            begin = end - seconds if window == "sliding" else end - end % seconds - 0.001
            assert sum(begin < at <= end for at in allowed) <= limit
