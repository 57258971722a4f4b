"""Faults are judged by all that an answer says, and tell a reader of lists what to do."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from hostile_server import KEY, START, always, date, saying
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.client import body as body_module
from pipelines.client.errors import (
    AnswerTooLarge,
    ApiError,
    Forbidden,
    MalformedAnswer,
    NotFound,
    RateLimited,
    Refused,
    ServerFault,
    Unauthorized,
)
from pipelines.clock import ManualClock
from pipelines.errors import ConfigurationError, QuotaExhausted
from pipelines.redaction import without_secrets
from pipelines.text import printable

LIMITED = {"success": False, "error": {"code": "RATE_LIMIT_EXCEEDED", "message": "slow down"}}


def asked_until_it_works(status: int, body: Any, **headers: str) -> tuple[int, float]:
    """Answer so three times, then well; return the number of requests and how long it took."""
    clock, requests = ManualClock(START), 0

    def answer(_: httpx.Request) -> httpx.Response:
        nonlocal requests
        requests += 1
        if requests > 3:
            return httpx.Response(200, json={"orders": []}, headers={"date": date(clock.now())})
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        return httpx.Response(status, json=body, headers=named)

    assert saying(answer, clock).list_orders().rows == []
    return requests, clock.now() - START


@pytest.mark.parametrize(
    "status", [408, 421, 423, 425, 460, 499, 500, 502, 503, 504, 507, 520, 599]
)
def test_what_may_pass_is_asked_again(status: int) -> None:
    """One hiccup of a gateway would end a night's load."""
    assert asked_until_it_works(status, {})[0] == 4


@pytest.mark.parametrize("status", [300, 304, 400, 401, 403, 404, 405, 409, 410, 413, 414, 418])
def test_what_does_not_pass_is_asked_once(status: int) -> None:
    """Six requests for each no."""
    requests = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(status)

    with pytest.raises(ApiError):
        saying(answer).list_orders()
    assert len(requests) == 1


@pytest.mark.parametrize("status", [501, 505, 506, 510, 511])
def test_what_a_server_cannot_do_it_cannot_do_a_second_later(status: int) -> None:
    """A hotel's login page would be asked six times for orders."""
    with pytest.raises(ServerFault) as caught:
        always("", status).list_orders()
    assert not caught.value.passing
    assert not caught.value.page_too_large


@pytest.mark.parametrize("status", [408, 423, 425, 500, 502, 503, 504])
@pytest.mark.parametrize("hint", ["40", "40, 12", " 40.0 "])
def test_a_fault_that_says_when_to_come_again_is_obeyed(status: int, hint: str) -> None:
    """An API in maintenance would be asked again after half a second."""
    requests, seconds = asked_until_it_works(status, {}, retry_after=hint)
    assert requests == 4
    assert 120 <= seconds < 135


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, LIMITED),
        (200, {"error": {"code": "RATE_LIMIT_EXCEEDED"}}),
        (200, {"error": "RATE_LIMIT_EXCEEDED"}),
        (200, {"success": True, "error": {"code": "RATE_LIMITED"}, "orders": []}),
        (200, {"statusCode": 429, "message": "ThrottlerException", "error": "Too Many Requests"}),
        (202, {"errors": [{"code": 429, "message": "later"}]}),
        (400, {"error": {"code": "TOO_MANY_REQUESTS"}}),
        (403, LIMITED),
        (403, {"message": "API rate limit exceeded for this key", "error": "Forbidden"}),
        (403, {"error": {"code": "QUOTA_EXCEEDED"}}),
        (500, LIMITED),
        (503, LIMITED),
    ],
)
@pytest.mark.parametrize("hint", ["20", None])
def test_a_refusal_for_the_limits_is_one_however_it_is_dressed(
    status: int, body: Any, hint: str | None
) -> None:
    """The governor would go on asking, and the partner's shop be refused."""
    headers = {} if hint is None else {"retry_after": hint}
    requests, seconds = asked_until_it_works(status, body, **headers)
    assert requests == 4
    assert 60 <= seconds < 65 if hint else 3 * 63 <= seconds < 7 * 64


def test_a_403_that_says_when_to_come_again_is_for_the_limits() -> None:
    """Gateways refuse so, and the partner would be told that its id is wrong."""
    requests, seconds = asked_until_it_works(403, {"message": "slow"}, retry_after="30")
    assert (requests, 90 <= seconds < 95) == (4, True)


@pytest.mark.parametrize("status", [200, 403, 429])
@pytest.mark.parametrize("hint", ["1", "0", "7", None])
def test_a_refusal_for_ever_ends_with_exit_code_3(status: int, hint: str | None) -> None:
    """The same situation would be a failure, or an early end, by the hint it came with."""
    headers = {} if hint is None else {"retry-after": hint}
    clock = ManualClock(START)
    with pytest.raises(QuotaExhausted) as caught:
        always(json.dumps(LIMITED), status, headers, clock).list_orders()
    assert caught.value.exit_code == 3
    assert clock.now() - START < 3_600


def test_a_refusal_of_a_write_is_told_at_once() -> None:
    """A resend would wait for an hour, or be made twice."""
    with pytest.raises(RateLimited) as caught:
        always(json.dumps(LIMITED), 429).retry_webhook("log_1")
    assert (caught.value.status, caught.value.exit_code) == (429, 3)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (200, "INVALID_API_KEY", Unauthorized),
        (400, "MISSING_API_KEY", Unauthorized),
        (403, "INVALID_API_KEY", Unauthorized),
        (401, "FORBIDDEN", Unauthorized),
        (200, "UNAUTHORIZED", Unauthorized),
        (200, "FORBIDDEN", Forbidden),
        (403, "UNAUTHORIZED", Forbidden),
        (200, "NOT_FOUND", NotFound),
        (200, "ORDER_NOT_FOUND", NotFound),
        (200, "VALIDATION_ERROR", Refused),
        (200, "INTERNAL_ERROR", ServerFault),
        (200, 404, NotFound),
        (200, "503", ServerFault),
        (400, "INTERNAL_ERROR", ServerFault),
        (500, "NOT_FOUND", ServerFault),
        (422, "WHATEVER", Refused),
        (200, "WHATEVER", ApiError),
        (200, ["NOT_FOUND"], ApiError),
    ],
)
def test_the_apis_code_says_what_a_status_does_not(
    status: int, code: Any, kind: type[ApiError]
) -> None:
    """A wrong key in an answer of 200 would be a contract that nobody knows."""
    body = {"success": False, "error": {"code": code, "message": "no"}}
    with pytest.raises(ApiError) as caught:
        always(json.dumps(body), status).list_orders()
    assert type(caught.value) is kind
    assert caught.value.status == status


@pytest.mark.parametrize("body", [{"error": "no"}, {"errors": ["no"], "orders": []}])
def test_an_error_in_a_success_is_no_list(body: Any) -> None:
    """Half an answer would be taken for the whole."""
    with pytest.raises(ApiError):
        always(json.dumps(body)).list_orders()


def test_a_delivery_that_failed_before_is_no_error_of_the_retry() -> None:
    """A retry that was accepted would be made again by hand."""
    body = {"success": True, "status": "pending", "error": "ETIMEDOUT"}
    assert always(json.dumps(body)).retry_webhook("log_1") == body


@pytest.mark.parametrize(
    ("status", "offset", "told"),
    [
        (413, 0, {"page_too_large"}),
        (500, 0, {"page_too_large"}),
        (502, 100, {"page_too_large"}),
        (504, 0, {"page_too_large"}),
        (400, 0, set()),
        (400, 1, {"offset_refused"}),
        (416, 300, {"offset_refused"}),
        (422, 300, {"offset_refused"}),
        (401, 300, set()),
        (403, 0, {"list_closed"}),
        (404, 300, {"list_closed"}),
        (405, 0, {"list_closed"}),
        (410, 0, {"list_closed"}),
        (451, 0, {"list_closed"}),
        (501, 0, {"list_closed"}),
        (302, 300, set()),
        (429, 300, set()),
    ],
)
def test_an_error_tells_a_reader_what_to_do(status: int, offset: int, told: set[str]) -> None:
    """A page too large, a place refused and a closed list would all end the sync for ever."""
    with pytest.raises(ApiError) as caught:
        always("", status).list_orders(offset=offset, attempts=1)
    names = ("page_too_large", "offset_refused", "list_closed")
    assert {name for name in names if getattr(caught.value, name)} == told
    assert (caught.value.status, caught.value.offset) == (status, offset)


def test_a_page_that_is_too_long_is_not_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same megabytes would come six times before fewer rows are asked for."""
    monkeypatch.setattr(body_module, "MAX_BODY", 1_000)
    client = always(json.dumps({"orders": ["x" * 1_000]}))
    with pytest.raises(AnswerTooLarge) as caught:
        client.list_orders()
    assert caught.value.page_too_large
    assert client.governor.requests == 1


def test_the_caller_may_say_how_often_to_ask() -> None:
    """Six failures, each with its pause, would come before a smaller page is tried."""
    client = always("", 502)
    with pytest.raises(ServerFault):
        client.list_orders(attempts=2)
    assert client.governor.requests == 2


STEERING = ["\x1b[31m", "\x9b31m", "\u202e", "\u2066", "\u200b", "\x07", "\x00", "\ufeff", "\ud83d"]


@pytest.mark.parametrize("mark", [*STEERING, "\U000e0041", "\u2028", "\x85", "\r"])
def test_nothing_that_steers_a_terminal_gets_into_an_error(mark: str) -> None:
    """A hostile answer would rewrite the lines above it, or hide a word."""
    words = f"no{mark}way"
    body = json.dumps({"success": False, "error": {"code": "X", "message": words}})
    for status in (200, 400, 503):
        with pytest.raises(ApiError) as caught:
            always(body, status).list_orders(attempts=1)
        assert str(caught.value).isprintable()
        assert "way" in str(caught.value)
    with pytest.raises(MalformedAnswer) as malformed:
        always(json.dumps({f"k{mark}ey": 1})).list_orders(attempts=1)
    assert str(malformed.value).isprintable()


@given(st.text())
@settings(max_examples=100)
def test_what_is_printable_stays_and_the_rest_goes(text: str) -> None:
    """A name in Arabic or an emoji would be taken for an attack."""
    shown = printable(text)
    assert shown.isprintable() or not shown.strip()
    assert [c for c in shown if c.isalnum()] == [c for c in text if c.isalnum() and c.isprintable()]


def test_a_key_that_is_hidden_behind_letters_of_no_width_is_found() -> None:
    """The server would print the key through us."""
    hidden = "\u200b".join(KEY)
    assert without_secrets(f"bad key {hidden}!", KEY) == "bad key [key]!"


@settings(deadline=None, max_examples=60)
@given(word=st.text("_-.@/aw1:", min_size=1, max_size=4), many=st.integers(1, 20_000))
def test_no_words_keep_the_machine_busy(word: str, many: int) -> None:
    """A message of some thousand underscores would take a quarter of an hour to be told."""
    assert len(without_secrets(word * many, KEY)) <= 300


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://\u0430pi.printora.ai", "xn--pi-6kc.printora.ai"),
        ("https://api.pr\u0131ntora.ai", "xn--"),
        ("https://\uff41pi.printora.ai", "api.printora.ai"),
        ("https://api\u3002printora.ai", "printora.ai"),
    ],
)
def test_a_host_that_only_looks_like_the_apis_gets_no_key(url: str, host: str) -> None:
    """A Cyrillic letter in a copied address would send the key to somebody else."""
    with pytest.raises(ConfigurationError) as caught:
        saying(lambda _: httpx.Response(200), base_url=url)
    assert host in str(caught.value)
    assert str(caught.value).isascii()
    assert caught.value.exit_code == 2
