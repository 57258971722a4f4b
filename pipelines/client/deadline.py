"""One deadline for a whole request: its connection, its headers, its body.

httpx counts each read by itself, so that a server that sends a byte now and then is never late.
Here every read and write of a thread's request is given what is left of its deadline.
"""

from __future__ import annotations

import math
import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import httpcore
import httpx


class _Until(threading.local):
    moment = math.inf


_until = _Until()


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """End whatever this thread reads or writes through a :class:`DeadlineTransport` in time.

    The seconds are real ones, as those of httpx's own timeouts are.
    """
    _until.moment = time.monotonic() + seconds
    try:
        yield
    finally:
        _until.moment = math.inf


def is_over() -> bool:
    """Tell whether the thread's deadline has passed."""
    return time.monotonic() >= _until.moment


def _left(timeout: float | None, late: type[Exception]) -> float | None:
    left = _until.moment - time.monotonic()
    if left <= 0:
        raise late("the request took too long")
    return timeout if left == math.inf else min(left, timeout or left)


class DeadlineTransport(httpx.HTTPTransport):
    """httpx's own transport, whose connections keep to the deadline of the thread."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # httpx has no parameter for it; httpcore has.
        self._pool._network_backend = _Backend(self._pool._network_backend)


class _Backend(httpcore.NetworkBackend):
    def __init__(self, inner: httpcore.NetworkBackend) -> None:
        self._inner = inner

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        timeout = _left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._inner.connect_tcp(host, port, timeout, local_address, socket_options))


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        timeout = _left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
