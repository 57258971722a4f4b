"""Catching up with rows that change as time passes: what is due is read, and numbers compared.

Rows may change late, and more may be due than a sync reads again. So the timetable saves requests,
and proves nothing: each status is counted of which a row was not seen now.
"""

from __future__ import annotations

from datetime import datetime

from pipelines.sync import recheck
from pipelines.sync.counts import NO_COUNTS, count
from pipelines.sync.listrun import RECONCILE_REQUESTS, ListRun
from pipelines.sync.protocol import Strategy
from pipelines.sync.refetch import refetch
from pipelines.sync.repair import repair
from pipelines.sync.verdict import Inconclusive, NeedsScan, Proof, judge
from pipelines.sync.whole import numbers, why_not_whole
from pipelines.sync.young_end import OPEN_STALENESS, ORDER_CHANGED, read_head


def by_time(run: ListRun) -> Strategy[None]:
    """Read the young end and what may have settled, and compare the counts."""
    found = yield from read_head(run)
    if found is None:
        run.conclude(NeedsScan(ORDER_CHANGED))
        return
    yield from _read_due(run, found.began)
    if not run.state.is_trusted:
        run.leave_unproven()
        return
    doubt = yield from why_not_whole(run, found.last)
    if doubt is not None:
        run.conclude(doubt)
        return
    reason = yield from _compare_statuses(run, found.began)
    if reason is not None:
        run.conclude(NeedsScan(reason) if reason == NO_COUNTS else Inconclusive(reason))
        return
    evidence = run.evidence(Proof.COUNTS, found.began, **numbers(run))
    run.conclude(judge(evidence, otherwise=Inconclusive))


def _read_due(run: ListRun, now: datetime) -> Strategy[None]:
    """Read the rows again that may have changed by themselves since they were seen."""
    due = recheck.due(run.spec, run.state, run.copy, now, _latest(run, now))
    if due:
        yield from refetch(run.order, due, "settle", at_most=_most_requests(run))
    last = run.state.rechecked_at
    staleness = run.spec.recheck.staleness if run.spec.recheck else OPEN_STALENESS
    if last is not None and now - last < staleness:
        return
    run.note(rechecked_at=now)
    if last is not None:
        keys = recheck.by_hand(run.spec, run.state, run.copy, now)
        yield from refetch(run.order, keys, "failed again", at_most=RECONCILE_REQUESTS)


def _most_requests(run: ListRun) -> int:
    """Return what rechecks may cost: beyond that, reading the list whole is cheaper."""
    return max(RECONCILE_REQUESTS, run.listed // 200)


def _latest(run: ListRun, now: datetime) -> datetime:
    return run.shared.pending.latest or now


def _compare_statuses(run: ListRun, now: datetime) -> Strategy[str | None]:
    """Compare the numbers of the rows that were not seen since ``now``, status by status.

    Where the API does not count an unsettled status, its few rows are read again.
    """
    uncounted = set()
    statuses = recheck.counted_statuses(run.spec, run.state, run.copy, now, _latest(run, now))
    for status in statuses:
        reason = yield from _compare(run, status, now)
        if reason == NO_COUNTS and run.spec.recheck and status in run.spec.recheck.unsettled:
            uncounted.add(status)
        elif reason is not None:
            return reason
    return (yield from _read_uncounted(run, uncounted, now)) if uncounted else None


def _read_uncounted(run: ListRun, statuses: set[str], now: datetime) -> Strategy[str | None]:
    """Read the rows again that nothing counts, and return why that does not prove them."""
    yield from refetch(run.order, _unseen(run, statuses, now), "settle", at_most=RECONCILE_REQUESTS)
    return NO_COUNTS if _unseen(run, statuses, now) else None


def _unseen(run: ListRun, statuses: set[str], now: datetime) -> set[str]:
    rows = recheck.unseen(run.spec, run.state, run.copy, now, _latest(run, now))
    return {row[run.spec.key] for row in rows if row["status"] in statuses}


def _is_of_all(run: ListRun, status: str, total: int) -> bool:
    """Tell whether the whole list is counted, of which rows are known to have settled elsewhere."""
    others = run.spec.statuses.terminal - {status}
    return total == run.stats.total and any(run.count(other) for other in others)


def _compare(run: ListRun, status: str, now: datetime) -> Strategy[str | None]:
    """Compare the number of rows of a status; repair, and return why it still differs.

    Where all that seemed to have left an unsettled status was read again, no number is needed.
    """
    bad = run.bad_by_status.get(status, 0)
    is_settled, number = status in run.spec.statuses.terminal, 0
    for _ in range(2):
        page = yield from count(run.spec, run.state, run.copy, status)
        if page is None or page.total is None or _is_of_all(run, status, page.total):
            return NO_COUNTS
        number = page.total - bad
        if number == run.count(status):
            return None
        before = run.shared.pending.count_news(run.spec.table)
        yield from repair(run, status, page.total)
        if not is_settled and number <= run.count(status) and not _unseen(run, {status}, now):
            return None
        if run.shared.pending.count_news(run.spec.table) == before:
            break  # nothing explains it: looking again would not either
    stored = run.count(status)
    if number == stored:
        return None
    return f"the API counts {number} {status} {run.spec.words}, {stored} are stored"
