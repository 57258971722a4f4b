"""Reading a known list's young end, back to what was read of it before."""

from __future__ import annotations

from datetime import timedelta

from pipelines.destinations.where import Bound, Where
from pipelines.sync.head import HeadResult, head
from pipelines.sync.listrun import RECONCILE_REQUESTS, ListRun
from pipelines.sync.protocol import Strategy
from pipelines.sync.refetch import refetch
from pipelines.sync.verdict import NeedsScan

#: What a head says that does not join what is known.
ORDER_CHANGED = "the list's order is not what it was"
#: Where counts cannot tell which rows moved, open ones are read again this often.
OPEN_STALENESS = timedelta(hours=6)


def read_head(run: ListRun) -> Strategy[HeadResult | None]:
    """Read the young end back to what was read of it before.

    None when it does not join what is known: the list's order is not what it was.
    """
    before: tuple[int | None, int] | None = None
    found: HeadResult | None = None
    for _ in range(3):
        found = yield from _read_head_once(run)
        if found is None or found.last.total in (None, listed := run.listed):
            break
        if found.last.offset == 0 or before == (found.last.total, listed):
            break  # one answer, and so one moment; or nothing moves, and the rest is elsewhere
        before = found.last.total, listed
    return found


def _read_head_once(run: ListRun) -> Strategy[HeadResult | None]:
    found = yield from head(run.spec, run.state, run.copy, run.stats.total)
    if found is not None and found.contiguous_since is not None:
        run.note(contiguous_since=found.contiguous_since)
    return found


def read_open(run: ListRun, reason: str) -> Strategy[None]:
    """Read the young end and the open rows; only a full scan proves more."""
    found = yield from read_head(run)
    if found is None:
        run.conclude(NeedsScan(ORDER_CHANGED))
        return
    known = frozenset(s for s in run.copy.statuses(run.spec) if s is not None)
    stale = Where(
        statuses=known - run.spec.statuses.terminal,
        bounds=(Bound(("_seen_at",), None, found.last.asked_at - OPEN_STALENESS),),
    )
    rows = run.copy.select(run.spec, stale, at_most=100 * RECONCILE_REQUESTS)
    if rows:
        keys = {row[run.spec.key] for row in rows}
        yield from refetch(run.order, keys, "open orders", at_most=RECONCILE_REQUESTS)
    run.conclude(NeedsScan(reason))
