"""One record's fields under one spelling, and what no column has taken of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from pipelines.decoding import NotTheContractError, decode
from pipelines.source.names import snake
from pipelines.source.places import key_of
from pipelines.source.values import is_absent


class Fields:
    """A record's fields, found under any of their spellings; remembers which were used."""

    def __init__(self, record: Mapping[str, Any]) -> None:
        self._record: dict[str, Any] = {}
        self._spelling: dict[str, str] = {}
        self._twofold: set[str] = set()
        self._used: set[str] = set()
        layout = _layout(tuple(record))
        if layout is None:
            self._tell_apart(record)
            layout = _Layout(tuple(self._record))
        else:
            self._record = dict(zip(layout.names, record.values(), strict=True))
            self._spelling = dict(zip(layout.names, record, strict=True))
        self._layout = layout
        payload = self._record.get("payload")
        if isinstance(payload, str):
            self._record["payload"] = decoded(payload)

    def _tell_apart(self, record: Mapping[str, Any]) -> None:
        for spelling, value in record.items():
            name = snake(str(spelling))
            if self._record.get(name) is not None:
                # The same field in two spellings: the second stays what it was called.
                if value is None or value == self._record[name]:
                    continue
                self._twofold.add(name)
                name = str(spelling)
            self._record[name], self._spelling[name] = value, str(spelling)

    def first(self, names: tuple[str, ...]) -> tuple[str, Any]:
        """Return the first of the names that has a value, and the value; else the first, None."""
        for name, top, steps in self._layout[names]:
            value = self._record[top]
            for step in steps:
                value = part_of(value, step)
            if value is None:
                continue
            # Of a list or an object, a column may not have taken all: it is used in part.
            if not steps and not _is_structured(value):
                self._used.add(name)
            if not is_absent(value):
                return name, value
        return names[0] if names else "", None

    def leave(self, name: str) -> None:
        """Leave to the rest what a column could not take, or not all of."""
        self._used.discard(name)

    def is_twofold(self, name: str) -> bool:
        """Tell whether a field stands there in two spellings, with different values."""
        return name in self._twofold

    def take(self, name: str) -> Any:
        """Return a top-level field that has a column of its own."""
        self._used.add(name)
        return self._record.get(name)

    def rest(self, person: Sequence[str]) -> dict[str, Any]:
        """Return what no column has taken, under the names it came with."""
        handled = self._used | {name for name in person if "." not in name}
        return {
            self._spelling[name]: value
            for name, value in self._record.items()
            if name not in handled and value is not None
        }


# A list's records have the same few sets of names: what names decide is decided once for each.


class _Layout(dict[tuple[str, ...], list[tuple[str, str, list[str]]]]):
    """Of names that are looked for, those that a record may have: each with its top and steps."""

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__()
        self.names = names

    def __missing__(self, names: tuple[str, ...]) -> list[tuple[str, str, list[str]]]:
        parts = [(name, *name.split(".")) for name in names]
        self[names] = found = [(n, top, steps) for n, top, *steps in parts if top in self.names]
        return found


@lru_cache(maxsize=512)
def _layout(spellings: tuple[Any, ...]) -> _Layout | None:
    """Return the layout of records of these spellings; None if two spell the same name."""
    names = spelt_once(spellings)
    return None if names is None else _Layout(names)


def spelt_once(spellings: tuple[Any, ...]) -> tuple[str, ...] | None:
    """Return names in snake case; None if two spell the same one."""
    names = tuple(snake(str(spelling)) for spelling in spellings)
    return names if len(set(names)) == len(names) else None


_spelt = lru_cache(maxsize=2048)(key_of)


def _is_structured(value: Any) -> bool:
    return type(value) is not str and isinstance(value, (list, Mapping))


def part_of(value: Any, name: str) -> Any:
    """Return what an object holds under a name in any spelling; None if there is none."""
    if value is None or not isinstance(value, (dict, Mapping)):
        return None
    if name in value:
        return value[name]
    key = _spelt(name, tuple(value))
    return None if key is None else value[key]


def decoded(payload: str) -> Any:
    """Read a payload that was sent as JSON text; keep the text where it is not JSON."""
    try:
        return decode(payload.encode())
    except (NotTheContractError, UnicodeEncodeError):
        return payload
