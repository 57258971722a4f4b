"""Two engines, one answer: every model of one held against the other's, row by row.

Counts, money, times and texts must be the same; figures that are computed as floats may differ by
one part in 10⁹, because engines add in different orders.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from pipelines.warehouse.catalog import quoted
from pipelines.warehouse.project import Model

Row = tuple[Any, ...]
#: An engine: what answers a query with rows.
Rows = Callable[[str], Iterable[Row]]
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Comparison:
    """One model on both engines. ``example`` says where the first differing row differs."""

    model: str
    rows: int
    differing: int
    example: str


def compare(one: Rows, other: Rows, models: Iterable[Model]) -> Iterator[Comparison]:
    """Yield what each model looks like on both; ``rows`` are the first engine's."""
    for model in models:
        names = [column.name for column in model.columns]
        query = f"select {', '.join(map(quoted, names))} from {quoted(model.qualified)}"  # noqa: S608 - our own names
        place = [names.index(name) for name in model.key or names]
        yield _compare(model.qualified, names, place, one(query), other(query))


def _compare(
    model: str, names: Sequence[str], place: Sequence[int], one: Iterable[Row], other: Iterable[Row]
) -> Comparison:
    known: dict[Row, list[Row]] = {}
    counted = 0
    for row in map(plain, one):
        known.setdefault(_key(row, place), []).append(row)
        counted += 1
    examples = list(_differences(names, place, known, map(plain, other)))
    return Comparison(model, counted, len(examples), examples[0] if examples else "")


def _differences(
    names: Sequence[str],
    place: Sequence[int],
    known: dict[Row, list[Row]],
    other: Iterable[Row],
) -> Iterator[str]:
    for row in other:
        key = _key(row, place)
        same_key = known.get(key, [])
        if not same_key:
            yield f"{_shown(key)} is in the second only"
            continue
        columns = differing(same_key.pop(), row)
        if columns:
            what = "; ".join(f"{names[n]} {one!r} and {two!r}" for n, one, two in columns)
            yield f"{_shown(key)}: {what}"
    for key, rows in known.items():
        yield from (f"{_shown(key)} is in the first only" for _ in rows)


def differing(one: Row, other: Row) -> Collection[tuple[int, Any, Any]]:
    """Return position and both values of what differs."""
    pairs = enumerate(zip(one, other, strict=True))
    return [(n, left, right) for n, (left, right) in pairs if not _same(left, right)]


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        both_nan = math.isnan(one) and math.isnan(other)
        return both_nan or math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=1e-12)
    # A float is no exact number, though Python calls 1.0 and 1 the same.
    return _kind(one) is _kind(other) and bool(one == other)


def _kind(value: Any) -> type:
    return Decimal if type(value) is int else type(value)


def plain(row: Row) -> Row:
    """Return the row with times in UTC: drivers give them in zones of their own."""
    return tuple(v.astimezone(UTC) if isinstance(v, datetime) and v.tzinfo else v for v in row)


def _key(row: Row, place: Sequence[int]) -> Row:
    return tuple(row[n] for n in place)


def _shown(key: Row) -> str:
    return ", ".join(map(str, key))
