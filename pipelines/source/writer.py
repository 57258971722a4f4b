"""JSON columns: what may be kept of an object is decided once for each set of its names.

Writes the very text of ``as_json(privacy.kept(value))``. Objects with the same names are written
by column, name by name; where values are of several forms, one by one; and of what is rare, the
privacy rule itself is asked for that part.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from itertools import accumulate, pairwise
from operator import itemgetter
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.source.allowed import PLAIN_TEXTS, Kind
from pipelines.source.privacy import TELLTALES, Privacy, Scope, kept_part, plan_of, scope_within
from pipelines.source.values import as_json

#: Nothing real is so deep; the privacy rule itself counts on.
_DEEP = 10
_MOST_REMEMBERED = 8_192
_LONGEST_REMEMBERED = 200
_MOST_PLANS = 4096
_NONE = type(None)


class _Leaves(dict[Any, str]):
    """The JSON of values of one type that stand under names of one kind; each is judged once."""

    def __init__(self, privacy: Privacy, kind: Kind | None, read: Callable[[Any], Any]) -> None:
        self._privacy = privacy
        self._kind = kind
        self._read = read

    def __missing__(self, key: Any) -> str:
        kept = kept_part(self._privacy, self._read(key), self._kind)
        found = as_json(kept) or "null"
        if len(self) > _MOST_REMEMBERED:
            self.clear()
        if isinstance(key, int) or len(key) <= _LONGEST_REMEMBERED:
            self[key] = found
        return found


@dataclass(frozen=True)
class _Kept:
    """What is known of names of one kind, and of values under them."""

    kind: Kind | None
    texts: _Leaves
    numbers: _Leaves
    fractions: _Leaves

    @cached_property
    def may_be_json(self) -> bool:
        """Whether a text may hold JSON, which is kept as an object is."""
        return self.kind in ("object", "person")


#: Each name that stays of an object: with what goes before its value, and what is known of it.
_Plan = list[tuple[str, str, _Kept]]


class Writer:
    """Writes JSON under one privacy rule, which must not be the one that keeps people."""

    def __init__(self, privacy: Privacy) -> None:
        self._privacy = privacy
        self._plans: dict[tuple[Scope, tuple[str, ...]], _Plan | None] = {}
        self._kinds: dict[Kind | None, _Kept] = {}

    def write(self, values: Sequence[Any]) -> pa.Array:
        """Return the JSON of what may be kept of each value; null for None."""
        there = [value for value in values if value is not None]
        written = self._written(there, self._of("object"), "listed", 0)
        if len(there) == len(values):
            return written
        places = accumulate(value is not None for value in values)
        rows = [None if v is None else at - 1 for v, at in zip(values, places, strict=True)]
        return written.take(pa.array(rows, pa.int64()))

    def text(self, value: Any) -> str | None:
        """Return the JSON of what may be kept of one value; None for None.

        Raises:
            RecursionError, ValueError: it holds no JSON.
        """
        return None if value is None else self._value(value, self._of("object"), "listed", 0)

    # By column -------------------------------------------------------------------------------

    def _written(self, values: list[Any], of: _Kept, scope: Scope, deep: int) -> pa.Array:
        forms = set(map(type, values))
        if forms <= {str, _NONE} and not of.may_be_json:
            return self._texts(values, of)
        if forms <= {Decimal, _NONE}:
            return self._fractions(values, of)
        if forms == {dict} and deep < _DEEP and len(set(map(tuple, values))) == 1:
            within = scope_within(of.kind, scope)
            plan = self._plan(values[0], within)
            if plan is not None:
                return self._objects(values, plan, within, deep + 1)
        if forms == {list} and deep < _DEEP and of.kind is not None:
            return self._lists(values, of, scope, deep + 1)
        return pa.array([self._value(value, of, scope, deep) for value in values], pa.string())

    def _objects(self, values: list[Any], plan: _Plan, scope: Scope, deep: int) -> pa.Array:
        pieces: list[Any] = []
        for before, key, of in plan:
            pieces += [before, self._written([value[key] for value in values], of, scope, deep)]
        if not pieces:
            return pa.array(["{}"] * len(values))
        return pc.binary_join_element_wise(*pieces, "}", "")

    def _lists(self, values: list[Any], of: _Kept, scope: Scope, deep: int) -> pa.Array:
        parts = self._written([part for value in values for part in value], of, scope, deep)
        texts, ends = parts.to_pylist(), accumulate(map(len, values), initial=0)
        joined = [f"[{','.join(texts[start:end])}]" for start, end in pairwise(ends)]
        return pa.array(joined, pa.string())

    def _texts(self, values: list[Any], of: _Kept) -> pa.Array:
        plain = PLAIN_TEXTS.get(of.kind) if of.kind else None
        try:
            found = pa.array(values, pa.string()) if plain else None
        except UnicodeEncodeError:  # half of a surrogate pair
            found = None
        if plain is None or found is None:
            return pa.array(["null" if v is None else of.texts[v] for v in values], pa.string())
        odd = pc.or_(_is_not_like(found, *plain), pc.match_substring_regex(found, TELLTALES))
        rows = pc.indices_nonzero(odd).to_pylist()
        quoted = pc.fill_null(pc.binary_join_element_wise('"', found, '"', ""), "null")
        if not rows:
            return quoted
        texts = pa.array([of.texts[values[row]] for row in rows], pa.string())
        return pc.replace_with_mask(quoted, pc.fill_null(odd, False), texts)

    def _fractions(self, values: list[Any], of: _Kept) -> pa.Array:
        # By their digits: 1.0 and 1.00 are equal, and are not written alike.
        texts = ["null" if v is None else of.fractions[str(v)] for v in values]
        return pa.array(texts, pa.string())

    # One by one ------------------------------------------------------------------------------

    def _value(self, value: Any, of: _Kept, scope: Scope, deep: int) -> str:
        form = type(value)
        if value is None:
            return "null"
        if form is str and not of.may_be_json:
            return of.texts[value]
        if form is int:
            return of.numbers[value]
        if form is Decimal:
            return of.fractions[str(value)]
        if form is dict and deep < _DEEP:
            within = scope_within(of.kind, scope)
            plan = self._plan(value, within)
            if plan is not None:
                return self._object(value, plan, within, deep + 1)
        if form is list and deep < _DEEP and of.kind is not None:
            return "[" + ",".join([self._value(part, of, scope, deep + 1) for part in value]) + "]"
        return as_json(kept_part(self._privacy, value, of.kind, scope, deep)) or "null"

    def _object(self, value: dict[str, Any], plan: _Plan, scope: Scope, deep: int) -> str:
        parts = [before + self._value(value[key], of, scope, deep) for before, key, of in plan]
        return "".join(parts) + "}" if parts else "{}"

    # Plans -----------------------------------------------------------------------------------

    def _plan(self, value: dict[str, Any], scope: Scope) -> _Plan | None:
        names = tuple(value)
        try:
            return self._plans[scope, names]
        except KeyError:
            if len(self._plans) > _MOST_PLANS:  # names that are ids, or somebody's words
                self._plans.clear()
            plan = self._plans[scope, names] = self._planned(names, scope)
            return plan

    def _planned(self, names: tuple[Any, ...], scope: Scope) -> _Plan | None:
        plan = plan_of(names, scope) if all(type(name) is str for name in names) else None
        if plan is None:
            return None
        plan.sort(key=itemgetter(0))
        marks = ["{", *[","] * len(plan)]
        return [
            (f"{mark}{as_json(shown)}:", key, self._of(kind))
            for mark, (shown, key, kind) in zip(marks, plan, strict=False)
        ]

    def _of(self, kind: Kind | None) -> _Kept:
        if kind not in self._kinds:
            readers = (str, int, Decimal)
            self._kinds[kind] = _Kept(kind, *(_Leaves(self._privacy, kind, r) for r in readers))
        return self._kinds[kind]


def _is_not_like(texts: pa.Array, pattern: str, longest: int) -> pa.Array:
    is_long = pc.greater(pc.binary_length(texts), longest)
    return pc.or_(is_long, pc.invert(pc.match_substring_regex(texts, pattern)))
