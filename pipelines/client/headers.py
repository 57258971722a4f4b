"""What the answer's headers say of the limits. Whatever they hold, reading them never fails."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pipelines.client.server_clock import http_date

#: Enough for any epoch time and any limit; longer ones are not numbers that somebody meant.
_INTEGER = re.compile(r"[0-9]{1,15}")
#: Where caches say whether they had the answer (RFC 9211, and what was used before it).
_CACHES = ("cache-status", "cf-cache-status", "x-cache", "x-cache-status", "x-proxy-cache")
_HIT = re.compile(r"\b(hit|stale|updating)\b", re.IGNORECASE)
UNKNOWN_AGE = 86_400.0


@dataclass(frozen=True)
class RateHeaders:
    """``X-RateLimit-*`` of one answer; ``reset`` is in epoch seconds of the server's clock."""

    limit: int
    remaining: int
    reset: int


def rate_headers(headers: Mapping[str, str]) -> RateHeaders | None:
    """Return the three values, or None where they are not all there and possible."""
    limit = _integer(headers.get("x-ratelimit-limit"))
    remaining = _integer(headers.get("x-ratelimit-remaining"))
    reset = _integer(headers.get("x-ratelimit-reset"))
    if not limit or remaining is None or reset is None:
        return None
    return RateHeaders(limit, min(remaining, limit), reset)


def retry_after(headers: Mapping[str, str]) -> tuple[int | None, float | None]:
    """Return ``Retry-After`` as seconds from now, or else as a time of the server's clock."""
    text = headers.get("retry-after")
    seconds = _integer(text)
    return (None, http_date(text)) if seconds is None else (seconds, None)


def age(headers: Mapping[str, str]) -> float:
    """Return the seconds for which a cache says that it has kept the answer; 0 without a word.

    One that says that it had the answer, and not since when, may have had it for a day.
    """
    ages = [_integer(part) for part in headers.get("age", "").split(",")]
    known = [float(seconds) for seconds in ages if seconds is not None]
    if not known and any(_HIT.search(headers.get(name, "")) for name in _CACHES):
        return UNKNOWN_AGE
    return max(known, default=0.0)


def _integer(text: str | None) -> int | None:
    text = (text or "").strip()
    return int(text) if _INTEGER.fullmatch(text) else None
