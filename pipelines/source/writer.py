"""JSON columns in bulk: what may be kept of an object is decided once for each set of its names.

Writes the very text of ``as_json(privacy.kept(value))``, and asks for that where a value is of a
form that it does not know.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from operator import itemgetter
from typing import Any

from pipelines.source.allowed import Kind
from pipelines.source.privacy import Privacy, Scope, kept_leaf, plan_of, scope_within
from pipelines.source.values import as_json

#: Nothing real is so deep; the privacy rule itself counts on.
_DEEP = 10
_MOST_REMEMBERED = 50_000
_PLAIN = re.compile(r"[ !#-\[\]-~]*")


class _UnknownForm(Exception):  # noqa: N818 - no error: the careful writer takes over
    pass


class _Leaves(dict[Any, str]):
    """The JSON of values of one type that stand under names of one kind; each is judged once."""

    def __init__(self, privacy: Privacy, kind: Kind | None) -> None:
        self._privacy = privacy
        self._kind = kind

    def __missing__(self, value: Any) -> str:
        if self._kind in ("object", "person") and isinstance(value, str):
            raise _UnknownForm  # it may hold JSON
        if len(self) > _MOST_REMEMBERED:
            self.clear()
        kept = kept_leaf(self._privacy, value, self._kind)
        is_plain = isinstance(kept, str) and _PLAIN.fullmatch(kept)
        found = f'"{kept}"' if is_plain else as_json(kept) or "null"
        self[value] = found
        return found


@dataclass(frozen=True)
class _Kept:
    """What is known of names of one kind, and of values under them."""

    kind: Kind | None
    texts: _Leaves
    numbers: _Leaves


@dataclass(frozen=True)
class _Plan:
    """How an object with certain names is written."""

    template: str
    values_of: Callable[[dict[str, Any]], tuple[Any, ...]]
    kept: tuple[_Kept, ...]


class Writer:
    """Writes JSON under one privacy rule, which must not be the one that keeps people."""

    def __init__(self, privacy: Privacy) -> None:
        self._privacy = privacy
        self._plans: dict[tuple[Scope, tuple[str, ...]], _Plan] = {}
        self._kinds: dict[Kind | None, _Kept] = {}

    def write(self, value: Any) -> str | None:
        """Return the JSON of what may be kept; None for None."""
        if value is None:
            return None
        try:
            return self._value(value, self._of("object"), "listed", 0)
        except _UnknownForm:
            return as_json(self._privacy.kept(value))

    def _value(self, value: Any, of: _Kept, scope: Scope, deep: int) -> str:
        if value is None:
            return "null"
        form = type(value)
        if form is dict and deep < _DEEP:
            return self._object(value, scope_within(of.kind, scope), deep + 1)
        if form is list and deep < _DEEP and of.kind is not None:
            return "[" + ",".join([self._value(part, of, scope, deep + 1) for part in value]) + "]"
        if form is str:
            return of.texts[value]
        if form is Decimal:
            return as_json(kept_leaf(self._privacy, value, of.kind)) or "null"
        if form is int:
            return of.numbers[value]
        raise _UnknownForm

    def _object(self, value: dict[str, Any], scope: Scope, deep: int) -> str:
        plan = self._plans.get((scope, tuple(value)))
        if plan is None:
            plan = self._plans[scope, tuple(value)] = self._planned(value, scope)
        return plan.template % tuple(
            [
                of.texts[part] if type(part) is str else self._value(part, of, scope, deep)
                for part, of in zip(plan.values_of(value), plan.kept, strict=True)
            ]
        )

    def _planned(self, value: dict[str, Any], scope: Scope) -> _Plan:
        plan = plan_of(value.keys(), scope) if all(type(name) is str for name in value) else None
        if plan is None:
            raise _UnknownForm
        plan.sort(key=itemgetter(0))
        names = [(as_json(shown) or "").replace("%", "%%") for shown, _, _ in plan]
        template = "{" + ",".join(f"{name}:%s" for name in names) + "}"
        keys = [key for _, key, _ in plan]
        return _Plan(template, _getter(keys), tuple(self._of(kind) for _, _, kind in plan))

    def _of(self, kind: Kind | None) -> _Kept:
        if kind not in self._kinds:
            leaves = (_Leaves(self._privacy, kind), _Leaves(self._privacy, kind))
            self._kinds[kind] = _Kept(kind, *leaves)
        return self._kinds[kind]


def _getter(keys: Sequence[str]) -> Callable[[dict[str, Any]], tuple[Any, ...]]:
    """Return what takes several values of an object at once."""
    if len(keys) > 1:
        return itemgetter(*keys)
    return lambda value: tuple(value[key] for key in keys)
