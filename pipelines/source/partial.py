"""One session from several lines: what a later line does not say stays as it was.

A ledger that is only added to says a session's id and what is new about it. A column is *said* if
the record has it under any of its names: a JSON null is said, and clears it. An empty cell of a
table is not said, for a table cannot leave a column out of one row only.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from pipelines.source.names import snake
from pipelines.source.parse import SHAPES, Row, fingerprint
from pipelines.source.rotation import reading_order
from pipelines.source.schema import SESSIONS
from pipelines.source.values import as_json

_SHAPE = SHAPES[SESSIONS.name]
_JSON = frozenset(column.name for column in SESSIONS.columns if column.kind == "json")
#: Where each column stands in a record, by the name at its top.
_TOPS = {
    column: {name.partition(".")[0] for name in names}
    for column, names in {
        **_SHAPE.names,
        "customer_pseudonym": _SHAPE.email,
        "personal": _SHAPE.person,
    }.items()
}
#: Of the line itself, and not of the session.
_OF_THE_LINE = frozenset({*SESSIONS.key, "ledger_file"})


def said_columns(record: Any) -> frozenset[str]:
    """Return the columns that a record says, and ``extra.NAME`` for each further null of it."""
    if not isinstance(record, Mapping):
        return frozenset()
    empty = (str(name) for name, value in record.items() if value is None)
    nulls = {f"extra.{spelt}" for name in empty for spelt in (name, snake(name))}
    return _columns_of(tuple(map(str, record))) | nulls


@lru_cache(maxsize=1024)
def _columns_of(names: tuple[str, ...]) -> frozenset[str]:
    plain = {snake(name) for name in names}
    return frozenset(column for column, tops in _TOPS.items() if tops & plain)


def merged(stored: Row | None, said: Row, columns: Collection[str]) -> Row:
    """Lay what a line says over what is known of the session; a pure function.

    ``columns`` are those that it says (:func:`said_columns`). JSON columns are merged name by name.
    """
    if stored is None:
        return said
    row = {name: _value(name, stored.get(name), said[name], columns) for name in said}
    # The file is where it was said, and no part of it: the parser does not hash it either.
    row["_fingerprint"] = fingerprint({**row, "ledger_file": None})
    return row


def _value(name: str, stored: Any, said: Any, columns: Collection[str]) -> Any:
    if name in _OF_THE_LINE or name.startswith("_"):
        return said
    if name in _JSON:
        return _merged_json(stored, said, columns)
    if name in columns or said is not None:
        return said
    return stored.astimezone(UTC) if isinstance(stored, datetime) else stored


def _merged_json(stored: str | None, said: str | None, columns: Collection[str]) -> str | None:
    before, after = _object(stored), _object(said)
    kept = {name: value for name, value in before.items() if f"extra.{name}" not in columns}
    return as_json({**kept, **after} or None)


def _object(text: str | None) -> dict[str, Any]:
    found = json.loads(text, parse_float=Decimal) if text else {}
    return found if isinstance(found, dict) else {"value": found}


@dataclass(frozen=True)
class SessionLine:
    """What one line of the ledger says of a session.

    ``from_start``: its file was read from the start, so that it may be older than what is stored;
    what was added to a file since the last sync is new.
    """

    row: Row
    columns: frozenset[str]
    from_start: bool

    def told_over(self, known: Row | None) -> Row:
        """Return the session with what this line says: below what a younger file said of it."""
        if known is None or not self._is_older(known):
            return merged(known, self.row, self.columns)
        facts = {name: known[name] for name in self.row if name in known}
        later = frozenset(name for name, value in facts.items() if value is not None)
        return merged(self.row, {**self.row, **facts, "_seen_at": self.row["_seen_at"]}, later)

    def _is_older(self, known: Row) -> bool:
        file, stored = self.row["ledger_file"], known.get("ledger_file")
        if not (self.from_start and file and stored):
            return False
        return reading_order(file) < reading_order(stored)
