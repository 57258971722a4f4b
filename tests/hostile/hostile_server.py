"""A server that says whatever a test wants said, byte by byte, on loopback."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email.utils import formatdate

import httpx

from pipelines.client import PrintoraClient
from pipelines.clock import ManualClock

#: Sunday, 1 March 2026, 12:00 UTC.
START = 1_772_366_400.0
KEY = "sk_live_Abc123Secret"

Talk = Callable[[socket.socket, bytes], None]


@contextmanager
def talking(talk: Talk) -> Iterator[tuple[str, list[bytes]]]:
    """Serve: ``talk`` is given each request's socket and head. Give the address and the heads."""
    heads: list[bytes] = []
    over = threading.Event()

    def answer(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            while not over.is_set():
                head = _head(connection)
                if not head:
                    return
                heads.append(head)
                talk(connection, head)

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=answer, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", heads
        finally:
            over.set()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _head(connection: socket.socket) -> bytes:
    head = b""
    while b"\r\n\r\n" not in head:
        piece = connection.recv(65_536)
        if not piece:
            return b""
        head += piece
    return head


def whole(body: bytes, *lines: str, status: str = "200 OK") -> bytes:
    """Write a whole answer."""
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *lines, "", ""]
    return "\r\n".join(head).encode() + body


def saying(
    answer: Callable[[httpx.Request], httpx.Response],
    clock: ManualClock | None = None,
    base_url: str = "https://api.test",
) -> PrintoraClient:
    """Return a client whose answers are a function of its requests, without a socket."""
    transport = httpx.MockTransport(answer)
    clock = clock or ManualClock(START)
    return PrintoraClient(base_url, KEY, "p1", clock=clock, transport=transport)


def always(
    body: bytes | str,
    status: int = 200,
    headers: dict[str, str] | None = None,
    clock: ManualClock | None = None,
) -> PrintoraClient:
    """Return a client that always gets the same answer, dated rightly unless it says otherwise."""
    clock = clock or ManualClock(START)

    def answer(_: httpx.Request) -> httpx.Response:
        dated = {"date": date(clock.now())} | (headers or {})
        return httpx.Response(status, content=body, headers=dated)

    return saying(answer, clock)


def date(at: float) -> str:
    """Write a time as the Date header has it."""
    return formatdate(at, usegmt=True)
