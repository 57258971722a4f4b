"""Webhook logs: new ones at the young end; young ones until they settle; old ones by count.

A delivery is tried at once and then after 1, 5, 30 and 120 minutes (G), so that a row can change
by itself for 156 minutes. Afterwards only a retry by hand changes it, which the number of failed
deliveries shows, and a look at the recent failed ones every few hours. A row that hangs unsettled
after that is treated in the same way.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from pipelines.client import PAGE_SIZE
from pipelines.source.parse import Row
from pipelines.sync.batch import CLOCK_SLACK
from pipelines.sync.certificate import COUNTS_EQUAL
from pipelines.sync.lists import ORDER_CHANGED, REPAIR_REQUESTS, ListSync
from pipelines.sync.reading import Listing
from pipelines.sync.walk import Walk

#: Minutes after the event at which the vendor tries a delivery (G).
ATTEMPTS_AT = (0, 1, 6, 36, 156)
_LATE = timedelta(minutes=2)
_UNSETTLED, _SETTLED = {"pending", "retrying"}, {"sent", "failed"}
#: A failed delivery that is retried by hand and fails again keeps its status, and a vendor's own
#: attempt may come at another time than it should: such rows are looked at again this often, as
#: far back as anybody still retries.
STALENESS = timedelta(hours=6)
_RETRIED_DAYS = timedelta(days=7)
#: The old end is near where `total` says, or `total` is wrong: so many pages tell.
_OLD_END = 5


class LogSync(ListSync):
    """Keeps the webhook logs complete and current."""

    def catch_up(self) -> None:
        """Read the young end and what may have settled, and compare the counts."""
        self.reader.tally.first_asked_at = None
        head = self.read_head()
        if head is None:
            self.doubt(ORDER_CHANGED)
            return
        as_of = self.reader.tally.first_asked_at or head.asked_at
        self._read_due(as_of)
        if not self.is_proven:
            self.certificate.unproven(self.doubted)
            return
        reason = self.why_not_whole(head)
        if reason is not None:
            self.doubt(reason)
            return
        reason = self._compare_statuses()
        if reason is None:
            self.prove(as_of, COUNTS_EQUAL)
        else:
            self.leave_open(reason)

    def _read_due(self, now: datetime) -> None:
        """Read the rows again that an attempt may have changed since they were seen."""
        rows = self._rows_of(self.known.statuses(self.table) - _SETTLED)
        latest = self._shared.batch.latest or now
        due = {row["webhook_log_id"] for row in rows if _is_due(row, now, latest)}
        if due:
            self.read_again(due, "settle")
        last = self._state.get("retried_read_at")
        if last is not None and now - datetime.fromisoformat(last) < STALENESS:
            return
        self._state["retried_read_at"] = now.isoformat()
        if last is not None:
            self._read_failed(now)

    def _read_failed(self, now: datetime) -> None:
        rows = self._rows_of({"failed"})
        rows += [row for row in self._rows_of(_UNSETTLED) if _hangs(row)]
        recent = {
            row["webhook_log_id"]
            for row in rows
            if row["made_at"] is None or now - row["made_at"] < _RETRIED_DAYS
        }
        self.read_again(recent, "failed again", at_most=REPAIR_REQUESTS)

    def _rows_of(self, statuses: set[str]) -> list[Row]:
        """Return the rows with these statuses that the API still lists."""
        rows = self.known.of_status(self.table, statuses)
        horizon = self.horizon
        return [r for r in rows if not (horizon and r["made_at"] and r["made_at"] < horizon)]

    @property
    def horizon(self) -> datetime | None:
        """When the oldest log was made that the API still lists; None: it lists all of them."""
        text = self._state.get("horizon")
        return datetime.fromisoformat(text) if text else None

    def look_at_old_end(self, total: int) -> None:
        """Find out how far back logs are listed: they may be kept for some time only."""
        self._state["horizon"] = None
        if total >= self.listed_count():
            return
        times: list[datetime] = []

        def note(listing: Listing) -> bool:
            times.extend(entry.made_at for entry in listing.entries if entry.made_at)
            return self.order == "oldest_first"

        start = max(total - PAGE_SIZE // 2, 0) if self.order == "newest_first" else 0
        walk = Walk(self.reader, {"offset": start}, purpose="old end", until=note, trusting=True)
        while not walk.done and walk.requests < _OLD_END:
            walk.step()
        if times and walk.done and not walk.lost_because:
            self._state["horizon"] = min(times).isoformat()

    def _compare_statuses(self) -> str | None:
        """Compare the numbers of deliveries that change at no known time, status by status."""
        hanging = {row["status"] for row in self._rows_of(_UNSETTLED) if _hangs(row)}
        unheard_of = self.known.statuses(self.table) - _UNSETTLED - _SETTLED
        reasons = map(self._compare, ("failed", *sorted(hanging | unheard_of)))
        return next((reason for reason in reasons if reason is not None), None)

    def _compare(self, status: str) -> str | None:
        """Compare the number of deliveries; repair, and return why it still differs."""
        bad = self.quarantined().get(status, 0)
        for _ in range(2):
            counted = self.count(status)
            if counted is None:
                return "the API does not count by status"
            number = counted[0] - bad
            if number == self.known.count(self.table, status, self.horizon):
                return None
            self.repair(status, counted[0])
        stored = self.known.count(self.table, status, self.horizon)
        return None if number == stored else f"the API counts {number} {status} logs, not {stored}"


def _hangs(row: Row) -> bool:
    """Tell whether a row was still unsettled when the vendor's last attempt had been made."""
    if row["made_at"] is None:
        return False
    settled_after = timedelta(minutes=ATTEMPTS_AT[-1]) + _LATE
    return bool(row["_seen_at"] - row["made_at"] > settled_after)


def _is_due(row: Row, now: datetime, latest: datetime) -> bool:
    """Tell whether an attempt fell between the last look and now, or may have been late.

    What seems to have been seen after all that was read now was seen before the server's clock was
    set back.
    """
    made, seen = row["made_at"], row["_seen_at"]
    if seen - latest > CLOCK_SLACK:
        return True
    if seen >= now:
        return False
    if made is None:
        return bool(now - seen >= STALENESS)
    attempts = [made + timedelta(minutes=minutes) for minutes in ATTEMPTS_AT]
    return any(seen - _LATE <= attempt <= now + _LATE for attempt in attempts)
