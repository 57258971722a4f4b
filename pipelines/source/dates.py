"""Dates and clocks in text, in the forms that languages, databases and people write."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pendulum
from pendulum.parsing.exceptions import ParserError

from pipelines.source.values import BadValueError

_COMPACT = re.compile(r"(20[0-9]{2})([01][0-9])([0-3][0-9])([0-2][0-9])([0-5][0-9])([0-5][0-9])")
#: The hours of zones with letters: those of America are RFC 2822's, and count in its texts only.
#: CST is China's, too: Java writes it so.
_LETTERS = {"Z": 0, "UTC": 0, "GMT": 0, "UT": 0}
_AMERICAN = {"EST": -5, "EDT": -4, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7}
_ZONE = (
    r"(?:(?:UTC|GMT)?\s*[+-][0-9]{1,2}(?::?[0-9]{2})?|(?:UTC|GMT|UT|Z)\b"
    r"|\[?[A-Z_]+(?:/[\w+-]+)+\]?)"
)
_CLOCK = r"(?P<clock>[0-9]{1,2}:[0-9]{1,2}(?::[0-9]{1,2}(?:[.,][0-9]+)?)?)"
_HALF = r"(?P<half>[ap]\.?m\b\.?)"
#: A date that begins with its year, perhaps a clock, and a zone in as many words as it takes.
_YEAR_FIRST = re.compile(
    r"(?P<year>[0-9]{4})(?P<mark>[-/.])(?P<month>[0-9]{1,2})(?P=mark)(?P<day>[0-9]{1,2})"
    rf"(?:(?:T|_|,?\s+T?){_CLOCK}\s*{_HALF}?\s*(?P<zone>{_ZONE})?"
    r"(?(zone)(?:\s+\(?[A-Z]{1,5}\)?)?)(?:(?<=[0-9Z])\[[\w/+-]+\])?(?:\s+m=[+-]\S+)?)?",
    re.IGNORECASE,
)
#: Apache's and the browsers' old form, of which the weekday tells the day from the year.
_OTHERS_DAY = re.compile(
    r"(?:[A-Z][a-z]+day, )?(?P<day>[0-9]{2})[-/](?P<month>[A-Z][a-z]{2})[-/]"
    r"(?P<year>20[0-9]{2}|(?<=day, ..[-/]...[-/])[0-9]{2})[: ]"
    r"(?P<clock>[0-9]{2}:[0-9]{2}:[0-9]{2}.*)"
)
#: DB2's clock.
_DOTTED = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[-T ]([0-9]{2})\.([0-9]{2})\.([0-9]{2})(\D.*)?")
#: A date that ends with its year: which number is the day shows only where it is above 12.
_YEAR_LAST = re.compile(r"([0-9]{1,2})([-/.])([0-9]{1,2})\2([0-9]{4})\b(.*)", re.DOTALL)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
#: The parts of RFC 2822, of JavaScript's and ctime's texts; without one of them in two readings.
_WORDS = re.compile(
    r"(?P<weekday>\b(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*)"
    rf"|(?P<month>\b(?:{'|'.join(_MONTHS)})[a-z]*)"
    rf"|\b{_CLOCK}|\b{_HALF}|(?P<half_after>(?<=[0-9])[ap]m\b)"
    rf"|(?P<zone>(?<![^\s0-9])(?:{_ZONE}|\b(?:{'|'.join(_AMERICAN)})\b))"
    r"|(?P<year>\b[0-9]{4}\b)|(?P<day>\b[0-9]{1,2}(?:st|nd|rd|th)?\b)|(?P<comment>\([^)]*\)$)",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r"[\s,-]*(?:at)?[\s,-]*", re.IGNORECASE)


def of_text(value: str) -> datetime:
    """Read a date, perhaps with a clock and a zone; without a zone, in UTC.

    Raises:
        BadValueError: it is none, or has two readings.
    """
    value = value.translate(_DASHES)
    if other := _OTHERS_DAY.fullmatch(value):
        value = f"{other['day']} {other['month']} 20{other['year'][-2:]} {other['clock']}"
    if dotted := _DOTTED.fullmatch(value):
        value = "{}T{}:{}:{}{}".format(*(part or "" for part in dotted.groups()))
    if compact := _COMPACT.fullmatch(value):
        value = "{}-{}-{}T{}:{}:{}".format(*compact.groups())
    if last := _YEAR_LAST.fullmatch(value):
        value = _year_first(*last.groups())
    parts = _YEAR_FIRST.fullmatch(value)
    found = parts.groupdict() if parts else _spelt_out(value)
    return _built(found) if found else _other_iso(value)


_DASHES: dict[int, str | None] = {0x2212: "-", 0x2010: "-", 0x2011: "-"}
#: Years, months, days and clocks of Japan and China.
_DASHES |= {0x5E74: "-", 0x6708: "-", 0x65E5: None, 0x6642: ":", 0x65F6: ":", 0x5206: ":"}
_DASHES |= {0x79D2: None}


def _year_first(one: str, _: str, other: str, year: str, rest: str) -> str:
    """Write a date that ends with its year the other way around."""
    days, months = (one, other) if int(one) > 12 else (other, one)
    if int(days) <= 12 and int(one) != int(other):
        raise BadValueError("has two readings: either number may be the month")
    return f"{year}-{months}-{days}{rest}"


def _spelt_out(value: str) -> dict[str, str | None] | None:
    """Return the parts of a date with the month's name; None where one is missing, or twice."""
    parts: dict[str, str | None] = {"clock": None, "half": None, "zone": None}
    for part in _WORDS.finditer(value):
        kind = str(part.lastgroup).removesuffix("_after")
        if parts.get(kind):
            return None
        parts[kind] = part[0]
    if not parts.keys() >= {"year", "month", "day"} or not _BETWEEN.fullmatch(
        _WORDS.sub("", value)
    ):
        return None
    month = _MONTHS.index(str(parts["month"])[:3].lower()) + 1
    return {**parts, "month": str(month), "day": str(parts["day"]).rstrip("sthnrd")}


def _built(parts: Mapping[str, str | None]) -> datetime:
    """Build a moment from its parts."""
    try:
        year, month, day = (int(parts[name] or 0) for name in ("year", "month", "day"))
        midnight = datetime(year, month, day, tzinfo=UTC)
        moment = midnight + _since_midnight(parts["clock"] or "0:0", parts["half"])
        return moment.replace(tzinfo=_zone(parts["zone"], moment))
    except (ValueError, OverflowError):
        raise BadValueError("is not a time") from None


def _since_midnight(clock: str, half: str | None) -> timedelta:
    """Return how long after midnight a clock stands so; the end of the day and leap seconds too."""
    hours, minutes, *rest = clock.replace(",", ".").split(":")
    hour, minute = int(hours), int(minutes)
    seconds, _, part = (rest[0] if rest else "0").partition(".")
    if half:
        if not 1 <= hour <= 12:
            raise ValueError(clock)
        hour = hour % 12 + (12 if half[0] in "pP" else 0)
    micros = int(part[:6].ljust(6, "0"))
    since = timedelta(hours=hour, minutes=minute, seconds=int(seconds), microseconds=micros)
    if minute > 59 or int(seconds) > 60 or since > timedelta(days=1, seconds=1):
        raise ValueError(clock)
    return since


def _zone(text: str | None, moment: datetime) -> tzinfo:
    """Return a zone by its offset, letters or place; UTC for none.

    Raises:
        ValueError: there is none such, or its clocks showed this time twice.
    """
    name = (text or "Z").strip("[]")
    if "/" in name:
        try:
            zone = ZoneInfo(name)
        except (ZoneInfoNotFoundError, OSError):
            raise ValueError(name) from None
        first, second = (moment.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
        if first.utcoffset() != second.utcoffset():
            raise ValueError(name)
        return zone
    if (hours_of := (_LETTERS | _AMERICAN).get(name.upper())) is not None:
        return timezone(timedelta(hours=hours_of))
    offset = re.sub("[a-z :]", "", name, flags=re.IGNORECASE)
    hours, minutes = (offset[1:3], offset[3:]) if len(offset) > 2 else (offset[1:], "0")
    length = timedelta(hours=int(hours), minutes=int(minutes or 0))
    return timezone(-length if offset[0] == "-" else length)


def _other_iso(value: str) -> datetime:
    """Take the forms of ISO 8601 and RFC 3339 that are no date with a clock behind it."""
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        pass
    try:
        # Without `exact`, a time of day would be one of today; and "now" would be now.
        moment = None if value == "now" else pendulum.parse(value, strict=True, exact=True)
    except (ParserError, ValueError, OverflowError):
        raise BadValueError("is not a time") from None
    if not isinstance(moment, datetime):
        raise BadValueError("is not a time")
    return moment
