"""What orders and webhook logs have in common: whole walks, young ends, counts and proofs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pipelines.client import PAGE_SIZE
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
#: One empty answer is an accident rather than the deletion of everything: it must last this long.
EMPTY_FOR = timedelta(hours=1)
#: What a head says that does not join what is known.
ORDER_CHANGED = "the list's order is not what it was"
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
    ``joined``: until then the young end was read since. ``walk``: an unfinished walk's position.
    ``walked``: when the last one began, and what it took.
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
    def horizon(self) -> datetime | None:
        """When the oldest row was made that the API still lists; None: it lists all of them."""
        return None

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
        reason = walk.lost_because or self._why_not_empty(walk) or self._why_unproven(walk)
        if reason is not None:
            self.doubt(reason)
            return
        gone = proofs.not_met(self._shared.store, self.table, walk)
        for row in gone:
            self._shared.batch.add_known(self.table.name, row)
        self.certificate.detail["rows_deleted"] = len(gone)
        self.prove(walk.started_at, WHOLE_WALK)

    def _why_not_empty(self, walk: Walk) -> str | None:
        """Return why a list that had rows is not believed to have none; None: it has, or may."""
        if proofs.met(self._shared.store, self.table, walk, and_since=True):
            self._state["empty_since"] = None
            return None
        stored = self.known.count(self.table)
        since = self._state.get("empty_since") or walk.started_at.isoformat()
        self._state["empty_since"] = since
        if not stored or walk.started_at - datetime.fromisoformat(since) >= EMPTY_FOR:
            return None
        return f"the list is empty, and {stored} rows are stored: it is believed when it stays so"

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
        """Read the list's young end back to what was read of it before; return the last answer.

        None when it does not join what is known: the list's order is not what it was.
        """
        before: tuple[int | None, int] | None = None
        for _ in range(3):
            last = self._read_head_once()
            if last is None or last.total in (None, listed := self.listed_count()):
                return last
            if last.offset == 0:
                return last  # one answer, and so one moment: nothing came in between
            if before == (last.total, listed):
                return last  # nothing moves: the rest is elsewhere
            before = last.total, listed
        return last

    def _read_head_once(self) -> Listing | None:
        newest_first = self.order == "newest_first"
        length = self.known.count(self.table, since=self.horizon)
        if self.reader.tally.total is not None:
            length = min(length, self.reader.tally.total)
        start, step = 0 if newest_first else max(length - TAIL, 0), PAGE_SIZE
        while True:
            walk = Walk(
                self.reader,
                {"offset": start},
                purpose="head",
                until=self._reaches_back if newest_first else None,
                trusting=True,
            )
            walk.step()
            assert walk.first is not None  # noqa: S101 - that was it
            if newest_first or not start or self._reaches_back(walk.first):
                break
            # Rows have left the list: the young end stands further to the front.
            total = start if walk.first.total is None else walk.first.total
            start, step = max(min(start, total) - step, 0), 2 * step
        walk.run()
        if walk.lost_because or walk.is_mixed or walk.order not in (self.order, "unknown"):
            return None
        assert walk.last is not None  # noqa: S101 - there was a first one
        self._note_joined(walk.first, walk.last)
        return walk.last

    def _note_joined(self, first: Listing, last: Listing) -> None:
        """Remember how far the young end was read: no later look needs to go back further."""
        if self.order == "oldest_first":
            times = [entry.made_at for entry in last.entries if entry.made_at]
            if times:
                self._state["joined"] = max(times).isoformat()
        elif self._reaches_back(last) or (last.offset > 0 and last.end == last.total):
            self._state["joined"] = (first.asked_at - CLOCK_SLACK).isoformat()

    def _reaches_back(self, listing: Listing) -> bool:
        """Tell whether the page holds a row from before the last look at the young end."""
        frontier, joined = self.frontier, self._state.get("joined")
        assert frontier is not None  # noqa: S101 - only asked when one can catch up
        limit = frontier - CLOCK_SLACK
        if joined:
            limit = max(limit, datetime.fromisoformat(joined))
        return any(entry.made_at and entry.made_at <= limit for entry in listing.entries)

    # The whole length ------------------------------------------------------------------------

    def listed_count(self) -> int:
        """Count what the API must be listing: the rows, and the records that are none."""
        known = self.known.count(self.table, since=self.horizon)
        return known + sum(self.quarantined().values())

    def why_not_whole(self, head: Listing) -> str | None:
        """Compare the list's length with what is stored; look for what makes the difference.

        Rows may come while that is done: then it is compared once more, with a later look.
        """
        last: Listing | None = head
        for _ in range(2):
            if last is None or last.total is None:
                break
            total, before = last.total, self.listed_count()
            if total == before:
                return None
            self.look_at_old_end(total)
            if total > self.listed_count():
                self.repair(None, total)
            if total == self.listed_count():
                return None
            last = self.read_head()
            if last is not None and (last.total, self.listed_count()) == (total, before):
                break  # nothing moves, and nothing was found
        if last is None:
            return ORDER_CHANGED
        if last.total is None:
            return "the list gives no total"
        if last.total == self.listed_count():
            return None
        what = self.table.name.replace("_", " ")
        return f"the API counts {last.total} {what}, {self.listed_count()} are stored"

    def look_at_old_end(self, total: int) -> None:
        """Find out how far back the API lists rows, where that may be for some time only."""

    # Counts ----------------------------------------------------------------------------------

    def count(self, status: str) -> tuple[int, datetime] | None:
        """Ask how many rows have a status; None where the API does not honour the question.

        The answer also shows the youngest rows of that status: a row that came while the statuses
        were counted one after the other is known from it.
        """
        oldest_first = self.order == "oldest_first"
        known = self.known.count(self.table, status, self.horizon)
        offset = max(known - TAIL, 0) if oldest_first else 0
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
        listed = FilteredList(self.reader, self.known, self.table, self.order, status, self.horizon)
        left = listed.differences(total, at_most=REPAIR_REQUESTS)
        if left:
            self.read_again(left, "repair", at_most=REPAIR_REQUESTS)
        self.certificate.rows_repaired += self._shared.batch.news(self.table) - before

    def read_again(self, keys: set[str], purpose: str, *, at_most: int = 10**9) -> set[str]:
        """Read rows again where they must stand; return those that were not met there."""
        ranked = RankedList(self.reader, self.known, self.table, self.order, self.horizon)
        return ranked.read_again(keys, purpose, at_most=at_most)

    def read_around(self, moment: datetime, purpose: str) -> None:
        """Read the page on which rows stand that were made at a time."""
        ranked = RankedList(self.reader, self.known, self.table, self.order, self.horizon)
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
        self._state |= {"proven": False, "doubt": reason}
        self.certificate.unproven(reason)

    @property
    def doubted(self) -> str:
        """Why the list was doubted, until it is proven again."""
        return str(self._state.get("doubt") or "a whole walk has to prove the list again")

    def leave_open(self, reason: str) -> None:
        """Certify nothing this time; after a second time in a row, doubt."""
        self._state["unsettled"] = self._state.get("unsettled", 0) + 1
        if self._state["unsettled"] > 1:
            self.doubt(reason)
        else:
            self.certificate.unproven(reason)
