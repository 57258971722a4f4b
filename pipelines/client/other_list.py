"""An answer that holds another list's records: a proxy or a server has mixed up two paths.

Some of them could be read, a delivery as the order that it names, and would be loaded as rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from pipelines.lists import LISTS, ListSpec
from pipelines.source.names import snake

#: So many fields that only the other list has, and none of its own, are no accident.
_FIELDS = 2


def other_list(rows: Sequence[Any], spec: ListSpec) -> ListSpec | None:
    """Return the list that all of the records are of, where that is not the one they came as."""
    others = [other for other in LISTS if other.name != spec.name]
    return next((o for o in others if rows and all(_is_of(row, o, spec) for row in rows)), None)


def _is_of(record: Any, other: ListSpec, spec: ListSpec) -> bool:
    if not isinstance(record, dict):
        return False
    fields, theirs, ours = {snake(str(name)) for name in record}, _names(other), _names(spec)
    return len(fields & theirs - ours) >= _FIELDS and not fields & ours - theirs


def _names(spec: ListSpec) -> frozenset[str]:
    """Return the names under which a list's records hold something, at their top."""
    return _at_the_top(tuple(spec.shape.names.values()))


@cache
def _at_the_top(names: tuple[tuple[str, ...], ...]) -> frozenset[str]:
    return frozenset(name.partition(".")[0] for column in names for name in column)
