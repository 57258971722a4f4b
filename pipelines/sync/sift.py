"""Many looks at a list at once: those that say nothing new are told from those to compare.

It decides what ``row_buffer.py`` decides row by row, for the rows of which it is sure: nothing is
stored of them, or the same. All others it hands back, to be compared one by one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.destinations.where import Row
from pipelines.lists import ListSpec
from pipelines.sync.changes import projection
from pipelines.sync.head import CLOCK_SLACK

_ALL = pc.CountOptions(mode="all")


@dataclass(frozen=True)
class Sifted:
    """``plain``: the latest look at each row of which nothing is stored, or the same.

    ``new``: the noted columns of those of them that are not stored; ``odd``: all looks at other
    rows, in their order.
    """

    plain: pa.Table
    new: pa.Table
    odd: pa.Table


def sift(
    spec: ListSpec, looks: pa.Table, stored: Iterable[Row], touched: Collection[str]
) -> Sifted:
    """Sift looks, in the order in which they were asked for.

    ``stored``: the columns of :func:`projection` of what is stored under the keys; ``touched``:
    keys of which more is known than these looks say. Wide columns are copied once.
    """
    noted = looks.select(_noted(spec))
    before = _aligned(spec, noted[spec.key], stored)
    is_latest, repeated = _latest(spec, noted)
    unclear = pa.array([*touched, *repeated], pa.string())
    is_new = before[spec.key].is_null()
    is_plain = pc.or_(is_new, _says_the_same(noted, before))
    is_plain = pc.and_(is_plain, pc.invert(pc.is_in(noted[spec.key], value_set=unclear)))
    plain_keys = noted[spec.key].filter(pc.and_(is_plain, is_latest)).combine_chunks()
    is_odd = pc.invert(pc.is_in(noted[spec.key], value_set=plain_keys))
    is_plain = pc.and_(is_latest, pc.invert(is_odd))
    walks = pc.coalesce(noted["_walk"], before["_walk"])
    place = looks.schema.get_field_index("_walk")
    plain = looks.set_column(place, looks.schema.field(place), walks).filter(is_plain)
    return Sifted(plain, noted.filter(pc.and_(is_plain, is_new)), looks.filter(is_odd))


def _noted(spec: ListSpec) -> list[str]:
    """Return the columns that are compared, or kept in the history."""
    return [*dict.fromkeys((*projection(spec.table), *spec.observed))]


def _latest(spec: ListSpec, looks: pa.Table) -> tuple[pa.Array, list[str]]:
    """Tell which look at each row is the latest, and the keys of rows whose looks differ."""
    # A cache's answer that was asked for last is older than what it is told after.
    numbers = pc.rank(looks["_seen_at"], sort_keys="ascending", tiebreaker="first")
    counted: list[Any] = [("at", "max")]
    counted += [(name, "count_distinct", _ALL) for name in ("_fingerprint", "_walk")]
    narrow = looks.select([spec.key, "_fingerprint", "_walk"]).append_column("at", numbers)
    groups = narrow.group_by(spec.key).aggregate(counted)
    differ = pc.or_(
        pc.greater(groups["_fingerprint_count_distinct"], 1),
        pc.greater(groups["_walk_count_distinct"], 1),
    )
    latest = pc.is_in(numbers, value_set=groups["at_max"].combine_chunks())
    return latest, groups.filter(differ)[spec.key].to_pylist()


def _aligned(spec: ListSpec, keys: pa.ChunkedArray, stored: Iterable[Row]) -> pa.Table:
    """Return for each key what is stored under it; nulls: nothing."""
    schema = pa.schema([spec.table.arrow.field(name) for name in projection(spec.table)])
    table = pa.Table.from_pylist(list(stored), schema=schema)
    return table.take(pc.index_in(keys, value_set=table[spec.key].combine_chunks()))


def _says_the_same(looks: pa.Table, before: pa.Table) -> pa.ChunkedArray:
    """Tell where the list said the same before, and not after what it says now."""
    same = pc.equal(looks["_fingerprint"], before["_fingerprint"])
    later = pc.subtract(before["_seen_at"], looks["_seen_at"])
    same = pc.and_(same, pc.less_equal(later, pa.scalar(CLOCK_SLACK, later.type)))
    same = pc.and_(same, before["status"].is_valid())
    if "_origin" in before.column_names:
        same = pc.and_(same, pc.not_equal(before["_origin"], "event"))
    return pc.fill_null(same, False)
