"""What a peer does with bytes: everything ends in time, and nothing fills the memory."""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from itertools import chain, count, repeat
from pathlib import Path

import httpx
import pytest
from hostile_server import KEY, START, saying, talking, whole
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.client import PrintoraClient
from pipelines.client.errors import AnswerTooLarge, ApiError, MalformedAnswer, Unfinished
from pipelines.clock import ManualClock
from pipelines.errors import ConfigurationError

EMPTY = b'{"orders": []}'
OK = b"HTTP/1.1 200 OK\r\n"
EMOJI = "\U0001f600".encode()


def client_of(url: str, timeout: float = 0.1) -> PrintoraClient:
    return PrintoraClient(url, KEY, "p1", clock=ManualClock(START), timeout=timeout)


#: What comes first, and what goes on coming: each piece long before a read times out.
ENDLESS = {
    "headers": (OK, (f"X-{n}: b\r\n".encode() for n in count())),
    "one header": (OK + b"X-A: ", repeat(b"a")),
    "status line": (b"HTTP/1.1 200 ", repeat(b"O")),
    "early hints": (b"", repeat(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")),
    "continue": (b"", repeat(b"HTTP/1.1 100 Continue\r\n\r\n")),
    "body": (OK + b"Content-Length: 100000\r\n\r\n", repeat(b" ")),
    "chunks": (OK + b"Transfer-Encoding: chunked\r\n\r\n", repeat(b"1\r\n \r\n")),
    "a chunk's size": (OK + b"Transfer-Encoding: chunked\r\n\r\n", repeat(b"0")),
    "trailers": (OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", repeat(b"X-A: b\r\n")),
    "packed": (OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"")[:10], repeat(b"\0\0")),
}


@pytest.mark.parametrize("kind", ENDLESS)
def test_whatever_drips_is_given_up_in_time(kind: str) -> None:
    """A byte before each time-out would hold a run, and the warehouse's lock, for a month."""
    first, drops = ENDLESS[kind]

    def drip(connection: socket.socket, _: bytes) -> None:
        for piece in chain([first], drops):
            connection.sendall(piece)
            time.sleep(0.02)

    with talking(drip) as (url, _):
        began = time.monotonic()
        with pytest.raises(Unfinished):
            client_of(url).list_orders(attempts=1)
        assert time.monotonic() - began < 1.5


def test_a_silent_peer_is_given_up_in_time_at_the_handshake_too() -> None:
    """A port that accepts and says nothing would hang the run before its first byte."""
    with talking(lambda connection, _: time.sleep(1)) as (url, _):
        began = time.monotonic()
        with pytest.raises(ApiError):
            client_of(url.replace("http:", "https:")).list_orders(attempts=1)
        assert time.monotonic() - began < 1.5


def test_a_deadline_ends_with_its_request() -> None:
    """The next request on the same connection would find the time of the last one used up."""
    with talking(lambda connection, _: connection.sendall(whole(EMPTY))) as (url, heads):
        client = client_of(url)
        for _ in range(3):
            assert client.list_orders().rows == []
            time.sleep(0.15)
        assert len(heads) == 3


def packed(body: bytes, names: str) -> bytes:
    for name in names.split(","):
        if name.strip() in ("gzip", "x-gzip"):
            body = gzip.compress(body)
        elif name.strip() == "deflate":
            body = zlib.compress(body)
        elif name.strip() == "raw":
            packer = zlib.compressobj(wbits=-15)
            body = packer.compress(body) + packer.flush()
    return body


@settings(deadline=None, max_examples=60)
@given(
    name=st.sampled_from(["gzip", "x-gzip", "deflate", "raw", "identity", "GZIP ", ""]),
    rows=st.lists(st.text(), max_size=20),
    size=st.integers(1, 50),
)
def test_a_packed_answer_is_the_answer(name: str, rows: list[str], size: int) -> None:
    """Cut anywhere, an answer would be another one."""
    body = packed(json.dumps({"orders": rows}).encode(), name.lower())
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    header = "deflate" if name == "raw" else name

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=iter(pieces), headers={"content-encoding": header})

    assert saying(answer).list_orders().rows == rows


@pytest.mark.parametrize(
    "names", ["gzip, gzip", "gzip,deflate", "br", "zstd", "gzip, identity, gzip"]
)
def test_what_was_not_asked_for_is_not_unpacked(names: str) -> None:
    """Three kilobytes in two layers fill four gigabytes."""
    body = packed(EMPTY, names)
    client = saying(
        lambda _: httpx.Response(
            200, stream=httpx.ByteStream(body), headers={"content-encoding": names}
        )
    )
    with pytest.raises(Unfinished, match="packed in a way that was not asked for"):
        client.list_orders()


@pytest.mark.parametrize("cut", [1, 5, 12])
@pytest.mark.parametrize("name", ["gzip", "deflate"])
def test_a_packed_answer_that_was_cut_is_none(name: str, cut: int) -> None:
    """What is missing at its end may be a checksum, or half of the rows."""
    body = packed(EMPTY, name)[:-cut]

    def answer(_: httpx.Request) -> httpx.Response:
        stream = httpx.ByteStream(body)
        return httpx.Response(200, stream=stream, headers={"content-encoding": name})

    with pytest.raises(Unfinished, match="compression is broken"):
        saying(answer).list_orders()


def bomb(filler: bytes) -> bytes:
    """Pack 200 MB."""
    packer = zlib.compressobj(1, wbits=31)
    pieces = [packer.compress(filler * (1_000_000 // len(filler))) for _ in range(200)]
    return b"".join([*pieces, packer.flush()])


#: Answers that are small where they are counted, and large where they are read.
HOSTILE: dict[str, Callable[[], tuple[str, bytes]]] = {
    "spaces": lambda: ("gzip", bomb(b" ")),
    "numbers": lambda: ("gzip", bomb(b"1e1,")),
    "two layers": lambda: ("gzip, gzip", gzip.compress(bomb(b" "))),
    "lists": lambda: ("", b"[" + b"[]," * 2_700_000 + b"[]]"),
    "objects": lambda: ("", b'{"orders": [' + b"{}," * 990_000 + b"{}]}"),
    "fractions": lambda: ("", b'{"orders": [' + b"0.1," * 990_000 + b"0.1]}"),
    "a bad row": lambda: ("", b'{"orders": [tru' + b',{"a":{}}' * 300_000 + b"]}"),
    "an emoji": lambda: ("", b'{"orders": [tru, "' + b"x" * 8_000_000 + EMOJI + b'"]}'),
    "escapes": lambda: ("", b'{"orders": [tru, "' + b"\\n" * 4_000_000 + b'"]}'),
    "open brackets": lambda: ("", b'{"orders": [' + b"[" * 8_000_000),
}


def read_hostile(kind: str) -> int:
    """Read one hostile answer; return the peak of the process's memory in bytes."""
    names, body = HOSTILE[kind]()

    def answer(_: httpx.Request) -> httpx.Response:
        stream = httpx.ByteStream(body)
        return httpx.Response(200, stream=stream, headers={"content-encoding": names})

    with suppress(MalformedAnswer, Unfinished):
        saying(answer).list_orders(attempts=1)
    # `getrusage` would count the process from which this one was started, too.
    status = Path("/proc/self/status").read_text().splitlines()
    peak = next(line for line in status if line.startswith("VmHWM:"))
    return int(peak.split()[1]) * 1_024


def test_no_answer_fills_the_memory() -> None:
    """Two kilobytes would end the run, and whatever else the machine does."""
    script = "import test_network as t; print(max(t.read_hostile(kind) for kind in t.HOSTILE))"
    command = [sys.executable, "-c", script]
    here = Path(__file__).parent
    done = subprocess.run(command, cwd=here, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 500e6


@pytest.mark.parametrize("body", [b" " * 9_000_000, b'{"orders": [' + b"1," * 1_100_000 + b"1]}"])
@pytest.mark.parametrize("names", ["gzip", ""])
def test_what_is_too_long_is_named_so(names: str, body: bytes) -> None:
    """A reader of lists would not know that fewer rows might do."""

    def answer(_: httpx.Request) -> httpx.Response:
        stream = httpx.ByteStream(packed(body, names))
        return httpx.Response(200, stream=stream, headers={"content-encoding": names})

    with pytest.raises(AnswerTooLarge):
        saying(answer).list_orders()


@pytest.mark.parametrize(
    "cookie", ["sid=evil", "sid=evil; Path=/; Max-Age=99999", "a=b; Domain=127.0.0.1", "c=\x01"]
)
def test_no_cookie_is_kept(cookie: str) -> None:
    """Whoever answers once would know us by it ever after."""

    def answer(connection: socket.socket, _: bytes) -> None:
        connection.sendall(whole(EMPTY, f"Set-Cookie: {cookie}"))

    with talking(answer) as (url, heads):
        client = client_of(url)
        for _ in range(2):
            client.list_orders(attempts=1)
        assert not any(b"cookie" in head.lower() for head in heads)


@pytest.mark.parametrize("proxy", ["socks9://localhost:1", "http://[::1", "://"])
def test_a_proxy_that_cannot_be_is_a_setting_to_mend(
    proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The HTTP library's traceback would be all that is told."""
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(ConfigurationError, match="proxy"):
        PrintoraClient("https://api.test", KEY, "p1", clock=ManualClock(START))


def test_the_environments_proxy_is_used_and_its_exceptions_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An office machine would get nowhere."""
    with talking(lambda connection, _: connection.sendall(whole(EMPTY))) as (proxy, heads):
        monkeypatch.setenv("HTTP_PROXY", proxy.removeprefix("http://"))
        for name in ("NO_PROXY", "no_proxy", "http_proxy"):
            monkeypatch.delenv(name, raising=False)
        assert client_of("http://api.test").list_orders().rows == []
        assert heads[0].startswith(b"GET http://api.test/api/v1/partners/p1/orders?")
        monkeypatch.setenv("NO_PROXY", "example.test,.test")
        with pytest.raises(ApiError, match="no connection"):
            client_of("http://api.test", timeout=2).list_orders(attempts=1)
        assert len(heads) == 1


def test_certificates_are_checked() -> None:
    """Anybody on the way could read the key."""
    with talking(lambda *_: None) as (url, _):
        client = client_of(url.replace("http:", "https:"))
    transport = client._transport._http._transport
    context = transport._pool._ssl_context  # type: ignore[attr-defined]
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
