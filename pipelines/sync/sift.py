"""Many looks at a list at once: those that say nothing new are told from those to compare.

It decides what ``pending.py`` decides row by row, for the rows of which it is sure: nothing is
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
from pipelines.sync.head import CLOCK_SLACK
from pipelines.sync.pending import projection

_ALL = pc.CountOptions(mode="all")


@dataclass(frozen=True)
class Sifted:
    """``plain``: the latest look at each row of which nothing is stored, or the same.

    ``new``: those of them that are not stored. ``odd``: all looks at other rows, in their order.
    """

    plain: pa.Table
    new: pa.Table
    odd: pa.Table


def sift(
    spec: ListSpec, looks: pa.Table, stored: Iterable[Row], touched: Collection[str]
) -> Sifted:
    """Sift looks, in the order in which they were asked for.

    ``stored``: the columns of :func:`projection` of what is stored under the keys; ``touched``:
    keys of which more is known than these looks say.
    """
    latest, repeated = _latest(spec, looks)
    before = _aligned(spec, latest, stored)
    is_new, is_same = before[spec.key].is_null(), _says_the_same(latest, before)
    known = pa.array([*touched, *repeated], pa.string())
    is_touched = pc.is_in(latest[spec.key], value_set=known)
    is_plain = pc.and_(pc.or_(is_new, is_same), pc.invert(is_touched))
    walks = pc.coalesce(latest["_walk"], before["_walk"])
    place = latest.schema.get_field_index("_walk")
    plain = latest.set_column(place, latest.schema.field(place), walks).filter(is_plain)
    odd = pc.invert(pc.is_in(looks[spec.key], value_set=plain[spec.key].combine_chunks()))
    return Sifted(plain, latest.filter(pc.and_(is_plain, is_new)), looks.filter(odd))


def _latest(spec: ListSpec, looks: pa.Table) -> tuple[pa.Table, list[str]]:
    """Return the latest look at each row, and the keys of rows whose looks differ."""
    numbered = looks.select([spec.key, "_fingerprint", "_walk"]).append_column(
        "at", pa.array(range(len(looks)), pa.int64())
    )
    counted: list[Any] = [("at", "max")]
    counted += [(name, "count_distinct", _ALL) for name in ("_fingerprint", "_walk")]
    groups = numbered.group_by(spec.key).aggregate(counted)
    differ = pc.or_(
        pc.greater(groups["_fingerprint_count_distinct"], 1),
        pc.greater(groups["_walk_count_distinct"], 1),
    )
    places = groups["at_max"].take(pc.array_sort_indices(groups["at_max"]))
    return looks.take(places), groups.filter(differ)[spec.key].to_pylist()


def _aligned(spec: ListSpec, looks: pa.Table, stored: Iterable[Row]) -> pa.Table:
    """Return for each look what is stored under its key; nulls: nothing."""
    schema = pa.schema([spec.table.arrow.field(name) for name in projection(spec.table)])
    table = pa.Table.from_pylist(list(stored), schema=schema)
    keys = table[spec.key].combine_chunks()
    return table.take(pc.index_in(looks[spec.key], value_set=keys))


def _says_the_same(looks: pa.Table, before: pa.Table) -> pa.ChunkedArray:
    """Tell where the list said the same before, and not after what it says now."""
    same = pc.equal(looks["_fingerprint"], before["_fingerprint"])
    later = pc.subtract(before["_seen_at"], looks["_seen_at"])
    same = pc.and_(same, pc.less_equal(later, pa.scalar(CLOCK_SLACK, later.type)))
    same = pc.and_(same, before["status"].is_valid())
    if "_origin" in before.column_names:
        same = pc.and_(same, pc.not_equal(before["_origin"], "event"))
    return pc.fill_null(same, False)
