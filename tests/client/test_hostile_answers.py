"""Answers that no API should give, and what must not come of them."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rate_model import START

from pipelines.client import PrintoraClient, body, wire
from pipelines.client.errors import (
    AnswerTooLarge,
    ApiError,
    MalformedAnswer,
    RateLimited,
    Refused,
    ServerFault,
    Unreachable,
)
from pipelines.clock import ManualClock
from pipelines.errors import ConfigurationError, PrintoraError, QuotaExhausted
from pipelines.redaction import without_secrets

KEY = "sk_live_Abc123Secret"
LINK = "https://pay.example.test/s/tok_123?token=eyJhbGciOiJIUzI1NiJ9"


def client_of(
    answer: Callable[[httpx.Request], httpx.Response], clock: ManualClock | None = None
) -> PrintoraClient:
    return PrintoraClient(
        "https://api.test",
        KEY,
        "p1",
        clock=clock or ManualClock(START),
        transport=httpx.MockTransport(answer),
    )


def always(status: int, body: bytes | str, **headers: str) -> PrintoraClient:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return client_of(lambda _: httpx.Response(status, content=body, headers=named))


def error_text(error: BaseException) -> str:
    return f"{error} {error!r} {error.__dict__}"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "the answer is empty"),
        (b"<!doctype html><html>Sign in", "the answer is a web page"),
        (b'{"orders": [', "the answer is not JSON"),
        (b"[" * 200_000 + b"]" * 200_000, "the answer is not JSON"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "holds no list of orders (its keys: a)"),
        (b"\xff\xfe\x00\xd8", "the answer is not JSON"),
        (b'"orders"', "the answer is a JSON str, not an object"),
        (b"null", "the answer is a JSON NoneType, not an object"),
        (b"{}", "holds no list of orders (its keys: none)"),
        (b'{"orders": null, "total": 3}', "holds no list of orders (its keys: orders, total)"),
        (b'{"orders": {"0": {}}}', "holds no list of orders"),
        (b'{"data": {"data": {"orders": []}}}', "holds no list of orders"),
    ],
)
def test_a_body_that_is_not_the_contract_is_named(body: bytes, why: str) -> None:
    """It would be a traceback, or worse, an empty list: as if the partner had no orders."""
    with pytest.raises(MalformedAnswer) as caught:
        always(200, body).list_orders()
    assert why in str(caught.value)
    assert "GET /api/v1/partners/p1/orders" in str(caught.value)
    assert "SOURCES__PRINTORA__BASE_URL" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("29.99", Decimal("29.99")),
        ("0.10", Decimal("0.10")),
        ("1234567890123456.78", Decimal("1234567890123456.78")),
        ("99999999999999999999999999.99", Decimal("99999999999999999999999999.99")),
        ("1e-2", Decimal("0.01")),
        ("30", 30),
        ('"0.1"', "0.1"),
    ],
)
def test_numbers_come_as_they_were_written(text: str, value: Any) -> None:
    """1234567890123456.78 as a float is 1234567890123456.8."""
    row = always(200, f'{{"orders": [{{"total_amount": {text}}}]}}').list_orders().rows[0]
    assert (row["total_amount"], type(row["total_amount"])) == (value, type(value))
    assert str(row["total_amount"]) == str(value)


@pytest.mark.parametrize(
    ("body", "total"),
    [
        ('{"orders": [], "total": 5}', 5),
        ('{"success": true, "data": {"orders": [], "total": 5}}', 5),
        ('{"success": true, "data": {"orders": []}, "total": 5}', 5),
        ('{"success": true, "data": [], "pagination": {"total": 5}}', 5),
        ('{"data": {"items": [], "meta": {"total": 5}}}', 5),
        ("[]", None),
        ('{"orders": []}', None),
        ('{"orders": [], "total": -1}', None),
        ('{"orders": [], "total": true}', None),
        ('{"orders": [], "total": "5"}', 5),
        ('{"orders": [], "total": 5.0}', 5),
    ],
)
def test_the_total_is_found_or_is_none(body: str, total: int | None) -> None:
    """A wrong total would certify a load as complete that is not."""
    assert always(200, body).list_orders().total == total


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just(KEY) | st.just(LINK),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["orders", "data", "error", "code", "message", "success", KEY, LINK])
            | st.text(max_size=5),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


ENVELOPES = st.fixed_dictionaries(
    {
        "success": st.just(False),
        "error": JSON | st.fixed_dictionaries({"code": JSON, "message": JSON}),
    }
)


@settings(deadline=None, max_examples=200)
@given(
    status=st.sampled_from([200, 201, 204, 206, 301, 304, 400, 401, 403, 404, 418, 429, 500, 599]),
    body=(JSON | ENVELOPES).map(lambda value: json.dumps(value).encode()) | st.binary(max_size=60),
)
def test_no_answer_breaks_the_client_or_leaks(status: int, body: bytes) -> None:
    """A strange answer would be a traceback, or carry the key or a login link into a log."""
    client = always(status, body)
    calls: list[Callable[[], Any]] = [
        client.list_orders,
        lambda: client.retry_webhook("log_1"),
        lambda: client.create_session({"imageUrl": "x"}),
    ]
    for call in calls:
        text = ""
        with suppress(PrintoraError):
            try:
                call()
            except PrintoraError as error:
                text = error_text(error)
                raise
        assert not {part for part in (KEY, "tok_123", "eyJhbG") if part in text}
        assert len(text) < 3_000


def test_the_apis_own_words_lose_what_nobody_may_read() -> None:
    """An error that quotes the request would print the key, the user and the login link."""
    words = f"Bad key {KEY} of jo@example.test,\nsee {LINK} or token {'a1' * 20}"
    body = json.dumps({"success": False, "error": {"code": KEY, "message": words}})
    with pytest.raises(Refused) as caught:
        always(400, body).list_orders()
    assert caught.value.code is None
    assert caught.value.message.startswith(
        "400: Bad key [key] of [e-mail] see [link] or token [tok"
    )
    text = error_text(caught.value)
    assert all(secret not in text for secret in (KEY, "jo@", "example.test", "a1a1", "\n"))


@pytest.mark.parametrize(
    "kept",
    [
        "limit must be at most 100",
        "No order ord_01HZX3 of session 123e4567-e89b-12d3-a456-426614174000",
        "Only a failed delivery can be retried",
    ],
)
def test_plain_words_are_left_as_they_are(kept: str) -> None:
    """What the API says is wrong would be unreadable."""
    assert without_secrets(kept, KEY) == kept


def test_a_success_that_says_it_is_none_is_an_error() -> None:
    """`{"success": false}` with status 200 would be taken for an empty list."""
    body = '{"success": false, "error": {"code": "NOPE", "message": "no"}, "orders": []}'
    with pytest.raises(ApiError, match=r"200 NOPE: no \(GET "):
        always(200, body).list_orders()


def test_a_delivery_accepted_without_a_body_is_accepted() -> None:
    """A 204 to a retry would be reported as a failure, and the retry made again by hand."""
    assert always(204, b"").retry_webhook("log_1") == {}


@pytest.mark.parametrize("body", ['{"sessionId": "s"}', '{"redirectUrl": "u"}', "[]"])
def test_a_created_session_without_its_parts_is_malformed(body: str) -> None:
    """None would go on as a session id into the partner's ledger."""
    with pytest.raises(MalformedAnswer):
        always(201, body).create_session({"imageUrl": "x"})


def test_an_endless_body_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong base URL that serves a disk image would fill the memory."""
    monkeypatch.setattr(body, "MAX_BODY", 3 * 1024**2)
    read = 0

    def pieces() -> Iterator[bytes]:
        nonlocal read
        while True:
            read += 1
            yield b"x" * 65_536

    client = client_of(lambda _: httpx.Response(200, content=pieces()))
    with pytest.raises(AnswerTooLarge, match="longer than 3 MiB"):
        client.list_orders()
    assert read == 49  # one attempt, which does not read on


def test_a_compressed_body_that_is_broken_is_no_answer() -> None:
    """The decoder's error is not one that the caller knows."""
    client = client_of(
        lambda _: httpx.Response(
            200, stream=httpx.ByteStream(b"not gzip"), headers={"content-encoding": "gzip"}
        )
    )
    with pytest.raises(Unreachable, match="compression is broken"):
        client.list_orders()


def test_retry_after_of_a_503_wins_over_the_backoff() -> None:
    """An API in maintenance would be asked again after half a second."""
    clock = ManualClock(START)
    answers = [httpx.Response(503, headers={"retry-after": "120"}), httpx.Response(200, json=[])]
    client_of(lambda _: answers.pop(0), clock).list_orders()
    assert clock.now() - START >= 120


def test_a_key_that_keeps_being_refused_is_an_error_in_the_end() -> None:
    """The load would ask for ever while somebody else uses up every window."""
    clock = ManualClock(START)
    asked = []

    def refuse(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(429, headers={"retry-after": "7"})

    with pytest.raises(RateLimited) as caught:
        client_of(refuse, clock).list_orders()
    assert (len(asked), caught.value.status) == (6, 429)
    assert 35 <= clock.now() - START < 36


def test_a_refusal_for_hours_ends_the_run_without_a_wait() -> None:
    """The retry would sleep until tomorrow."""
    clock = ManualClock(START)
    client = client_of(lambda _: httpx.Response(429, headers={"retry-after": "7200"}), clock)
    with pytest.raises(QuotaExhausted, match="2 hours"):
        client.list_orders()
    assert clock.now() == START


@pytest.mark.parametrize("key", ["", "sk_live_a b", "sk_live_\n1", "sk_live_é", "sk_live_\x00"])
def test_a_key_that_no_header_can_carry_is_a_setting_to_mend(key: str) -> None:
    """The HTTP library's own error quotes the key."""
    with pytest.raises(ConfigurationError) as caught:
        PrintoraClient("https://api.test", key, "p1")
    assert "SOURCES__PRINTORA__API_KEY" in caught.value.message
    assert not key or key not in error_text(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.test",
        "ftp://api.test",
        "https://",
        "https://api.test:99999",
        "https://api.test:x",
        "https://u:pw@api.test",
        "https://api.test?x=1",
        "https://api.test#f",
        "http://[::1",
        "https://a b",
        "https://a\nb",
    ],
)
def test_a_base_url_that_cannot_be_asked_is_a_setting_to_mend(url: str) -> None:
    """The HTTP library's own error is a traceback; a user name in it would replace the key."""
    with pytest.raises(ConfigurationError, match="base URL") as caught:
        PrintoraClient(url, KEY, "p1")
    assert "SOURCES__PRINTORA__BASE_URL" in caught.value.hint
    assert "pw" not in str(caught.value)


def test_an_id_cannot_leave_its_place_in_the_path() -> None:
    """An id from a hostile row would send the key's powers to another endpoint."""
    paths = []

    def note(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.raw_path)
        return httpx.Response(200, json={})

    client = PrintoraClient(
        "https://api.test",
        KEY,
        "p1",
        contract=wire.V1_1,
        clock=ManualClock(START),
        transport=httpx.MockTransport(note),
    )
    client.read_session("../orders?limit=1")
    client.retry_webhook("a/b")
    with pytest.raises(ConfigurationError):
        PrintoraClient("https://api.test", KEY, "p/../q?x=1#")
    assert paths == [
        b"/api/v1/partner-session/..%2Forders%3Flimit%3D1",
        b"/api/v1/partners/webhook-logs/a%2Fb/retry",
    ]


class Handler(BaseHTTPRequestHandler):
    """Answers with what the test put on the server."""

    def do_GET(self) -> None:
        """Note the request, and answer."""
        self.server.seen.append(dict(self.headers))  # type: ignore[attr-defined]
        self.server.answer(self)  # type: ignore[attr-defined]

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[tuple[str, list[Any]]]:
    """Serve on loopback; give the address, and the headers of each request."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.answer, server.seen = answer, []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", server.seen  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def empty_list(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "2")
    handler.end_headers()
    handler.wfile.write(b"[]")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_the_key_does_not_follow_a_redirect(status: int) -> None:
    """Whoever can redirect the API's host would get the key."""
    with serving(empty_list) as (elsewhere, stolen):

        def redirect(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(status)
            handler.send_header("Location", f"{elsewhere}/catch")
            handler.send_header("Content-Length", "0")
            handler.end_headers()

        with serving(redirect) as (url, seen):
            client = PrintoraClient(url, KEY, "p1", clock=ManualClock(START))
            with pytest.raises(Refused, match=f"^{status}: "):
                client.list_orders()
            assert (len(seen), stolen) == (1, [])


def test_a_proxy_of_the_environment_does_not_see_this_machines_traffic(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On an office machine the sandbox would be looked for behind the company's proxy."""
    with serving(empty_list) as (proxy, through), serving(empty_list) as (url, seen):
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        client = PrintoraClient(url, KEY, "p1", clock=ManualClock(START))
        assert client.list_orders().rows == []
        assert (len(seen), through) == (1, [])
        assert seen[0]["Authorization"] == f"Bearer {KEY}"


def test_an_answer_that_trickles_is_given_up() -> None:
    """A byte before each timeout would hold the load for days."""

    def trickle(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        try:
            for _ in range(1_000):
                handler.wfile.write(b" ")
                time.sleep(0.05)
        except OSError:
            pass

    with serving(trickle) as (url, _):
        began = time.monotonic()
        client = PrintoraClient(url, KEY, "p1", clock=ManualClock(START), timeout=0.15)
        with pytest.raises(Unreachable, match="timed out"):
            client.list_orders(attempts=1)
        assert time.monotonic() - began < 5


def test_garbage_instead_of_http_is_not_quoted() -> None:
    """The library quotes what it got: it may be a customer's address."""

    def garbage(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"Jo Miller, 5 Some Street\r\n\r\n")

    with serving(garbage) as (url, _):
        client = PrintoraClient(url, KEY, "p1", clock=ManualClock(START))
        with pytest.raises(Unreachable) as caught:
            client.list_orders()
        assert "Miller" not in error_text(caught.value)
        assert "127.0.0.1: the connection was cut, or the answer is not HTTP" in str(caught.value)


def test_nobody_listening_is_said_plainly() -> None:
    """The user would not know which host, or what to do."""
    with serving(empty_list) as (url, _):
        pass
    client = PrintoraClient(url, KEY, "p1", clock=ManualClock(START))
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1: no connection") as caught:
        client.list_orders()
    assert "SOURCES__PRINTORA__BASE_URL" in caught.value.hint
    assert client.governor.requests == 6


def test_the_body_of_a_5xx_is_not_in_the_error() -> None:
    """A debug page shows the request, with the key and the customer."""
    page = f"<html>Authorization: Bearer {KEY}; Jo Miller"
    with pytest.raises(ServerFault) as caught:
        always(500, page).list_orders()
    assert str(caught.value).startswith(
        "500: Internal Server Error (GET /api/v1/partners/p1/orders)."
    )
    assert "Miller" not in error_text(caught.value)


def test_a_key_of_any_form_is_taken_out() -> None:
    """A vendor that changes what its keys look like would have them printed."""
    assert without_secrets("Unknown key 7f.A-9+z", "7f.A-9+z") == "Unknown key [key]"
