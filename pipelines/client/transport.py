"""One request, from the governor's leave to the decoded answer or a typed error; and again."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx
import tenacity

from pipelines.client import wire
from pipelines.client.errors import (
    ApiError,
    MalformedAnswer,
    NotFound,
    RateLimited,
    Unreachable,
    error_class,
)
from pipelines.client.governor import RateGovernor, Wait
from pipelines.client.redaction import plain_code, without_secrets
from pipelines.clock import Clock
from pipelines.errors import ConfigurationError

#: An answer of 100 rows is some 60 kB. More than this is not an answer to read into memory.
MAX_BODY = 32 * 1024 * 1024
#: An answer that takes this many times the timeout, a little at a time, is given up.
PATIENCE = 4
ATTEMPTS = 6

_HOST = re.compile(r"[A-Za-z0-9.:_-]+")
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_Read = TypeVar("_Read")


@dataclass(frozen=True)
class Answer:
    """A success: the decoded body, and between which times it was made (server's clock)."""

    body: Any
    asked_at: float
    answered_at: float


class Transport:
    """Sends requests under one key, paced by the governor."""

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        governor: RateGovernor,
        clock: Clock,
        timeout: float,
        transport: httpx.BaseTransport | None,
    ) -> None:
        if not (api_key.isascii() and api_key.isprintable() and " " not in api_key and api_key):
            raise ConfigurationError(
                "The API key is empty, or holds characters that no key has.",
                hint="Copy SOURCES__PRINTORA__API_KEY again, without spaces and line breaks.",
            )
        host = _host_of(base_url)
        self._governor = governor
        self._clock = clock
        self._secret = api_key
        self._timeout = timeout
        self._http = httpx.Client(
            base_url=base_url,
            headers={
                "Authorization": f"Bearer {api_key}",
                "Accept": "application/json",
                "User-Agent": "printora-elt",
            },
            timeout=httpx.Timeout(timeout, connect=min(timeout, 10.0)),
            # The key goes to this host and nowhere else: not to where a redirect points, and not
            # through a proxy when the host is this machine.
            follow_redirects=False,
            trust_env=host not in _LOOPBACK,
            transport=transport,
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def send(
        self,
        method: str,
        path: str,
        *,
        read: Callable[[Answer], _Read],
        repeatable: bool,
        **request: Any,
    ) -> _Read:
        """Send, and send again what is safe to repeat while the fault may pass."""

        def once() -> _Read:
            answer = self._once(method, path, **request)
            try:
                return read(answer)
            except wire.NotTheContractError as error:
                text = without_secrets(str(error), self._secret)
                raise MalformedAnswer(text, request=f"{method} {path}") from None

        if not repeatable:
            return once()
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(
                lambda error: isinstance(error, ApiError) and error.passing
            ),
            wait=_pause,
            stop=tenacity.stop_after_attempt(ATTEMPTS),
            sleep=self._clock.sleep,
            before_sleep=self._tell_pause,
            reraise=True,
        )
        return retrying(once)

    def _tell_pause(self, state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if state.upcoming_sleep and error is not None:
            failed = f"attempt {state.attempt_number} of {ATTEMPTS} failed"
            why = f"another try ({failed}: {str(error.args[0]).rstrip('.')})"
            self._governor.announce(Wait(state.upcoming_sleep, why))

    def _once(self, method: str, path: str, **request: Any) -> Answer:
        name = f"{method} {path}"
        self._governor.acquire()
        sent, released = self._clock.now(), False
        try:
            with self._http.stream(method, path, **request) as response:
                # The headers are here: the server has counted the request, however long the
                # body takes.
                released = True
                self._governor.release(sent, response.status_code, response.headers)
                body = self._read_body(response, name)
        except httpx.HTTPError as error:
            raise Unreachable(self._why(error), request=name) from None
        finally:
            if not released:
                self._governor.release(sent)
        return self._judge(response, body, name, sent)

    def _read_body(self, response: httpx.Response, name: str) -> bytes:
        # The socket's time, which httpx's own timeouts count as well, and not the API's.
        give_up = time.monotonic() + PATIENCE * self._timeout
        body = bytearray()
        for piece in response.iter_bytes():
            body += piece
            if len(body) > MAX_BODY:
                raise MalformedAnswer(
                    f"the answer is longer than {MAX_BODY // 1024**2} MiB", request=name
                )
            if time.monotonic() > give_up:
                raise Unreachable(f"{self._http.base_url.host}: timed out", request=name)
        return bytes(body)

    def _judge(self, response: httpx.Response, body: bytes, name: str, sent: float) -> Answer:
        status = response.status_code
        try:
            decoded = {} if status == httpx.codes.NO_CONTENT else wire.decode(body)
        except wire.NotTheContractError as error:
            if response.is_success:
                raise MalformedAnswer(str(error), request=name, status=status) from None
            decoded = None
        denied = isinstance(decoded, Mapping) and decoded.get("success") is False
        if response.is_success and not denied:
            clock = self._governor.server_clock
            return Answer(decoded, clock.earliest(sent), clock.latest(self._clock.now()))
        code, message = wire.error_of(decoded)
        text = without_secrets(message or response.reason_phrase, self._secret) or "refused"
        kind = ApiError if response.is_success else error_class(status)
        # A page that is not there is a web server's word, and not the API's of its paths.
        is_page = kind is NotFound and body.lstrip()[:1] == b"<"
        raise kind(
            "a web page" if is_page else text,
            request=name,
            status=status,
            code=plain_code(code, self._secret),
            hint=MalformedAnswer.advice if is_page else "",
        )

    def _why(self, error: httpx.HTTPError) -> str:
        # The words of a protocol error may quote the answer; those of a failed connection do not.
        words = {
            httpx.TimeoutException: "timed out",
            httpx.ConnectError: without_secrets(f"no connection ({error})", self._secret),
            httpx.DecodingError: "the answer's compression is broken",
            httpx.NetworkError: "the connection was cut",
            httpx.RemoteProtocolError: "the connection was cut, or the answer is not HTTP",
            httpx.UnsupportedProtocol: "not a URL of http or https",
        }
        kinds = (text for kind, text in words.items() if isinstance(error, kind))
        return f"{self._http.base_url.host}: {next(kinds, type(error).__name__)}"


def _host_of(base_url: str) -> str:
    """Return the host of a base URL that requests can be made from."""
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL:
        url = httpx.URL("")
    host = url.raw_host.decode("ascii")
    whole = url.scheme in ("http", "https") and _HOST.fullmatch(host) and (url.port or 1) < 65_536
    # A user name in the URL would be sent in place of the key.
    if not whole or url.userinfo or url.query or url.fragment:
        raise ConfigurationError(
            "The base URL is not one of a scheme, a host, perhaps a port and a path.",
            hint="Write SOURCES__PRINTORA__BASE_URL like https://api.printora.ai.",
        )
    return host


_backoff = tenacity.wait_exponential(multiplier=0.5, max=30) + tenacity.wait_random(0, 0.5)


def _pause(state: tenacity.RetryCallState) -> float:
    """Back off with jitter; a 429's wait is the governor's, which knows what was asked for."""
    error = state.outcome.exception() if state.outcome else None
    return 0.0 if isinstance(error, RateLimited) else _backoff(state)
