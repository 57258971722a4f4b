"""Exact values from JSON: text, money, whole numbers and times, or a reason why not."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import pendulum
import simplejson
from pendulum.parsing.exceptions import ParserError

from pipelines.source.schema import MONEY

_SMALLEST = Decimal(1).scaleb(-MONEY.scale)
_LARGEST = Decimal(10) ** (MONEY.precision - MONEY.scale)
_INT64 = 2**63
_LONGEST = 10**1000
_SURROGATE = re.compile("[\ud800-\udfff]")
_EPOCH_TEXT = re.compile(r"[0-9]{10}([0-9]{3})?(\.[0-9]{1,9})?")
_EARLIEST = datetime(1970, 1, 2, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)


class BadValueError(ValueError):
    """A value that its column cannot hold; the text says why, without the value itself."""


def text(value: Any) -> str | None:
    """Take a string or a whole number, and refuse what a text column would misrepresent."""
    if value is None:
        return None
    if isinstance(value, str):
        if "\x00" in value:
            raise BadValueError("holds a NUL character")
        if not value.isascii() and _SURROGATE.search(value):
            raise BadValueError("holds half of a surrogate pair, which is no text")
        return value.strip() or None
    if isinstance(value, int) and not isinstance(value, bool):
        if not -_LONGEST < value < _LONGEST:
            raise BadValueError("is too large a number for an id")
        return str(value)
    raise BadValueError(f"is a {_kind(value)}, not text")


def money(value: Any) -> Decimal | None:
    """Take an exact amount from a JSON number or its text; never through a float."""
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, (int, Decimal, str)):
        raise BadValueError(f"is a {_kind(value)}, not an amount")
    try:
        amount = Decimal(value)
    except InvalidOperation:
        raise BadValueError("is not a number") from None
    # Compared as it stands: arithmetic on 1e99999999, even abs(), overflows.
    if not amount.is_finite() or not -_LARGEST < amount < _LARGEST:
        raise BadValueError("is too large for an amount")
    exact = amount.quantize(_SMALLEST)
    if exact != amount:
        raise BadValueError(f"has more than {MONEY.scale} decimal places")
    return exact


def integer(value: Any) -> int | None:
    """Take a whole number of 64 bits, as a number or as its text."""
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise BadValueError(f"is a {_kind(value)}, not a whole number")
    try:
        number = int(value)
    except ValueError:
        raise BadValueError("is not a whole number") from None
    if not -_INT64 <= number < _INT64:
        raise BadValueError("does not fit into 64 bits")
    return number


def time(value: Any) -> datetime | None:
    """Take ISO 8601, or epoch seconds or milliseconds, as a time in UTC.

    A text without a zone is UTC, as in the vendor's examples.
    """
    if value is None or value == "":
        return None
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
    elif isinstance(value, str):
        moment = _iso(value.strip())
    elif isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        moment = _epoch(Decimal(value))
    else:
        raise BadValueError(f"is a {_kind(value)}, not a time")
    if not _EARLIEST <= moment < _LATEST:
        raise BadValueError("is a time outside 1970 to 2200")
    return moment.astimezone(UTC)


def _epoch(value: Decimal) -> datetime:
    """Take epoch seconds, or milliseconds where the number is too large for seconds."""
    if not value.is_finite() or not 0 <= value < 10**14:
        raise BadValueError("is not a time")
    seconds = value / 1000 if value > 10**11 else value
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=float(seconds))


def _iso(value: str) -> datetime:
    if _EPOCH_TEXT.fullmatch(value):  # in CSV, a number is a text
        return _epoch(Decimal(value))
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        moment = _other_iso(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


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


def as_json(value: Any) -> str | None:
    """Write a JSON value as text: keys sorted, numbers digit by digit as they were sent."""
    if value is None:
        return None
    written = simplejson.dumps(
        value,
        ignore_nan=True,  # Parquet has them, JSON does not
        use_decimal=True,
        sort_keys=True,
        ensure_ascii=False,
        separators=(",", ":"),
        default=str,
    )
    # Half a surrogate pair, as a name that was cut within an emoji has it, is legal in JSON, but
    # DuckDB refuses the whole batch for it: it is kept as the text of its escape.
    return str(written) if written.isascii() else _SURROGATE.sub(_escaped_twice, written)


def _escaped_twice(half: re.Match[str]) -> str:
    return f"\\\\u{ord(half[0]):04x}"


def _kind(value: Any) -> str:
    names = {bool: "true/false", dict: "object", list: "list", Decimal: "fraction", int: "number"}
    return names.get(type(value), type(value).__name__)
