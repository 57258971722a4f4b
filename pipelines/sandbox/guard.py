"""Who may use the control endpoints: programs of this machine, and no web page in its browser.

A page can send requests to 127.0.0.1. Its browser names the page's origin, or, where the page's own
name was made to point here, a host that is not this one. And only a program can send JSON as such
without being asked for leave first.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request

from pipelines.errors import ConfigurationError

HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})
#: A list of 100,000 ids has some 2 MB.
MAX_BODY = 8 * 1024 * 1024
YEAR = 366 * 86_400

#: What a number may be, by its name; more than this would not end while somebody waits.
BOUNDS: Mapping[str, tuple[float, float]] = {
    "advance": (0, YEAR),
    "at": (0, 10**10),
    "cents": (0, 10**9),
    "count": (0, 100_000),
    "default_limit": (0, 100_000),
    "last": (0, 10**6),
    "long_seconds": (1, YEAR),
    "moved": (0, 100_000),
    "new": (0, 100_000),
    "page_clamp": (0, 100_000),
    "production_per_minute": (0, 600),
    "slow_seconds": (0, 600),
}
_ANY_NUMBER = (-1e11, 1e11)


def refuse_strangers(request: Request) -> None:
    """Refuse what a web page may have sent.

    Raises:
        HTTPException: 403, the request names another host, or comes from another origin.
    """
    host = request.headers.get("host", "")
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    if name.lower() not in HOSTS:
        raise HTTPException(403, "The sandbox is controlled at 127.0.0.1 or localhost only.")
    origin = request.headers.get("origin")
    if origin is not None and origin.lower() != f"http://{host}".lower():
        raise HTTPException(403, "The sandbox is not controlled by web pages.")


async def read_json(request: Request) -> dict[str, Any]:
    """Return the body, an object of bounded numbers; empty where there is none.

    Raises:
        HTTPException: 413, the body is too long; 415, it does not say that it is JSON.
        ConfigurationError: it is not a JSON object, or a number in it is out of bounds.
    """
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_BODY:
            raise HTTPException(413, f"The body is longer than {MAX_BODY // 1024**2} MiB.")
    if not body:
        return {}
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise HTTPException(415, "Send the body as application/json.")
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError("The body is not JSON.") from error
    if not isinstance(content, dict):
        raise ConfigurationError("The body is not a JSON object.")
    check_numbers(content)
    return content


def check_numbers(content: Mapping[str, Any]) -> None:
    """Refuse numbers that no setting and no change may have.

    Raises:
        ConfigurationError: with the name and the bounds.
    """
    for name, number in _numbers("", content):
        low, high = BOUNDS.get(name, _ANY_NUMBER)
        if not low <= number <= high:
            raise ConfigurationError(
                f"{name or 'A number'} is out of bounds.",
                hint=f"Give one from {low:g} to {high:g}.",
            )


def _numbers(name: str, value: Any) -> Iterator[tuple[str, float]]:
    if isinstance(value, Mapping):
        for inner, part in value.items():
            yield from _numbers(inner, part)
    elif isinstance(value, list):
        for part in value:
            yield from _numbers(name, part)
    elif isinstance(value, int | float):
        yield name, value
