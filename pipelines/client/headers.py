"""What the answer's headers say of the limits. Whatever they hold, reading them never fails."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pipelines.client.server_clock import http_date

#: Enough for any epoch time and any limit; longer ones are not numbers that somebody meant.
_NUMBER = re.compile(r"([0-9]{1,15})(?:\.0+)?(?:;.*)?", re.ASCII)
#: Where caches say whether they had the answer (RFC 9211, and what was used before it).
_CACHES = (
    *("cache-status", "cf-cache-status", "x-cache", "x-cache-status", "x-proxy-cache"),
    *("x-drupal-cache", "x-vercel-cache"),
)
#: TCP_HIT is one, too; what was refreshed was asked for.
_HIT = re.compile(r"(?<![a-z])(?<!refresh_)(hit|stale|updating)(?![a-z])", re.IGNORECASE)
UNKNOWN_AGE = 86_400.0


@dataclass(frozen=True)
class RateHeaders:
    """``X-RateLimit-*`` of one answer; ``reset`` is in epoch seconds of the server's clock."""

    limit: int
    remaining: int
    reset: int


def rate_headers(headers: Mapping[str, str]) -> RateHeaders | None:
    """Return the three values, or None where they are not all there and possible."""
    limits = _integers(headers.get("x-ratelimit-limit"))
    remaining = _integers(headers.get("x-ratelimit-remaining"))
    resets = _integers(headers.get("x-ratelimit-reset"))
    # Where a proxy adds its own, the narrower counts.
    if not limits or not min(limits) or not remaining or not resets:
        return None
    return RateHeaders(min(limits), min(*remaining, *limits), max(resets))


def retry_after(headers: Mapping[str, str]) -> tuple[int | None, float | None]:
    """Return ``Retry-After`` as seconds from now, or else as a time of the server's clock."""
    text = headers.get("retry-after")
    seconds = _integers(text)
    return (max(seconds), None) if seconds else (None, http_date(text))


def age(headers: Mapping[str, str]) -> float:
    """Return the seconds for which a cache says that it has kept the answer; 0 without a word.

    One that says that it had the answer, and not since when, may have had it for a day.
    """
    known = [float(seconds) for seconds in _integers(headers.get("age"))]
    if not known and any(_HIT.search(headers.get(name, "")) for name in _CACHES):
        return UNKNOWN_AGE
    return max(known, default=0.0)


def _integers(text: str | None) -> list[int]:
    """Return the numbers of a header that may be there twice: `100, 100;w=60`."""
    numbers = [_NUMBER.fullmatch(part.strip()) for part in (text or "").split(",")]
    return [int(number[1]) for number in numbers if number]
