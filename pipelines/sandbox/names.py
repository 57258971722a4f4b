"""The names of fields, in either case."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

_JOINT: Final = re.compile(r"_([a-z0-9])")


@cache
def camel(name: str) -> str:
    """Return ``total_amount`` as ``totalAmount``."""
    return _JOINT.sub(lambda match: match[1].upper(), name)


def in_case(row: Mapping[str, Any], case: str, named: Mapping[str, str]) -> dict[str, Any]:
    """Return a row with its keys, at every depth, in that case; ``named`` gives some their own."""
    cased = dict(row) if case == "snake" else _camel(row)
    for name, own in named.items():
        if own != "auto":
            value = cased.pop(name if case == "snake" else camel(name))
            cased = {own: value, **cased}
    return cased


def _camel(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {camel(name): _camel(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_camel(item) for item in value]
    return value
