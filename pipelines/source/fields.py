"""One record's fields under one spelling, and what no column has taken of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.decoding import NotTheContractError, decode
from pipelines.source.names import snake
from pipelines.source.values import is_absent


class Fields:
    """A record's fields, found under any of their spellings; remembers which were used."""

    def __init__(self, record: Mapping[str, Any]) -> None:
        self._record: dict[str, Any] = {}
        self._spelling: dict[str, str] = {}
        self._twofold: set[str] = set()
        self._used: set[str] = set()
        for spelling, value in record.items():
            name = snake(str(spelling))
            if self._record.get(name) is not None:
                # The same field in two spellings: the second stays what it was called.
                if value is None or value == self._record[name]:
                    continue
                self._twofold.add(name)
                name = str(spelling)
            self._record[name], self._spelling[name] = value, str(spelling)
        payload = self._record.get("payload")
        if isinstance(payload, str):
            self._record["payload"] = decoded(payload)

    def first(self, names: Sequence[str]) -> tuple[str, Any]:
        """Return the first of the names that has a value, and the value; else the first, None."""
        for name in names:
            value = self._find(name)
            # Of a list or an object, a column may not have taken all: it is used in part.
            if "." not in name and not isinstance(value, (Mapping, list)):
                self._used.add(name)
            if not is_absent(value):
                return name, value
        return names[0] if names else "", None

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

    def _find(self, name: str) -> Any:
        top, *steps = name.split(".")
        value = self._record.get(top)
        for step in steps:
            value = part_of(value, step)
        return value


def part_of(value: Any, name: str) -> Any:
    """Return what an object holds under a name in any spelling; None if there is none."""
    if not isinstance(value, Mapping):
        return None
    if name in value:
        return value[name]
    return next((part for key, part in value.items() if snake(str(key)) == name), None)


def decoded(payload: str) -> Any:
    """Read a payload that was sent as JSON text; keep the text where it is not JSON."""
    try:
        return decode(payload.encode())
    except (NotTheContractError, UnicodeEncodeError):
        return payload
