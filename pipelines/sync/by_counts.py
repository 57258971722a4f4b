"""Proving a known list by the numbers of its rows, status by status.

They are counted in the order in which rows pass through them, and the young end is read after that.
Then a row that moves meanwhile is counted twice and none is missed, what came is seen, and what
went makes the list shorter than the known rows. So equal numbers mean equal rows, because no row
ever goes back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from pipelines.sync.counts import NO_COUNTS, StatusCounts, count_statuses, statuses_in_order
from pipelines.sync.listrun import ListRun
from pipelines.sync.protocol import ListPage, Strategy
from pipelines.sync.repair import repair
from pipelines.sync.verdict import Inconclusive, NeedsScan, Proof, are_beside, gaps_of, judge
from pipelines.sync.whole import numbers, why_not_whole
from pipelines.sync.young_end import ORDER_CHANGED, read_head, read_open

#: How often the statuses are counted before a difference is left open.
_ROUNDS = 3

Refresh = Callable[[], Strategy[None]]
#: By status what the API counts, and what is known.
Compared = dict[str, tuple[int, int]]


@dataclass(frozen=True)
class _Counted:
    """The statuses, counted and compared, and the page of the young end that was read after that.

    ``agrees``: together they were as many as the known rows.
    """

    counts: StatusCounts
    compared: Compared
    agrees: bool
    began: datetime
    last: ListPage

    @property
    def gaps(self) -> dict[str, int]:
        """By status how many more rows the API counts than are known, where it does."""
        return gaps_of(self.compared)

    @property
    def total(self) -> int:
        """The rows of all statuses, as the API counts them."""
        return sum(self.counts.counts.values())


def prove_by_counts(run: ListRun, refresh: Refresh) -> Strategy[None]:
    """Count, compare and repair until the numbers agree; ``refresh`` applies new events."""
    found: _Counted | None = None
    surplus: int | None = None
    for attempt in range(_ROUNDS):
        found = yield from _look(run)
        if found is None or (yield from _is_decided(run, found)):
            return
        surplus, before = found.total + run.without_status - run.listed, surplus
        if 0 < surplus == before:
            run.conclude(Inconclusive("the API counts more rows by status than it lists"))
            return
        if found.gaps and (found.agrees or attempt):
            helped, searched = yield from _repair_all(run, found.counts)
            if not helped and found.agrees:
                if searched and are_beside(found.gaps, run.beside):
                    run.note(searched=found.gaps)
                    yield from _is_decided(run, found)
                    return
                _note_miscounted(run, found.gaps)
                break
        if attempt < _ROUNDS - 1:
            yield from refresh()
    words = ", ".join(found.gaps if found else ()) or "the statuses"
    run.conclude(Inconclusive(f"the counts of {words} differ"))


def _look(run: ListRun) -> Strategy[_Counted | None]:
    """Count the statuses, then read the young end; None where that proves nothing."""
    counts = yield from _count(run)
    compared, agrees = _compared(run, counts)
    if counts.began is None or not counts.counts:
        yield from read_open(run, NO_COUNTS)
        return None
    found = yield from read_head(run)
    if found is None:
        run.conclude(NeedsScan(ORDER_CHANGED))
        return None
    if counts.uncounted:
        counts.fill_up(found.last.total)
        compared, agrees = _compared(run, counts)
    if counts.uncounted or _are_of_all(compared, found.last.total):
        yield from read_open(run, NO_COUNTS)
        return None
    return _Counted(counts, compared, agrees, counts.began, found.last)


def _are_of_all(compared: Compared, total: int | None) -> bool:
    """Tell whether statuses are counted with the whole list: two cannot both be as long as it."""
    return sum(known < n == total for n, known in compared.values()) > 1


def _is_decided(run: ListRun, found: _Counted) -> Strategy[bool]:
    """Conclude, unless counting once more may tell why the numbers differ."""
    doubt = None
    if found.last.total is not None:
        doubt = yield from why_not_whole(run, found.last)
    if doubt is not None:
        run.conclude(doubt)
        return True
    evidence = run.evidence(Proof.COUNTS, found.began, counts=found.compared, **numbers(run))
    verdict = judge(evidence, otherwise=Inconclusive)
    if not found.agrees or (found.gaps and isinstance(verdict, Inconclusive)):
        return False
    run.conclude(verdict)  # the numbers agree; where it is not verified, all else is in doubt
    return True


def _count(run: ListRun) -> Strategy[StatusCounts]:
    statuses = statuses_in_order(run.spec, run.copy)
    asked = [status for status in statuses if run.state.miscounted.get(status, 0) < 2]
    counts = yield from count_statuses(
        run.spec, run.state, run.copy, asked, trusting=not run.state.filters_ignored
    )
    run.note(filters_ignored=bool(counts.uncounted) and counts.began is None)
    counts.uncounted += [status for status in statuses if status not in asked]
    return counts


def _compared(run: ListRun, counts: StatusCounts) -> tuple[Compared, bool]:
    """Compare the counts with the known rows; and tell whether together they are surely as many."""
    bad = run.bad_by_status
    compared = {s: (n, run.count(s) + bad.get(s, 0)) for s, n in counts.counts.items()}
    total = sum(counts.counts.values()) + run.without_status
    return compared, total == run.listed and not counts.moved


def _note_miscounted(run: ListRun, gaps: Iterable[str]) -> None:
    """Remember counts that no row explains: asked for in vain twice, they are no longer asked."""
    known = run.state.miscounted
    run.note(miscounted={**known, **{status: known.get(status, 0) + 1 for status in gaps}})


def _repair_all(run: ListRun, counts: StatusCounts) -> Strategy[tuple[bool, bool]]:
    """Find the rows that moved unseen, status by status as rows pass through them.

    Tell whether any was found, and whether all was searched.

    What left one status is then known in the next, so that of that one, too, rows are missing on
    one side only.
    """
    before = run.shared.pending.count_news(run.spec.table)
    bad, searched = run.bad_by_status, True
    for status, number in counts.counts.items():
        if number != run.count(status) + bad.get(status, 0):
            searched &= yield from repair(run, status, number)
    return run.shared.pending.count_news(run.spec.table) != before, searched
