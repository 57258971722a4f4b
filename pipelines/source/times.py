"""Moments in UTC, from whatever languages and exports write for them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from pipelines.source.dates import of_text
from pipelines.source.names import snake
from pipelines.source.values import BadValueError, integer, kind_of, quantity

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST = datetime(1970, 1, 2, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)
#: What databases have for a date that is none: SQL Server's zeros, and the end of all time.
_ZEROS = frozenset(
    {(1601, 1, 1), (1753, 1, 1), (1899, 12, 30), (1900, 1, 1), (1969, 12, 31), (9999, 12, 31)}
)
#: The same as seconds since 1970, and -1.
_ZERO_TICKS = frozenset({-62_135_596_800, 253_402_300_799, -1})
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
    r"(?P<digits>[0-9]{10}(?:[0-9]{3}){0,3}(?:[.,][0-9]{1,9})?|[0-9](?:\.[0-9]+)?[eE]\+?(?:9|1[0-8]))"
    r"|(?:\\?/|new )Date\((?P<dotnet>[0-9]{10,14})(?:[+-][0-9]{4})?\)(?:\\?/)?"
)
#: As a shell or a language shows its own: ISODate("…"), Timestamp('…', tz='UTC').
_SHOWN = re.compile(r"[\w. ]{4,30}\([\"']([^\"']{8,60})[\"'](?:, ?tz=[\"'](UTC)[\"'])?\)")
_SHOWN_PARTS = re.compile(
    r"(?:datetime\.)?datetime\(([0-9]{4}(?:, ?[0-9]{1,6}){4,6})"
    r"(?:, ?tzinfo=[\w.]*\butc)?\)",
    re.IGNORECASE,
)
_NOT_YET = re.compile(
    r"not(?: yet)?(?: been)? [a-z]+(?: yet)?|un(?:paid|shipped|sent|delivered|cancell?ed|opened)"
    r"|(?:awaiting|pending|waiting for|never)(?: [a-z]+)?|to be [a-z]+|in (?:transit|progress)"
    r"|no date|invalid (?:date|datetime)|(?:not|is) set|processing|scheduled|expected|tbc"
    r"|[(<]?(?:empty|na|blank)[)>]?|n\.?[/.]?[dv]\.?|epoch|#(?:value|ref|null)!"
    r"|\[\]|\{\}|0+(?:\.0+)?|-1|-62135596800",
    re.IGNORECASE,
)
#: Where objects have the whole of a moment: BigQuery's, Parse's.
_WHOLE = ("iso", "iso8601", "iso_string", "value", "utc", "datetime", "date_time", "timestamp")
#: And ticks, by the name of their unit.
_TICKED = ("epoch", "unix", "ms", "millis", "epoch_seconds", "epoch_millis", "t")
_PARTS = ("year", "month", "day", "hour", "minute", "second")
_NANOS = ("nanos", "nanoseconds", "nano")


def time(value: Any) -> datetime | None:
    """Take a moment from any usual text, from a typed value, or from the ticks since 1970.

    A text without a zone is UTC, as in the vendor's examples. What is finer than a microsecond is
    cut off. The zeros that mean "not yet" are None.

    Raises:
        BadValueError: it is none, or has two readings, as 03/04/2026 has.
    """
    if moment := usual(value):
        return moment
    value = quantity(value)
    # PHP has false and empty lists in the place of what is not there.
    if value is None or value is False or value in ([], {}):
        return None
    if isinstance(value, str) and _NOT_YET.fullmatch(value):
        return None
    moment = _moment(value)
    if moment is None:
        return None
    if moment.year <= 1 or (moment.year, moment.month, moment.day) in _ZEROS or moment == EPOCH:
        return None  # the zero of Go and .NET, of databases, and of everybody
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if moment == EPOCH:
        return None
    if not _EARLIEST <= moment < _LATEST:
        raise BadValueError("is a time outside 1970 to 2200")
    return moment.astimezone(UTC)


def _moment(value: Any) -> datetime | None:
    if isinstance(value, date):
        clock = value.timetz() if isinstance(value, datetime) else datetime.min.time()
        return datetime.combine(value, clock)
    if isinstance(value, str):
        return _of_text(value)
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        return _of_ticks(Decimal(repr(value)) if isinstance(value, float) else Decimal(value))
    if isinstance(value, Mapping):
        return _of_object({snake(str(name)).strip("_"): part for name, part in value.items()})
    if (
        isinstance(value, list)
        and (len(value) == 3 or 5 <= len(value) <= 7)
        and all(type(part) is int for part in value)
    ):
        return _of_parts(value)
    raise BadValueError(f"is a {kind_of(value)}, not a time")


def _of_object(parts: Mapping[str, Any]) -> datetime | None:
    """Read a moment in parts: protobuf's and Firestore's seconds, PHP's date with its zone."""
    if "seconds" in parts:
        nanos = next((parts[name] for name in _NANOS if name in parts), 0)
        seconds = time(parts["seconds"])
        if seconds is None or type(nanos) is not int or not 0 <= nanos < 10**9:
            raise BadValueError("is a object, not a time")
        return seconds + timedelta(microseconds=nanos // 1000)
    if {"year", "month", "day"} <= parts.keys() <= {*_PARTS}:
        return time([integer(parts.get(name)) or 0 for name in _PARTS])
    if len(parts) == 1 and (inner := next(iter(parts))) == "timestamp":
        return time(parts[inner])
    if {"date", "time"} == parts.keys():
        return time(f"{parts['date']} {parts['time']}")
    whole = [parts[name] for name in (*_WHOLE, "date") if isinstance(parts.get(name), str)]
    if len(whole) == 1:
        zone = parts.get("timezone") or parts.get("time_zone")
        return time(f"{whole[0]} {zone}" if isinstance(zone, str) else whole[0])
    ticks = [parts[name] for name in _TICKED if parts.get(name) is not None]
    if len(ticks) == 1:
        return time(ticks[0])
    raise BadValueError("is a object, not a time")


def _of_parts(parts: list[int]) -> datetime:
    """Read year, month, day and clock, as Java's serializers write them, nanoseconds last."""
    year, month, day, hour, minute, second, nanos = [*parts, 0, 0, 0, 0][:7]
    try:
        return datetime(year, month, day, hour, minute, second, nanos // 1000, tzinfo=UTC)
    except (ValueError, OverflowError):
        raise BadValueError("is a list, not a time") from None


def usual(value: Any) -> datetime | None:
    """Read the usual text, of which nothing else has to be asked; None for all others."""
    try:
        is_usual = isinstance(value, str) and _USUAL.fullmatch(value)
        return datetime.fromisoformat(value) if is_usual else None
    except ValueError:  # the 30th of February
        return None


def _of_ticks(value: Decimal) -> datetime:
    """Read ticks since 1970; how long one is follows from how many there are."""
    if value == 0 or value in _ZERO_TICKS:
        return EPOCH
    for too_many, a_second in _TICKS if value.is_finite() else ():
        if value < too_many:
            if value < _FEWEST_TICKS * a_second:
                break  # a date like 20260603, or ticks of another kind, since another year
            return EPOCH + timedelta(microseconds=int(value * 10**6 / a_second))
    raise BadValueError("is not a time")


def _of_text(value: str) -> datetime:
    if ticks := _EPOCH_TEXT.fullmatch(value):
        return _of_ticks(Decimal((ticks["digits"] or ticks["dotnet"]).replace(",", ".")))
    if shown := _SHOWN.fullmatch(value):
        value = f"{shown[1]} {shown[2] or ''}".strip()
    if shown := _SHOWN_PARTS.fullmatch(value):
        return _of_parts([int(part) for part in shown[1].split(",")])
    return EPOCH if value.startswith("0000-00-00") else of_text(value)
