"""Moments in UTC, from whatever languages and exports write for them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pendulum
from pendulum.parsing.exceptions import ParserError

from pipelines.source.values import NOT_YET, BadValueError, is_absent, kind_of, scalar

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST = datetime(1970, 1, 2, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)
#: Fewer seconds than until 2000 are no time of this API, but a date like 20260603.
_FEWEST_TICKS = 946_684_800
#: Ticks in a second, by the number that is too large for it: seconds, milli-, micro-, nanoseconds.
_TICKS = ((10**11, 1), (10**14, 10**3), (10**17, 10**6), (10**20, 10**9))

#: What nearly every time looks like: in UTC, and between 2000 and 2200.
_USUAL = re.compile(
    r"2[01][0-9]{2}-[0-9]{2}-[0-9]{2}[T ](?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}"
    r"(?:\.[0-9]{1,6})?(?:Z|\+00:00)"
)
#: In CSV a number is a text; BigQuery writes it as 1.7804808E9, .NET as /Date(…)/.
_EPOCH_TEXT = re.compile(
    r"(?P<digits>[0-9]{10}(?:[0-9]{3}){0,3}(?:\.[0-9]{1,9})?|[0-9](?:\.[0-9]+)?[eE]\+?(?:9|1[0-8]))"
    r"|/Date\((?P<dotnet>[0-9]{10,14})(?:[+-][0-9]{4})?\)/"
)
_COMPACT = re.compile(r"(20[0-9]{2})([01][0-9])([0-3][0-9])([0-2][0-9])([0-5][0-9])([0-5][0-9])")
#: A date and a time of day, then a zone in more words than ISO 8601 has: `Z[UTC]`, `+0000 UTC`.
_LONG_ZONE = re.compile(
    r"(?P<moment>[0-9]{4}[-/][0-9]{2}[-/][0-9]{2}[T ]+[0-9:.,]+?)\s*"
    r"(?:(?P<zone>Z|UTC|GMT|[+-][0-9]{2}:?[0-9]{2})(?:(?<=[0-9])\s+[A-Z]{1,5})?"
    r"(?:\[[\w/+-]+\])?(?:\s+m=[+-]\S+)?)?",
    re.IGNORECASE,
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
#: The parts of RFC 2822, of JavaScript's and ctime's texts; without one of them in two readings.
_WORDS = re.compile(
    r"(?P<weekday>\b(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*)"
    rf"|(?P<month>\b(?:{'|'.join(_MONTHS)})[a-z]*)"
    r"|(?P<clock>\b[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?)"
    r"|(?P<zone>(?:\b(?:gmt|utc|z)|(?<=[\s0-9]))[+-][0-9]{2}:?[0-9]{2}\b|\b(?:gmt|utc|z)\b)"
    r"|(?P<year>\b[0-9]{4}\b)|(?P<day>\b[0-9]{1,2}\b)|(?P<comment>\([^)]*\)$)",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r"[\s,-]*")


def time(value: Any) -> datetime | None:
    """Take a moment from any usual text, from a typed value, or from the ticks since 1970.

    A text without a zone is UTC, as in the vendor's examples. What is finer than a microsecond is
    cut off. The zeros that mean "not yet" are None.

    Raises:
        BadValueError: it is none, or has two readings, as 03/04/2026 has.
    """
    value = scalar(value)
    if usual := _usual(value):
        return usual
    if is_absent(value, NOT_YET):
        return None
    if isinstance(value, date):
        clock = value.timetz() if isinstance(value, datetime) else datetime.min.time()
        moment = datetime.combine(value, clock)
    elif isinstance(value, str):
        moment = _of_text(value.strip())
    elif isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        moment = _of_ticks(Decimal(repr(value)) if isinstance(value, float) else Decimal(value))
    else:
        raise BadValueError(f"is a {kind_of(value)}, not a time")
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if moment.year <= 1 or moment == EPOCH:
        return None  # the zero of Go and .NET, and of everybody
    if not _EARLIEST <= moment < _LATEST:
        raise BadValueError("is a time outside 1970 to 2200")
    return moment.astimezone(UTC)


def _usual(value: Any) -> datetime | None:
    """Read the usual text, of which nothing else has to be asked; None for all others."""
    try:
        is_usual = isinstance(value, str) and _USUAL.fullmatch(value)
        return datetime.fromisoformat(value) if is_usual else None
    except ValueError:  # the 30th of February
        return None


def _of_ticks(value: Decimal) -> datetime:
    """Read ticks since 1970; how long one is follows from how many there are."""
    if value == 0:
        return EPOCH
    if value.is_finite() and value >= _FEWEST_TICKS:
        for too_many, a_second in _TICKS:
            if value < too_many:
                microseconds = int(value * 10**6 / a_second)
                return EPOCH + timedelta(microseconds=microseconds)
    raise BadValueError("is not a time")


def _of_text(value: str) -> datetime:
    if ticks := _EPOCH_TEXT.fullmatch(value):
        return _of_ticks(Decimal(ticks["digits"] or ticks["dotnet"]))
    if value.startswith("0000-00-00") or value == "0":
        return EPOCH
    if compact := _COMPACT.fullmatch(value):
        value = "{}-{}-{}T{}:{}:{}".format(*compact.groups())
    elif long := _LONG_ZONE.fullmatch(value):
        value = long["moment"].replace("/", "-") + _offset(long["zone"])
    elif found := _spelt_out(value):
        value = found
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return _other_iso(value)


def _offset(zone: str | None) -> str:
    """Return a zone's offset; UTC for none."""
    return re.sub("[a-z]", "", zone or "", flags=re.IGNORECASE) or "+00:00"


def _spelt_out(value: str) -> str | None:
    """Write a date with the month's name in ISO 8601; None where a part is missing, or twice."""
    parts: dict[str, str] = {}
    for part in _WORDS.finditer(value):
        kind = str(part.lastgroup)
        if kind in parts:
            return None
        parts[kind] = part[0]
    if not parts.keys() >= {"year", "month", "day"} or not _BETWEEN.fullmatch(
        _WORDS.sub("", value)
    ):
        return None
    month = _MONTHS.index(parts["month"][:3].lower()) + 1
    clock = parts.get("clock", "00:00").rjust(5, "0")
    hours, _, rest = clock.partition(":")
    day = f"{parts['year']}-{month:02}-{int(parts['day']):02}"
    return f"{day}T{hours.zfill(2)}:{rest}{_offset(parts.get('zone'))}"


def _other_iso(value: str) -> datetime:
    """Take the forms of ISO 8601 and RFC 3339 that the standard library does not read."""
    try:
        # Without `exact`, a time of day would be one of today; and "now" would be now.
        moment = None if value == "now" else pendulum.parse(value, strict=True, exact=True)
    except (ParserError, ValueError, OverflowError):
        raise BadValueError("is not a time") from None
    if not isinstance(moment, datetime):
        raise BadValueError("is not a time")
    return moment
