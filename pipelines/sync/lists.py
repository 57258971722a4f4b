"""What orders and webhook logs have in common: whole walks, young ends, counts and proofs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pipelines.client.errors import Refused
from pipelines.source.schema import Table
from pipelines.sync import proofs
from pipelines.sync.batch import CLOCK_SLACK, Batch
from pipelines.sync.certificate import WHOLE_WALK, ResourceCertificate
from pipelines.sync.known import Known
from pipelines.sync.ranks import FilteredList, RankedList
from pipelines.sync.reading import Listing, Reader
from pipelines.sync.store import Store
from pipelines.sync.walk import Walk

#: What finding the differences of one list may cost, in requests; past that a whole walk does it.
REPAIR_REQUESTS = 60
#: How far before the known end an oldest-first list's young end is read again, in rows.
TAIL = 10
#: A walk that took longer than this is followed by a look at what came meanwhile.
LONG_WALK = timedelta(minutes=10)
#: Whole walks that prove again what feeds and counts could not take no more requests a day.
WALK_REQUESTS_A_DAY = 2_000


@dataclass
class Shared:
    """What one sync's parts share."""

    store: Store
    batch: Batch
    known: Known
    flush: Callable[[], None]


class ListSync:
    """Keeps one list complete. ``state`` is what the last sync left, and what the next one gets.

    ``proven``: the table held all that the list had, so that what came since is all there is to
    read. ``order``: how the list is sorted. ``frontier``: all that was made until then is stored.
    ``walk``: an unfinished walk's position. ``walked``: when the last one began, and what it took.
    """

    def __init__(
        self,
        table: Table,
        reader: Reader,
        shared: Shared,
        state: dict[str, Any],
        certificate: ResourceCertificate,
    ) -> None:
        self.table = table
        self.reader = reader
        self.certificate = certificate
        self._shared = shared
        self._state = state
        self.walk: Walk | None = None
        if state.get("walk"):
            self.begin_walk()

    @property
    def known(self) -> Known:
        """What is stored, and what is about to be."""
        return self._shared.known

    @property
    def order(self) -> str:
        """newest_first, oldest_first or unknown, as the last whole walk saw it."""
        return str(self._state.get("order", "unknown"))

    @property
    def is_proven(self) -> bool:
        """Whether the table held all that the list had at the frontier."""
        return bool(self._state.get("proven"))

    @property
    def frontier(self) -> datetime | None:
        """Until when all that was made is stored; None before the first whole walk."""
        text = self._state.get("frontier")
        return datetime.fromisoformat(text) if text else None

    @property
    def can_catch_up(self) -> bool:
        """Whether the list's young end can be read and joined to what is stored."""
        return self.frontier is not None and self.order != "unknown"

    def catch_up(self) -> None:
        """Read what changed since the frontier, and prove that this is all."""
        raise NotImplementedError

    def state(self) -> dict[str, Any]:
        """Return what the next sync shall know."""
        return {**self._state, "walk": self.walk.state() if self.walk else None}

    # Whole walks -----------------------------------------------------------------------------

    def begin_walk(self) -> None:
        """Start a whole walk, or take up the one that was left unfinished."""
        self.walk = Walk(self.reader, self._state.get("walk"))
        self.reader.walk_id = self.walk.id

    def step_walk(self) -> None:
        """Read one page of the walk; certify what it proves when it was the last one."""
        assert self.walk is not None  # noqa: S101 - only called while a walk is under way
        self.walk.step()
        self.reader.walk_id = self.walk.id
        if self.walk.done:
            self._shared.flush()
            self._conclude(self.walk)
            self.walk = None
            self.reader.walk_id = None
            self._state["walk"] = None

    def next_walk_at(self) -> datetime | None:
        """Return when a whole walk may begin that is no first load; None: now."""
        if "walked" not in self._state:
            return None
        began, requests = self._state["walked"]
        return datetime.fromisoformat(began) + timedelta(days=requests / WALK_REQUESTS_A_DAY)

    def _conclude(self, walk: Walk) -> None:
        self._state["walked"] = [walk.started_at.isoformat(), walk.requests]
        if walk.order != "unknown" or walk.is_mixed:
            self._state["order"] = walk.order
        reason = walk.lost_because or self._why_unproven(walk)
        if reason is not None:
            self.doubt(reason)
            return
        gone = proofs.not_met(self._shared.store, self.table, walk)
        for row in gone:
            self._shared.batch.add(self.table.name, row, row["_seen_at"])
        self.certificate.detail["rows_deleted"] = len(gone)
        self.prove(walk.started_at, WHOLE_WALK)

    def _why_unproven(self, walk: Walk) -> str | None:
        """Return what a walk that kept its place still leaves open; None: nothing."""
        if walk.first_total is None:
            return None
        short = walk.first_total - proofs.met(self._shared.store, self.table, walk)
        if short <= 0 or self._were_deleted(walk):
            return None
        return (
            f"{short} of {walk.first_total} rows were not met: "
            "they were deleted meanwhile, or the list has no order that holds"
        )

    def _were_deleted(self, walk: Walk) -> bool:
        """Tell whether the rows that a walk did not meet are not in the list any more.

        A walk that kept its place in a sorted list passed every row that stayed. So with what came
        since, it has met at least as many rows as the list now has.
        """
        if walk.order == "unknown":
            return False
        self._state["frontier"] = walk.started_at.isoformat()
        head = self.read_head()
        self._shared.flush()
        met = proofs.met(self._shared.store, self.table, walk, and_since=True)
        return head is not None and head.total is not None and met >= head.total

    # The young end ---------------------------------------------------------------------------

    def read_head(self) -> Listing | None:
        """Read the list's young end back to the frontier; return the last answer.

        None when it does not join what is known: the list's order is not what it was.
        """
        for _ in range(3):
            last = self._read_head_once()
            if last is None or last.total in (None, self.known.count(self.table)):
                return last
            if last.offset == 0:
                return last  # one answer, and so one moment: nothing came in between
        return last

    def _read_head_once(self) -> Listing | None:
        newest_first = self.order == "newest_first"
        start = 0 if newest_first else max(self.known.count(self.table) - TAIL, 0)
        walk = Walk(
            self.reader,
            {"offset": start},
            purpose="head",
            until=self._reaches_back if newest_first else None,
            trusting=True,
        )
        walk.run()
        if walk.lost_because or walk.is_mixed or walk.order not in (self.order, "unknown"):
            return None
        if not newest_first and start and not (walk.first and self._reaches_back(walk.first)):
            return None
        return walk.last

    def _reaches_back(self, listing: Listing) -> bool:
        """Tell whether the page holds a row from before the frontier."""
        frontier = self.frontier
        assert frontier is not None  # noqa: S101 - only asked when one can catch up
        return any(e.made_at and e.made_at < frontier - CLOCK_SLACK for e in listing.entries)

    # Counts ----------------------------------------------------------------------------------

    def count(self, status: str) -> tuple[int, datetime] | None:
        """Ask how many rows have a status; None where the API does not honour the question.

        The answer also shows the youngest rows of that status: a row that came while the statuses
        were counted one after the other is known from it.
        """
        oldest_first = self.order == "oldest_first"
        offset = max(self.known.count(self.table, status) - TAIL, 0) if oldest_first else 0
        try:
            listing = self.reader.read(offset, "count", status=status)
        except Refused:
            return None
        if any(entry.row and entry.row["status"] != status for entry in listing.entries):
            return None
        if listing.total is None or (listing.entries and listing.total < listing.end):
            return None
        return listing.total, listing.asked_at

    def repair(self, status: str | None, total: int) -> None:
        """Find the rows that came under a status or left it, and read them again.

        Without a status: those that came into the list or left it.
        """
        before = self._shared.batch.news(self.table)
        listed = FilteredList(self.reader, self.known, self.table, self.order, status)
        left = listed.differences(total, at_most=REPAIR_REQUESTS)
        if left:
            self.read_again(left, "repair", at_most=REPAIR_REQUESTS)
        self.certificate.rows_repaired += self._shared.batch.news(self.table) - before

    def read_again(self, keys: set[str], purpose: str, *, at_most: int = 10**9) -> set[str]:
        """Read rows again where they must stand; return those that were not met there."""
        ranked = RankedList(self.reader, self.known, self.table, self.order)
        return ranked.read_again(keys, purpose, at_most=at_most)

    def read_around(self, moment: datetime, purpose: str) -> None:
        """Read the page on which rows stand that were made at a time."""
        ranked = RankedList(self.reader, self.known, self.table, self.order)
        ranked.read_around(moment, purpose)

    def quarantined(self) -> dict[str | None, int]:
        """Count by status the bad records that the list holds, and that are no stored row."""
        began = self._state.get("walked", [None])[0]
        since = datetime.fromisoformat(began) if began else None
        return proofs.quarantined(self._shared.store, self._shared.batch, self.table, since)

    # The verdict -----------------------------------------------------------------------------

    def prove(self, as_of: datetime, evidence: str) -> None:
        """Certify, and remember how far back the next look at the young end must reach."""
        self._state |= {"proven": True, "frontier": as_of.isoformat(), "unsettled": 0}
        self._state["proven_as_of"] = as_of.isoformat()
        self.certificate.proven(as_of, evidence)

    def doubt(self, reason: str) -> None:
        """Certify nothing; a whole walk has to prove the list again."""
        self._state["proven"] = False
        self.certificate.unproven(reason)

    def leave_open(self, reason: str) -> None:
        """Certify nothing this time; after a second time in a row, doubt."""
        self._state["unsettled"] = self._state.get("unsettled", 0) + 1
        if self._state["unsettled"] > 1:
            self.doubt(reason)
        else:
            self.certificate.unproven(reason)
