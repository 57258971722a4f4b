"""Exact values from JSON and typed files: text, ids and whole numbers, or a reason why not.

Amounts are in ``money.py``, times in ``times.py``. Whatever has one reading is read; what has two
is never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

import simplejson

#: Ids are keys, and stand in every index and message: none that is real is longer.
LONGEST_ID = 200
_INT64 = 2**63
_LONGEST = 10**1000
_SURROGATE = re.compile("[\ud800-\udfff]")
#: Alone, in the braces of Windows, or as a URN.
_UUID = re.compile(
    r"\s*(?:urn:uuid:|\{)?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\}?\s*", re.IGNORECASE
)
_LONGEST_UUID = 50
_WHOLE = re.compile(r"[+-]?[0-9]{1,40}(\.0{1,40})?")
_GROUPED = re.compile(r"[+-]?[1-9][0-9]{0,2}(?P<mark>[,' ])[0-9]{3}(?:(?P=mark)[0-9]{3}){0,5}")
#: `3 of 5`, `3/5`, `3 attempts`.
_COUNT = re.compile(
    r"([0-9]{1,6}) ?(?:(?:/|of) ?[0-9]{1,6}|attempts?|try|tries|times|x)", re.IGNORECASE
)
#: `502 Bad Gateway`, `HTTP/1.1 502`, `Request failed with status code 502`, `[502]`.
_STATUS_LINE = re.compile(
    r"(?:(?:.*\b)?(?:status|response)(?:[ _]?code)?[\s:=]+|(?:.*\b)?returned(?: an?)?\s+"
    r"|HTTP(?:/[0-9.]+)?[\s:_]+(?:error\s+)?|(?:error|code)[\s:]+)?"
    r"[(\[<]?([1-5][0-9]{2})[)\]>]?(?!\s*(?:[mk]?b|bytes|m?s|(?:milli)?seconds?)\b)(?:[\s:;,-].*)?",
    re.DOTALL | re.IGNORECASE,
)
#: What is not seen: byte order marks, letters of no width, marks of direction.
_UNSEEN = dict.fromkeys((0xFEFF, 0x200B, 0x200C, 0x200D, 0x200E, 0x200F, 0x2060, 0xAD))
#: Digits, letters and marks of full width, as East Asia types them.
_WIDE = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)}

#: What systems write where a text has no value, in small letters.
NO_TEXT = frozenset(
    {"", "null", "(null)", "<null>", "[null]", "undefined", "n/a", "#n/a", "n.a.", "-", "--", "\\n"}
    | {"\u2013", "\u2014"}  # a dash, as it is printed
)
#: And where an id, a number or a time has none: there, it cannot be the value itself.
NOT_YET = (
    NO_TEXT
    | {"none", "(none)", "none yet", "nil", "nan", "nat", "na", "never", "not yet", "pending"}
    | {"tbd", "tba", "unknown", "unset", "not set", "not available", "not applicable", "missing"}
    | {"?", "...", "\u2026", "no", "false"}
)
#: Types that hold nothing: asked first, because to tell that a value is no `Mapping` takes long.
_PLAIN = frozenset({str, int, Decimal, type(None)})
_LONGEST_ABSENCE = max(map(len, NOT_YET))


_ENCODER = simplejson.JSONEncoder(
    ignore_nan=True,  # Parquet has them, JSON does not
    use_decimal=True,
    sort_keys=True,
    ensure_ascii=False,
    separators=(",", ":"),
    default=str,
)


class BadValueError(ValueError):
    """A value that its column cannot hold as it stands; the text says why, without the value.

    ``instead`` is what the row has in its place; None: nothing.
    """

    def __init__(self, reason: str, instead: Any = None) -> None:
        super().__init__(reason)
        self.instead = instead


def is_absent(value: Any, words: frozenset[str] = NO_TEXT) -> bool:
    """Tell whether a value says that there is none, in one of the words."""
    if not isinstance(value, str):
        return value is None
    return len(value) <= _LONGEST_ABSENCE and value.strip().lower() in words


def scalar(value: Any) -> Any:
    """Take the one value of a list of one, or of an object like ``{"$oid": …}`` that types it."""
    while type(value) not in _PLAIN:
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        elif isinstance(value, Mapping) and len(value) == 1 and _types_it(str(*value)):
            (value,) = value.values()
        else:
            break
    return value


def _types_it(name: str) -> bool:
    """Tell whether a name says of what type its value is, as MongoDB's and DynamoDB's do."""
    return name.startswith("$") or name in ("S", "N")


def quantity(value: Any) -> Any:
    """Take a value that is no text as such: None for none, and a text without what is not seen."""
    value = scalar(value)
    if isinstance(value, str):
        if len(value) > LONGEST_ID:
            raise BadValueError(f"is longer than {LONGEST_ID} characters")
        value = value if value.isascii() else value.translate(_UNSEEN).translate(_WIDE)
        value = unquoted(value.strip())
    return None if is_absent(value, NOT_YET) else value


def unquoted(text: str) -> str:
    """Take a text out of the quotation marks of somebody who wrote it as JSON twice."""
    is_quoted = len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'"
    return text[1:-1].strip() if is_quoted else text


def text(value: Any) -> str | None:
    """Take a string or a whole number, and refuse what a text column would misrepresent."""
    value = scalar(value)
    return None if is_absent(value) else _text(value).strip() or None


def identifier(value: Any) -> str | None:
    """Take an id as it stands, blanks and all; UUIDs, which have no case, in small letters."""
    value = scalar(value)
    if is_absent(value, NOT_YET) or value is False:
        return None
    found = _text(value)
    if len(found) > LONGEST_ID:
        raise BadValueError(f"is longer than {LONGEST_ID} characters")
    if 36 <= len(found) <= _LONGEST_UUID and (uuid := _UUID.fullmatch(found)):
        return uuid[1].lower()
    return found if found.strip() else None


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "surrogateescape")  # and so refused below
    if isinstance(value, str):
        if "\x00" in value:
            raise BadValueError("holds a NUL character")
        if not value.isascii() and _SURROGATE.search(value):
            raise BadValueError("holds half of a surrogate pair, which is no text")
        return value
    if isinstance(value, UUID):
        return str(value)
    number = whole(value)
    if number is None:
        raise BadValueError(f"is a {kind_of(value)}, not text")
    if not -_LONGEST < number < _LONGEST:
        raise BadValueError("is too large a number for an id")
    return str(number)


def whole(value: Any) -> int | None:
    """Return a number that is whole, as ``5.0`` is; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        value = Decimal(repr(value))
    if isinstance(value, Decimal):
        # Compared first: the digits of 1e99999999 would fill the memory.
        is_whole = value.is_finite() and -_LONGEST < value < _LONGEST and value == int(value)
        return int(value) if is_whole else None
    return value if isinstance(value, int) else None


def integer(value: Any) -> int | None:
    """Take a whole number of 64 bits, as a number or as its text."""
    value = quantity(value)
    if value is None:
        return None
    if isinstance(value, str):
        if grouped := _GROUPED.fullmatch(value):
            value = value.replace(grouped["mark"], "")
        found = Decimal(value) if _WHOLE.fullmatch(value) else None
        number = whole(found)
    elif isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        number = whole(value)
    else:
        raise BadValueError(f"is a {kind_of(value)}, not a whole number")
    if number is None:
        raise BadValueError("is not a whole number")
    if not -_INT64 <= number < _INT64:
        raise BadValueError("does not fit into 64 bits")
    return number


def count(value: Any) -> int | None:
    """Take a whole number, the length of a list of what is counted, or a text like ``3 of 5``."""
    if isinstance(value, list):
        return len(value)
    told = _COUNT.fullmatch(value.strip()) if isinstance(value, str) else None
    return integer(told[1] if told else value)


def http_status(value: Any) -> int | None:
    """Take an HTTP status, as a number or out of its text: ``502 Bad Gateway``.

    0 and -1, which clients have where no answer came, are None.
    """
    line = _STATUS_LINE.fullmatch(value.strip()[:LONGEST_ID]) if isinstance(value, str) else None
    found = int(line[1]) if line else integer(value)
    return None if found in (0, -1) else found


def says_more(value: Any, number: Any) -> bool:
    """Tell whether a text says more than the whole number that was read out of it."""
    return isinstance(value, str) and type(number) is int and str(number) != value.strip()


def as_json(value: Any) -> str | None:
    """Write a JSON value as text: keys sorted, numbers digit by digit as they were sent."""
    if value is None:
        return None
    written = _ENCODER.encode(value)
    # Half a surrogate pair, as a name that was cut within an emoji has it, is legal in JSON, but
    # DuckDB refuses the whole batch for it: it is kept as the text of its escape.
    return str(written) if written.isascii() else _SURROGATE.sub(_escaped_twice, written)


def _escaped_twice(half: re.Match[str]) -> str:
    return f"\\\\u{ord(half[0]):04x}"


def kind_of(value: Any) -> str:
    """Name the type of a JSON value, for a person."""
    names = {bool: "true/false", dict: "object", list: "list", Decimal: "fraction", int: "number"}
    return names.get(type(value), "text" if isinstance(value, str) else type(value).__name__)
