"""What looks at rows change: what is new, what says something else, and what the history gets."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from pipelines.destinations.where import Row
from pipelines.lists import ListSpec
from pipelines.source.parse import same_fingerprint
from pipelines.source.schema import Table
from pipelines.sync.head import CLOCK_SLACK
from pipelines.sync.history import AMOUNT, amount_entry, entry, is_other_amount, observed
from pipelines.sync.steps_back import StepsBack

_NOTES = ("status", "attempts", *AMOUNT, "deleted_at", "_origin", "_fingerprint", "_walk")


def projection(table: Table) -> list[str]:
    """Return the columns that tell whether a row is new, changed or stale, or meets a condition."""
    return [
        column.name
        for column in table.columns
        if column.name in table.key or column.name in _NOTES or column.kind == "time"
    ]


class Changes:
    """The changes that one sync has seen, until they are loaded."""

    def __init__(self, specs: Mapping[str, ListSpec]) -> None:
        self._specs = specs
        #: Looks of the same batch that later ones have replaced.
        self._looks: dict[str, dict[Any, list[Row]]] = defaultdict(lambda: defaultdict(list))
        self.history: dict[str, dict[Any, Row]] = defaultdict(dict)
        self.new: Counter[str] = Counter()
        self.changed: Counter[str] = Counter()
        #: How often the list said of a row just what the events had made of it, by status; and how
        #: often it said something else.
        self.events_right: Counter[str] = Counter()
        self.events_wrong: Counter[str] = Counter()
        self.steps_back = StepsBack(specs)

    def __len__(self) -> int:
        return sum(map(len, self.history.values()))

    def clear(self) -> None:
        """Forget what is loaded."""
        self._looks.clear()
        self.history.clear()

    def replaced(self, resource: str, key: Any, earlier: Row, row: Row) -> None:
        """Note what an earlier look of the same batch showed before it is forgotten."""
        self.steps_back.compare(resource, key, earlier, row)
        spec = self._specs.get(resource)
        if spec is not None and self._differ(spec, earlier, row):
            self._looks[resource][key].append(earlier)
        if row.get("_walk") is None and "_walk" in row:
            row["_walk"] = earlier["_walk"]
        self.judge_event(earlier, row)

    @staticmethod
    def _differ(spec: ListSpec, earlier: Row, row: Row) -> bool:
        """Tell whether the history keeps both of two looks."""
        is_other = spec.amounts is not None and is_other_amount(row, earlier)
        return is_other or observed(spec, earlier) != observed(spec, row)

    def add_history(self, table: Table, rows: Iterable[Row]) -> None:
        """Keep states that were seen; the first sight of each counts."""
        for row in rows:
            key = tuple(row[name] for name in table.key)
            self.history[table.name].setdefault(key, row)

    def compare(
        self,
        resource: str,
        key: Any,
        row: Row,
        previous: Row | None,
        first: dict[Table, list[Row]],
    ) -> None:
        """Count what is new or changed, and note new states; those of first looks in ``first``."""
        if previous is None:
            self.new[resource] += 1
        else:
            self.changed[resource] += says_more(row, previous)
        if resource in self._specs:
            self._note_observations(self._specs[resource], key, row, previous, first)

    def _note_observations(
        self,
        spec: ListSpec,
        key: Any,
        row: Row,
        previous: Row | None,
        first: dict[Table, list[Row]],
    ) -> None:
        looks = [row]
        if key in self._looks[spec.name]:
            looks = [*self._looks[spec.name][key], row]
        self._note_amounts(spec, looks, previous)
        for look in looks:
            if look["status"] is None:
                continue  # a status that could not be read is none that was seen
            if previous is not None and previous["status"] is None:
                previous = None
            if previous is None and len(looks) == 1:
                first[spec.history].append(entry(spec, look, None))
            elif previous is None or observed(spec, previous) != observed(spec, look):
                self.add_history(spec.history, [entry(spec, look, previous)])
            previous = look

    def _note_amounts(self, spec: ListSpec, looks: list[Row], previous: Row | None) -> None:
        """Keep each amount that a look does not show any more."""
        if spec.amounts is None:
            return
        for look in looks:
            if previous is not None and is_other_amount(look, previous):
                self.add_history(spec.amounts, [amount_entry(spec, look, previous)])
            # An amount that could not be read hides none.
            previous = look if previous is None else look | _amount(look, previous)

    def judge_event(self, earlier: Row | None, row: Row) -> None:
        """Compare what events made of a row with what the list says of it."""
        if earlier is None or earlier.get("_origin") != "event" or row["_origin"] != "list":
            return
        if earlier["status"] == row["status"] and not row["deleted_at"]:
            same = not says_more(row, earlier)
            (self.events_right if same else self.events_wrong)[row["status"]] += 1


def is_older(row: Row, stored: Row, loaded_until: datetime | None) -> bool:
    """Tell whether a row was read before the one that is stored.

    ``loaded_until``: the latest look that this sync has loaded; None: nothing yet. All that is
    stored otherwise is of an earlier sync: what seems later there was read before the server's
    clock was set back, or from a server whose clock is ahead.
    """
    if loaded_until is None or stored["_seen_at"] > loaded_until:
        return False
    return bool(stored["_seen_at"] - row["_seen_at"] > CLOCK_SLACK)


def _amount(look: Row, previous: Row) -> Row:
    """Return the amount of a look, or else that of the one before, and when it was seen."""
    if look["total_amount"] is not None:
        return {}
    return {name: previous[name] for name in (*AMOUNT, "_seen_at")}


def says_more(row: Row, earlier: Row) -> bool:
    """Tell whether a row says something else than before, as far as fingerprints can tell."""
    return same_fingerprint(row["_fingerprint"], earlier["_fingerprint"]) is False
