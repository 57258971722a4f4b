"""What reading a record gives: a row with what was wrong in it, or why there is none."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

Row = dict[str, Any]


@dataclass(frozen=True)
class Issue:
    """A value that its column could not take as it stood.

    ``outcome`` is what the row has instead: null, or the value rounded. ``value`` is JSON, the
    field and its value, and None where the value may not stand.
    """

    resource: str
    key: str
    column: str
    value_type: str
    reason: str
    place: str
    outcome: Literal["null", "rounded"] = "null"
    value: str | None = None

    def row(self, seen_at: datetime) -> Row:
        """Return the row for the table of value issues: one for each column of a record."""
        return {
            "issue_id": _hash(self.resource, self.key, self.column),
            "resource": self.resource,
            "record_key": self.key,
            "column_name": self.column,
            "value_type": self.value_type,
            "reason": self.reason,
            "outcome": self.outcome,
            "value": self.value,
            "place": self.place,
            "_seen_at": seen_at,
        }


class Parsed(Row):
    """A row, complete with every column, that says what could not be read of it."""

    def __init__(self, row: Row, issues: Sequence[Issue] = ()) -> None:
        super().__init__(row)
        self.issues = issues

    @property
    def is_damaged(self) -> bool:
        """Whether it lacks a value; one that was rounded is there."""
        return any(issue.outcome == "null" for issue in self.issues)


@dataclass(frozen=True)
class Rejected:
    """A record that cannot be a row. ``record`` has neither secrets nor personal fields."""

    resource: str
    reason: str
    place: str
    record: str
    status: str | None = None
    #: Keyed hash of the record as it came: two that differ in what is not kept are two.
    identity: str = ""

    def row(self, seen_at: datetime) -> Row:
        """Return the row for the quarantine table."""
        return {
            # Of what could not even be written, the place is all there is to tell it by.
            "quarantine_id": _hash(
                self.resource, self.place if self.record == "null" else self.record + self.identity
            ),
            "resource": self.resource,
            # Of records that older versions rejected although their key could be read.
            "record_key": None,
            "reason": self.reason,
            "place": self.place,
            "record_status": self.status,
            "record": self.record,
            "_seen_at": seen_at,
        }


def _hash(*identity: str) -> str:
    text = "\n".join(identity).encode(errors="replace")
    return hashlib.blake2b(text, digest_size=16).hexdigest()
