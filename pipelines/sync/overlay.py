"""The local copy: the destination's rows as they will be after the next load."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime

from pipelines.destinations.base import Destination
from pipelines.destinations.where import (
    ALL,
    Bound,
    Place,
    Row,
    Where,
    first_of,
    made,
    made_at,
    matches,
)
from pipelines.lists import ListSpec
from pipelines.source.schema import QUARANTINE
from pipelines.sync.changes import projection
from pipelines.sync.head import CLOCK_SLACK
from pipelines.sync.pending import PendingRows

_HAPPENED = ("event_at", "created_at", "_seen_at")
_LISTED = Where(equal=(("_origin", "list"),))


class Overlay:
    """Stored rows with the pending ones over them. Implements ``LocalCopy``."""

    def __init__(self, destination: Destination, pending: PendingRows) -> None:
        self._stored = destination
        self._pending = pending

    def count(self, spec: ListSpec, condition: Where = ALL) -> int:
        """Count the rows."""
        count = self._stored.count(spec.table, condition)
        previous = self._pending.previous(spec.table)
        for key, row in self._pending.rows(spec.table).items():
            count += matches(row, condition) - matches(previous[key], condition)
        return count

    def statuses(self, spec: ListSpec) -> dict[str | None, int]:
        """Count the rows by status."""
        stored = self._stored.statuses(spec.table)
        counts = Counter({status: number for status, (number, _) in stored.items()})
        previous = self._pending.previous(spec.table)
        for key, row in self._pending.rows(spec.table).items():
            earlier = previous[key]
            if earlier is not None and matches(earlier, ALL):
                counts[earlier["status"]] -= 1
            if matches(row, ALL):
                counts[row["status"]] += 1
        return {status: number for status, number in counts.items() if number}

    def select(self, spec: ListSpec, condition: Where, *, at_most: int | None = None) -> list[Row]:
        """Return key, status, times, origin and last look of the rows."""
        columns = projection(spec.table)
        self._pending.previous(spec.table)  # from which a row has the scan that last met it
        waiting = self._pending.rows(spec.table)
        stored = self._stored.select(spec.table, columns, condition, at_most=at_most)
        rows = [row for row in stored if row[spec.key] not in waiting]
        return rows + [row for row in waiting.values() if matches(row, condition)]

    def oldest_look(self, spec: ListSpec, condition: Where) -> datetime | None:
        """Return when that row was seen which was not seen for longest."""
        waiting, names = self._pending.keys(spec.table), [spec.key, "_seen_at"]
        at_most, stored = 1, list[Row]()
        while not stored:  # of the rows that waiting ones replace, the new look counts
            rows = self._stored.select(spec.table, names, condition, at_most=at_most)
            stored = [row for row in rows if row[spec.key] not in waiting]
            if len(rows) < at_most:
                break
            at_most *= 10
        looks = [row["_seen_at"] for row in stored]
        looks += self._pending.looks(spec.table, condition)
        return min(looks, default=None)

    def oldest(self, spec: ListSpec, condition: Where) -> datetime | None:
        """Return when that of the rows was made that was made first; None: no row says when."""
        waiting = self._pending.rows(spec.table).values()
        times = [made_at(spec, row) for row in waiting if matches(row, condition)]
        times.append(self._stored.oldest(spec.table, made(spec), condition))
        return min((at for at in times if at), default=None)

    def rows(self, spec: ListSpec, keys: Collection[str]) -> dict[str, Row]:
        """Return whole rows by key; deleted ones too."""
        waiting, wanted = self._pending.rows(spec.table), set(keys)
        names = [column.name for column in spec.table.columns]
        stored = self._stored.by_key(spec.table, wanted - waiting.keys(), names)
        found = {row[spec.key]: row for row in stored}
        return found | {key: waiting[key] for key in wanted & waiting.keys()}

    def places(
        self, spec: ListSpec, keys: Collection[str], since: datetime | None
    ) -> dict[str, Place]:
        """Return where rows stand among those made since a time, by key."""
        columns, within = made(spec), Where(bounds=(Bound(made(spec), since),))
        waiting, previous = self._pending.rows(spec.table), self._pending.previous(spec.table)
        came = [at for row in waiting.values() if (at := _moment(spec, row, within))]
        went = [at for row in previous.values() if (at := _moment(spec, row, within))]
        came.sort()
        went.sort()
        places = dict(self._stored.places(spec.table, columns, keys, since))
        moments = {
            row[spec.key]: at
            for row in self._stored.by_key(spec.table, places, [spec.key, *columns])
            if (at := made_at(spec, row)) is not None
        }
        for key in keys:
            if key in waiting and (at := _moment(spec, waiting[key], within)):
                if key not in places:
                    places[key] = self._stored_place(spec, at, within)
                moments[key] = at
        return {
            key: _shifted(place, moments[key], came, went)
            for key, place in places.items()
            if key in moments and not (key in waiting and waiting[key].get("deleted_at"))
        }

    def _stored_place(self, spec: ListSpec, at: datetime, within: Where) -> Place:
        """Return where a row that is not stored would stand among the stored ones."""
        columns = made(spec)
        since = Where(bounds=(*within.bounds, Bound(columns, at)))
        same = Where(bounds=(*within.bounds, Bound(columns, at, at)))
        count, alike = self._stored.count(spec.table, since), self._stored.count(spec.table, same)
        return Place(count - alike, alike)

    def filled(self, spec: ListSpec, columns: tuple[str, ...]) -> frozenset[str]:
        """Return the columns that the list itself ever fills."""
        return frozenset(self._stored.filled(spec.table, columns, _LISTED))

    def latest_look(self, spec: ListSpec, statuses: tuple[str, ...]) -> str | None:
        """Return the one of the statuses in which the list last showed a row."""
        condition = Where(statuses=frozenset(statuses), equal=_LISTED.equal)
        looks = self._stored.statuses(spec.table, condition)
        return max(looks, key=lambda status: looks[status][1], default=None)

    def events(self, spec: ListSpec, since: datetime, columns: Collection[str] = ()) -> list[Row]:
        """Return the events of other rows that happened since a time, the earliest first.

        With ``columns`` they have those and their times; what they say at length stays unread.
        """
        condition = Where(present=("order_id",), bounds=(Bound(_HAPPENED, since),))
        names = [column.name for column in spec.table.columns if column.name != "extra"]
        if columns:
            names = list(dict.fromkeys((spec.key, *columns, *_HAPPENED)))
        waiting = self._pending.rows(spec.table)
        stored = self._stored.select(spec.table, names, condition)
        rows = [row for row in stored if row[spec.key] not in waiting]
        rows += [row for row in waiting.values() if matches(row, condition)]
        told = [{**row, "happened_at": first_of(_HAPPENED, row)} for row in rows]
        return sorted(told, key=lambda event: event["happened_at"])

    def bad(self, spec: ListSpec, since: datetime | None) -> Mapping[str | None, int]:
        """Count by status the records met since a time that have a key and are no stored row.

        Only warehouses of older versions have any: now a record with a key is a row.
        """
        bounds = () if since is None else (Bound(("_seen_at",), since - CLOCK_SLACK),)
        condition = Where(equal=(("resource", spec.name),), present=("record_key",), bounds=bounds)
        names = ("quarantine_id", "record_key", "record_status", "_seen_at")
        stored = self._stored.select(QUARANTINE, names, condition)
        bad = {row["quarantine_id"]: row for row in stored}
        waiting = self._pending.findings.rows[QUARANTINE.name]
        bad |= {key: row for key, row in waiting.items() if matches(row, condition)}
        # A record that was bad in several ways is one: its last look counts.
        latest: dict[str, Row] = {}
        for row in sorted(bad.values(), key=lambda row: row["_seen_at"]):
            latest[row["record_key"]] = row
        good = self._pending.rows(spec.table).keys() | {
            row[spec.key] for row in self._stored.by_key(spec.table, latest, [spec.key])
        }
        return Counter(row["record_status"] for key, row in latest.items() if key not in good)


def _moment(spec: ListSpec, row: Row | None, within: Where) -> datetime | None:
    return made_at(spec, row) if row is not None and matches(row, within) else None


def _shifted(place: Place, at: datetime, came: list[datetime], went: list[datetime]) -> Place:
    """Return a stored place with the pending rows over it: some came, and some were there."""
    later = len(came) - bisect_right(came, at) - (len(went) - bisect_right(went, at))
    same = bisect_right(came, at) - bisect_left(came, at)
    same -= bisect_right(went, at) - bisect_left(went, at)
    return Place(place.later + later, max(place.same + same, 1))
