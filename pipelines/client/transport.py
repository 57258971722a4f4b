"""One request, from the governor's leave to the decoded answer or a typed error; and again."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, TypeVar

import httpx
import tenacity

from pipelines.client import wire
from pipelines.client.body import BodyError, TooLongError, read_body
from pipelines.client.credentials import refuse_key
from pipelines.client.deadline import DeadlineTransport, deadline, is_over
from pipelines.client.errors import (
    AnswerTooLarge,
    ApiError,
    MalformedAnswer,
    NotFound,
    RateLimited,
    Unfinished,
    Unreachable,
    error_class,
    speaks_of_limits,
)
from pipelines.client.governor import RateGovernor, Wait
from pipelines.client.headers import age
from pipelines.clock import Clock
from pipelines.decoding import decode
from pipelines.errors import ConfigurationError
from pipelines.hosts import LOOPBACK
from pipelines.redaction import plain_code, without_secrets

#: A request that takes this many times the timeout, a little at a time, is given up.
PATIENCE = 4
ATTEMPTS = 6
#: However old an answer claims to be, more than this many seconds tell nothing more.
OLDEST = 366 * 86_400.0

#: A name whose parts can be looked up, or an address.
_HOST = re.compile(
    r"(?=.{1,253}$)(?:[A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}\.?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*"
)
_EMPTY = (httpx.codes.NO_CONTENT, httpx.codes.RESET_CONTENT)
_Read = TypeVar("_Read")


@dataclass(frozen=True)
class Answer:
    """A success: the decoded body, and since when it may have been made (see ``Page``)."""

    body: Any
    asked_at: float
    age_seconds: float


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
        refuse_key(api_key)
        host = host_of(base_url)
        self._governor = governor
        self._clock = clock
        self._secret = api_key
        self._timeout = timeout
        self._http = httpx.Client(
            base_url=base_url,
            headers={
                "Authorization": f"Bearer {api_key}",
                "Accept": "application/json",
                "Accept-Encoding": "gzip",
                # What is certified as of now must not be what a cache remembers.
                "Cache-Control": "no-cache",
                "User-Agent": "printora-elt",
            },
            # The API knows no cookies; whoever sets one would know us by it.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            timeout=httpx.Timeout(timeout, connect=min(timeout, 10.0)),
            # The key goes to this host and nowhere else: not to where a redirect points, and not
            # through a proxy when the host is this machine.
            follow_redirects=False,
            trust_env=False,
            transport=transport or _network(base_url, host),
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
        attempts: int,
        decode: Callable[[bytes], Any] = decode,
        **request: Any,
    ) -> _Read:
        """Send, and send again while the fault may pass, ``attempts`` times in all."""

        def once() -> _Read:
            answer = self._once(method, path, decode, **request)
            try:
                return read(answer)
            except wire.NotTheContractError as error:
                raise self._malformed(error, f"{method} {path}") from None

        if attempts == 1:
            return once()
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(
                lambda error: isinstance(error, ApiError) and error.passing
            ),
            wait=_pause,
            stop=tenacity.stop_after_attempt(attempts),
            sleep=self._clock.sleep,
            before_sleep=lambda state: self._tell_pause(state, attempts),
            reraise=True,
        )
        return retrying(once)

    def _tell_pause(self, state: tenacity.RetryCallState, attempts: int) -> None:
        error = state.outcome.exception() if state.outcome else None
        if state.upcoming_sleep and error is not None:
            failed = f"attempt {state.attempt_number} of {attempts} failed"
            why = f"another try ({failed}: {str(error.args[0]).rstrip('.')})"
            self._governor.announce(Wait(state.upcoming_sleep, why))

    def _once(
        self, method: str, path: str, decode: Callable[[bytes], Any], **request: Any
    ) -> Answer:
        name = f"{method} {path}"
        self._governor.acquire(path)
        sent, released = self._clock.now(), False
        try:
            with (
                deadline(PATIENCE * self._timeout),
                self._http.stream(method, path, **request) as response,
            ):
                # The headers are here: the server has counted the request, however long the
                # body takes.
                released = True
                self._governor.release(sent, response.status_code, response.headers)
                body = read_body(response, self._check_time)
        except httpx.HTTPError as error:
            kind = Unreachable if isinstance(error, _NOT_CONNECTED) else Unfinished
            raise kind(self._why(error), request=name) from None
        except BodyError as error:
            raise Unfinished(f"{self._http.base_url.host}: {error}", request=name) from None
        except TooLongError as error:
            raise AnswerTooLarge(f"the answer is {error}", request=name) from None
        finally:
            if not released:
                self._governor.release(sent)
        return self._judge(response, self._decoded(response, body, decode, name), body, name, sent)

    def _check_time(self) -> None:
        if is_over():
            raise httpx.ReadTimeout("the request took too long")

    def _decoded(
        self, response: httpx.Response, body: bytes, decode: Callable[[bytes], Any], name: str
    ) -> Any:
        """Return what the body says; None for an error's body that says nothing."""
        if response.status_code in _EMPTY and not body.strip():
            return wire.NO_CONTENT
        try:
            return decode(body)
        except wire.NotTheContractError as error:
            if response.is_success:
                raise self._malformed(error, name, response.status_code) from None
            return None

    def _malformed(
        self, error: wire.NotTheContractError, name: str, status: int | None = None
    ) -> MalformedAnswer:
        return MalformedAnswer(
            without_secrets(str(error), self._secret), request=name, status=status
        )

    def _judge(
        self, response: httpx.Response, decoded: Any, body: bytes, name: str, sent: float
    ) -> Answer:
        if response.is_success and not wire.is_error(decoded):
            return self._answer(decoded, response, sent)
        status, (code, message) = response.status_code, wire.error_of(decoded)
        waits = "retry-after" in response.headers
        limits = speaks_of_limits(status, code, message, retry_after=waits)
        if limits and status != httpx.codes.TOO_MANY_REQUESTS:
            self._governor.refused(sent, response.headers)
        kind = RateLimited if limits else error_class(status, code)
        # A page that is not there is a web server's word, and not the API's of its paths.
        is_page = kind is NotFound and body.lstrip()[:1] == b"<"
        text = without_secrets(message or response.reason_phrase, self._secret) or "refused"
        raise kind(
            "a web page" if is_page else text,
            request=name,
            status=status,
            code=plain_code(code, self._secret),
            hint=MalformedAnswer.advice if is_page else "",
        )

    def _answer(self, decoded: Any, response: httpx.Response, sent: float) -> Answer:
        clock = self._governor.server_clock
        date = response.headers.get("date")
        old = min(max(age(response.headers), clock.apparent_age(date, sent)), OLDEST)
        return Answer(decoded, clock.earliest(sent) - old, old)

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


def host_of(base_url: str) -> str:
    """Return the host of a base URL, in the form in which it is looked up.

    Raises:
        ConfigurationError: no request can be made from it, or its host is written in letters that
            may only look like another host's: the text has the form that is looked up.
    """
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
    if not base_url.isascii():
        raise ConfigurationError(
            "SOURCES__PRINTORA__BASE_URL holds letters that are not ASCII and may look like "
            f"others: the key would go to {host}.",
            hint=f"If that is the host you mean, write it as {host}.",
        )
    return host


def _network(base_url: str, host: str) -> httpx.BaseTransport:
    """Return the transport to a host: through the environment's proxy, if it names one for it."""
    proxies = {} if host in LOOPBACK else urllib.request.getproxies()
    proxy = proxies.get(httpx.URL(base_url).scheme) or proxies.get("all")
    if proxy and urllib.request.proxy_bypass(host):
        proxy = None
    try:
        return DeadlineTransport(
            proxy=proxy if not proxy or "://" in proxy else f"http://{proxy}",
            trust_env=host not in LOOPBACK,
        )
    except (ValueError, ImportError, httpx.InvalidURL) as error:
        raise ConfigurationError(
            f"The proxy that the environment names cannot be used ({type(error).__name__}).",
            hint="Correct HTTPS_PROXY or ALL_PROXY, or name the API's host in NO_PROXY.",
        ) from None


#: No request got to the server: what it would have answered is not known.
_NOT_CONNECTED = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)

_backoff = tenacity.wait_exponential(multiplier=0.5, max=30) + tenacity.wait_random(0, 0.5)


def _pause(state: tenacity.RetryCallState) -> float:
    """Back off with jitter; a 429's wait is the governor's, which knows what was asked for."""
    error = state.outcome.exception() if state.outcome else None
    return 0.0 if isinstance(error, RateLimited) else _backoff(state)
