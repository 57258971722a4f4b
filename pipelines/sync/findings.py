"""What could not be read of records: it waits to be loaded into tables of its own."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from pipelines.destinations.where import Row
from pipelines.source.parse import Parsed, Rejected
from pipelines.source.schema import QUARANTINE, VALUE_ISSUES


class Findings:
    """Records that are no rows, and values that could not be read of rows that were kept."""

    def __init__(self) -> None:
        #: Until they are loaded, by table and id.
        self.rows: dict[str, dict[str, Row]] = {QUARANTINE.name: {}, VALUE_ISSUES.name: {}}
        #: How many there were of each resource, and how many looks at rows lacked a value.
        self.quarantined: Counter[str] = Counter()
        self.value_issues: Counter[str] = Counter()
        self.damaged: Counter[str] = Counter()

    def __len__(self) -> int:
        return sum(map(len, self.rows.values()))

    def note(self, resource: str, found: Parsed | Rejected, seen_at: datetime) -> None:
        """Keep what was not plain about a record."""
        if isinstance(found, Rejected):
            self.add(resource, found, seen_at)
        else:
            self.damaged[resource] += found.is_damaged
            self._add_issues(resource, found, seen_at)

    def add(self, resource: str, rejected: Rejected, seen_at: datetime) -> None:
        """Keep a bad record for the quarantine."""
        row, waiting = rejected.row(seen_at), self.rows[QUARANTINE.name]
        self.quarantined[resource] += row["quarantine_id"] not in waiting
        waiting[row["quarantine_id"]] = row

    def _add_issues(self, resource: str, parsed: Parsed, seen_at: datetime) -> None:
        waiting = self.rows[VALUE_ISSUES.name]
        for issue in parsed.issues:
            row = issue.row(seen_at)
            self.value_issues[resource] += row["issue_id"] not in waiting
            waiting[row["issue_id"]] = row

    def clear(self) -> None:
        """Forget what is loaded."""
        for rows in self.rows.values():
            rows.clear()
