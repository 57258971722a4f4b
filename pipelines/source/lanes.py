"""A column of values at a time: the commonest form of each kind by Arrow, all others one by one.

A lane takes the values of one column, of many records, and returns the Arrow array with the rows
that are to take the careful path: those whose value cannot be read, or only with a note. What a
lane does not do by itself it asks the careful path's own reader for, value by value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.source.privacy import TELLTALES
from pipelines.source.schema import arrow_type
from pipelines.source.values import LONGEST_ID, BadValueError, says_more

Values = Sequence[Any]
Read = Callable[[Any], Any]
Lane = Callable[[Values, Read], tuple[pa.Array, set[int]]]

#: UUIDs in capitals or as URNs are folded one by one, what is short may be a word for "none", and
#: a secret is no id.
_PLAIN_ID = r"^[0-9A-Za-z][0-9A-Za-z_.:-]*$"
_SHORTEST_ID = 12
_ODD_ID = rf"^[0-9A-Fa-f-]*[A-F][0-9A-Fa-f-]*$|^(?i:urn):|{TELLTALES}"
_PLAIN_TIME = r"^2[01][0-9]{2}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z$"
_PLAIN_AMOUNT = r"^[0-9]{1,12}\.[0-9]{2}$"
_TIME, _MONEY = arrow_type("time"), arrow_type("money")
_NONE = type(None)
#: Values that were read once are remembered, but not for ever.
_MOST_REMEMBERED = 8_192


def one_by_one(values: Values, read: Read, kind: pa.DataType) -> tuple[pa.Array, set[int]]:
    """Read value by value."""
    found: list[Any] = []
    refused: set[int] = set()
    for row, value in enumerate(values):
        try:
            found.append(None if value is None else read(value))
        except BadValueError:
            found.append(None)
            refused.add(row)
    return pa.array(found, kind), refused


def ids(values: Values, read: Read) -> tuple[pa.Array, set[int]]:
    """Read ids."""
    texts = _texts(values)
    if texts is None:
        return one_by_one(values, read, pa.string())
    length = pc.binary_length(texts)
    odd = pc.or_(pc.less(length, _SHORTEST_ID), pc.greater(length, LONGEST_ID))
    odd = pc.or_(odd, pc.invert(pc.match_substring_regex(texts, _PLAIN_ID)))
    odd = pc.or_(odd, pc.match_substring_regex(texts, _ODD_ID))
    return _mended(texts, odd, values, read)


def times(values: Values, read: Read) -> tuple[pa.Array, set[int]]:
    """Read moments."""
    texts = _texts(values)
    if texts is None:
        return one_by_one(values, read, _TIME)
    odd = pc.invert(pc.match_substring_regex(texts, _PLAIN_TIME))
    try:
        plain = pc.if_else(odd, None, texts).cast(_TIME)
    except pa.ArrowInvalid:  # the 30th of February
        return one_by_one(values, read, _TIME)
    return _mended(plain, odd, values, read)


def amounts(values: Values, read: Read) -> tuple[pa.Array, set[int]]:
    """Read amounts; those that may name a currency take the careful path."""
    texts = _texts(values)
    if texts is not None:
        odd = pc.invert(pc.match_substring_regex(texts, _PLAIN_AMOUNT))
        return pc.if_else(odd, None, texts).cast(_MONEY), set(_rows(odd))
    try:
        if set(map(type, values)) <= {Decimal, _NONE}:
            return pa.array(values, _MONEY), set()
    except pa.ArrowInvalid:
        pass
    found, refused = one_by_one(values, read, _MONEY)
    numbers = (int, float, Decimal, _NONE)
    others = {row for row, value in enumerate(values) if not isinstance(value, numbers)}
    return found, refused | others


def integers(values: Values, read: Read) -> tuple[pa.Array, set[int]]:
    """Read whole numbers."""
    try:
        if set(map(type, values)) <= {int, _NONE}:
            return pa.array(values, pa.int64()), set()
    except (OverflowError, pa.ArrowInvalid):
        pass
    return _whole_numbers(values, read)


def codes(values: Values, read: Read) -> tuple[pa.Array, set[int]]:
    """Read whole numbers that mean something, of which most come again: each is read once."""
    if not set(map(type, values)) <= {int, _NONE}:
        return _whole_numbers(values, read)
    try:
        known = {value: read(value) for value in set(values)}
    except BadValueError:
        return _whole_numbers(values, read)
    return pa.array([known[value] for value in values], pa.int64()), set()


def _whole_numbers(values: Values, read: Read) -> tuple[pa.Array, set[int]]:
    found, refused = one_by_one(values, read, pa.int64())
    read_out_of = zip(values, found.to_pylist(), strict=True)
    return found, refused | {row for row, pair in enumerate(read_out_of) if says_more(*pair)}


class Words:
    """A lane for texts, of which most come again and again: each is read once."""

    def __init__(self) -> None:
        self._known: dict[str | None, Any] = {None: None}

    def __call__(self, values: Values, read: Read) -> tuple[pa.Array, set[int]]:
        """Read texts."""
        if not set(map(type, values)) <= {str, _NONE}:
            return one_by_one(values, read, pa.string())
        if len(self._known) > _MOST_REMEMBERED:
            self._known = {None: None}
        for value in set(values) - self._known.keys():
            self._known[value] = self._read(value, read)
        found = [self._known[value] for value in values]
        refused = {row for row, part in enumerate(found) if part is BadValueError}
        if refused:
            found = [None if part is BadValueError else part for part in found]
        return pa.array(found, pa.string()), refused

    @staticmethod
    def _read(value: Any, read: Read) -> Any:
        try:
            return read(value)
        except BadValueError:
            return BadValueError


def _texts(values: Values) -> pa.Array | None:
    """Return the values as an array, if all of them are texts."""
    if not set(map(type, values)) <= {str, _NONE}:
        return None
    try:
        return pa.array(values, pa.string())
    except UnicodeEncodeError:  # half of a surrogate pair
        return None


def _rows(mask: pa.Array) -> Iterable[int]:
    """Return where a mask is true; where it is null, the value is."""
    rows: list[int] = pc.indices_nonzero(mask).to_pylist()
    return rows


def _mended(
    found: pa.Array, odd: pa.Array, values: Values, read: Read
) -> tuple[pa.Array, set[int]]:
    """Put in what the careful reader makes of the odd values."""
    rows = list(_rows(odd))
    if not rows:
        return found, set()
    read_again, refused = one_by_one([values[row] for row in rows], read, found.type)
    mask = pc.fill_null(odd, False)
    return pc.replace_with_mask(found, mask, read_again), {rows[place] for place in refused}
