"""Is a list that was caught up with stored whole? Its length is compared with the known rows."""

from __future__ import annotations

from pipelines.destinations.where import where
from pipelines.sync.deletions import find_gone
from pipelines.sync.head import old_end
from pipelines.sync.listrun import ListRun
from pipelines.sync.protocol import ListPage, Strategy
from pipelines.sync.repair import repair
from pipelines.sync.verdict import NeedsScan, Verdict
from pipelines.sync.young_end import ORDER_CHANGED, read_head

_NO_TOTAL = "the list gives no total"


def why_not_whole(run: ListRun, last: ListPage) -> Strategy[Verdict | None]:
    """Compare the list's length with what is stored; look for what makes the difference.

    Rows may come while that is done: then it is compared once more, with a later look.
    """
    for _ in range(2):
        if last.total is None:
            return NeedsScan(_NO_TOTAL)
        total, before = last.total, run.listed
        yield from _look_at_old_end(run, total)
        if _agrees(run, total):
            return None
        if total > run.listed:
            yield from repair(run, None, total)
        elif total < run.listed:
            doubt = yield from find_gone(run, total)
            if doubt is not None:
                return doubt
        if _agrees(run, total):
            return None
        found = yield from read_head(run)
        if found is None:
            return NeedsScan(ORDER_CHANGED)
        last = found.last
        if (last.total, run.listed) == (total, before):
            break  # nothing moves, and nothing was found
    if last.total is None:
        return NeedsScan(_NO_TOTAL)
    if _agrees(run, last.total):
        return None
    return NeedsScan(f"the API counts {last.total} {run.spec.words}, {run.listed} are stored")


def numbers(run: ListRun) -> dict[str, int]:
    """Return the list's length and the stored rows at the moment at which they were compared."""
    return {} if run.agreed is None else {"total": run.agreed[0], "stored": run.agreed[1]}


def _agrees(run: ListRun, total: int) -> bool:
    """Tell whether as many rows are known as the list has, and note that they were."""
    agrees = total == run.listed
    if agrees:
        run.agreed = total, run.stored
    return agrees


def _look_at_old_end(run: ListRun, total: int) -> Strategy[None]:
    """Find out how far back the API lists rows, where that may be for some time only.

    As many rows may have come late as were dropped: where rows come, or have been dropped before,
    numbers that agree tell nothing of it.
    """
    state, pending = run.state, run.shared.pending
    is_quiet = state.retention_cutoff is None and not pending.count_news(run.spec.table)
    if not run.spec.is_retained_briefly or (is_quiet and total == run.listed):
        return
    run.note(retention_cutoff=None)
    if total > run.listed:
        return
    cutoff = state.retention_cutoff  # an empty list shows no old end
    if total:
        cutoff = yield from old_end(run.spec, state, total)
    if cutoff is not None and run.copy.count(run.spec, where(run.spec, since=cutoff)) < run.stored:
        run.note(retention_cutoff=cutoff)
