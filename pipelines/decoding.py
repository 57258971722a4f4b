"""JSON with every number exact; in a list, an element that cannot be read costs only itself.

The usual answer goes through the standard library in one piece. Where that fails, the objects
around the list are read by hand and the list element by element.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from hashlib import blake2b
from typing import Any

from pipelines.redaction import without_secrets

#: A list stands at the top, in an object, or in an object of it; deeper ones belong to a row.
ENVELOPE_DEPTH = 2

_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"|["\[\]{}]', re.DOTALL)
_PLAIN = re.compile(r"[^\s,:\[\]{}\"]+")
_BLANK = re.compile(r"[ \t\r\n]*")
#: A name that a programmer gave; others, such as an address as a key, may be somebody's.
_FIELD_NAME = re.compile(r"(?!.*\d{4})[A-Za-z_][\w.-]{0,39}", re.ASCII)
#: How a byte that is not UTF-8 looks in a text that was decoded all the same.
_BAD_BYTE = re.compile("[\udc80-\udcff]")


class NotTheContractError(ValueError):
    """An answer's body is not of a form that any version of the API has."""


class RefusedError(ValueError):
    """JSON that its grammar allows and nobody can have meant; its text completes "it …"."""


@dataclass(frozen=True)
class Undecodable:
    """An element of a list that cannot be read.

    ``reason`` is for a person and holds no value; ``size`` is in characters; ``digest`` tells two
    of them apart.
    """

    reason: str
    size: int
    digest: str = ""


def decode(body: bytes) -> Any:
    """Parse JSON with every number exact: fractions become ``Decimal``, never float.

    Raises:
        NotTheContractError: the body is not JSON, holds a number beyond all bounds, or has a key
            twice in one object. NaN and the infinities are read: they cost their own value.
    """
    try:
        return _load(_text_of(body))
    except _UNREADABLE as error:
        raise NotTheContractError(_why_not(body, error)) from error


def decode_list(body: bytes) -> Any:
    """Parse an answer that holds a list; its unreadable elements become :class:`Undecodable`.

    Raises:
        NotTheContractError: what is around the list cannot be read, or has a key twice.
    """
    try:
        return _load(_text_of(body))
    except _UNREADABLE:
        pass  # once more, and slowly
    try:
        return _Envelope(_text_of(body, "surrogateescape")).read()
    except _UNREADABLE as error:
        raise NotTheContractError(_why_not(body, error)) from error


def _text_of(body: bytes, bad_bytes: str = "surrogatepass") -> str:
    return body.decode(json.detect_encoding(body), bad_bytes)


def shown_key(name: str) -> str:
    """Return a key as a message may have it."""
    return repr(without_secrets(name, "")) if _FIELD_NAME.fullmatch(name) else "<name>"


def object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build an object; of a key that is there twice nobody knows which value is meant."""
    found = dict(pairs)
    if len(found) != len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = next(name for name, count in counts.items() if count > 1)
        raise RefusedError(f"has the key {shown_key(twice)} twice")
    return found


#: A line break in a text is no JSON, and yet no riddle; nor is NaN, which costs its own value.
_DECODER = json.JSONDecoder(
    parse_float=Decimal,
    parse_constant=Decimal,
    object_pairs_hook=object_of,
    strict=False,
)
_load: Callable[[str], Any] = _DECODER.decode
_UNREADABLE = (ValueError, ArithmeticError, RecursionError)


def _why_not(body: bytes, error: Exception) -> str:
    if isinstance(error, RefusedError):
        return f"the answer {error}"
    kind = "a web page" if body.lstrip()[:1] == b"<" else "empty" if not body else "not JSON"
    return f"the answer is {kind}"


def _reason(error: Exception) -> str:
    """Say what is wrong with one element, without its values."""
    if isinstance(error, RefusedError):
        return f"the record {error}"
    if isinstance(error, RecursionError):
        return "the record is nested too deeply"
    if isinstance(error, json.JSONDecodeError):
        return "the record is not JSON"
    return "the record holds a number beyond all bounds"


class _Envelope:
    """An answer's text, of which everything around the lists has to be whole."""

    def __init__(self, text: str) -> None:
        self._text = text

    def read(self) -> Any:
        """Return the whole, with a marker for each element that cannot be read."""
        value, end = self._value(self._skip(0), 0)
        if self._skip(end) != len(self._text):
            raise ValueError("something follows the answer")
        if isinstance(value, list) and all(isinstance(part, Undecodable) for part in value):
            raise ValueError("nothing of it can be read")
        return value

    def _value(self, at: int, depth: int) -> tuple[Any, int]:
        mark = self._text[at : at + 1]
        if mark == "{" and depth <= ENVELOPE_DEPTH:
            pairs, end = self._parts(at, "}", lambda begin: self._pair(begin, depth + 1))
            return object_of(pairs), end
        if mark == "[":
            return self._parts(at, "]", self._element)
        end = self._end_of(at)
        try:
            return _load(self._text[at:end]), end
        except json.JSONDecodeError:
            raise
        except _UNREADABLE as error:
            # A total of 5,000 digits is no total, and no reason to lose the rows beside it.
            return self._marker(at, end, _reason(error)), end

    def _parts(
        self, at: int, close: str, part: Callable[[int], tuple[Any, int]]
    ) -> tuple[list[Any], int]:
        """Read what stands between two brackets, parted by commas."""
        found: list[Any] = []
        at = self._skip(at + 1)
        if self._text[at : at + 1] == close:
            return found, at + 1
        while True:
            value, end = part(at)
            found.append(value)
            at = self._skip(end)
            mark = self._text[at : at + 1]
            if mark == close:
                return found, at + 1
            if mark != ",":
                raise ValueError("a comma or a bracket is missing")
            at = self._skip(at + 1)

    def _pair(self, at: int, depth: int) -> tuple[tuple[str, Any], int]:
        end = self._end_of(at)
        name = _load(self._text[at:end])
        at = self._skip(end)
        if not isinstance(name, str) or self._text[at : at + 1] != ":":
            raise ValueError("a key or its colon is missing")
        value, end = self._value(self._skip(at + 1), depth)
        return (name, value), end

    def _element(self, at: int) -> tuple[Any, int]:
        end = self._end_of(at)
        if _BAD_BYTE.search(self._text, at, end):
            return self._marker(at, end, "the record holds a byte that is not UTF-8"), end
        try:
            return _load(self._text[at:end]), end
        except _UNREADABLE as error:
            return self._marker(at, end, _reason(error)), end

    def _marker(self, at: int, end: int, reason: str) -> Undecodable:
        text = self._text[at:end].encode(errors="surrogateescape")
        return Undecodable(reason, end - at, blake2b(text, digest_size=12).hexdigest())

    def _skip(self, at: int) -> int:
        blank = _BLANK.match(self._text, at)
        return blank.end() if blank else at

    def _end_of(self, at: int) -> int:
        """Return where the value that begins here ends, however deep it is."""
        plain = _PLAIN.match(self._text, at)
        if plain:
            return plain.end()
        depth = 0
        for token in _TOKEN.finditer(self._text, at):
            begin, end = token.span()
            mark = self._text[begin]
            if mark == '"':
                if end - begin == 1:
                    break  # a text without its end
            else:
                depth += 1 if mark in "[{" else -1
            if depth <= 0:
                return end
        raise ValueError("a bracket or a quotation mark is missing")
