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
        #: Those that were counted, loaded or not: a list may be read twice in one sync.
        self._counted: set[int] = set()

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
        row = rejected.row(seen_at)
        self.quarantined[resource] += self._keep(QUARANTINE.name, row["quarantine_id"], row)

    def _add_issues(self, resource: str, parsed: Parsed, seen_at: datetime) -> None:
        for issue in parsed.issues:
            row = issue.row(seen_at)
            self.value_issues[resource] += self._keep(VALUE_ISSUES.name, row["issue_id"], row)

    def _keep(self, table: str, key: str, row: Row) -> bool:
        """Keep a row until it is loaded; tell whether it is the first of its key in this sync."""
        self.rows[table][key] = row
        number, before = hash(key), len(self._counted)
        self._counted.add(number)
        return len(self._counted) > before

    def clear(self) -> None:
        """Forget what is loaded."""
        for rows in self.rows.values():
            rows.clear()
