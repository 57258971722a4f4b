"""Following a list whose past is known: what changed is read, and counts prove that it was all.

New rows stand at the young end. Moved ones are told by events, by the clock, or by counts: status
by status, in the order in which rows pass through them, and the young end is read after that. Then
a row that moves meanwhile is counted twice and none is missed, what came is seen, and what went
makes the list shorter than the known rows. So equal numbers mean equal rows, because no row ever
goes back.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from pipelines.destinations.where import Bound, Where
from pipelines.sync import recheck
from pipelines.sync.counts import StatusCounts, count, count_statuses, statuses_in_order
from pipelines.sync.deletions import find_gone
from pipelines.sync.head import HeadResult, head, old_end
from pipelines.sync.listrun import RECONCILE_REQUESTS, ListRun
from pipelines.sync.protocol import ListPage, RequestRefused, Strategy
from pipelines.sync.reconcile import reconcile
from pipelines.sync.refetch import look_around, refetch
from pipelines.sync.verdict import Inconclusive, NeedsScan, Proof, judge

#: What a head says that does not join what is known.
ORDER_CHANGED = "the list's order is not what it was"
NO_COUNTS = "the API does not count by status"
#: How often the statuses are counted before a difference is left open.
_ROUNDS = 3
#: Rows that only events speak of are looked for in the list, so many a sync.
_LOOKS = 20
#: Where counts cannot tell which rows moved, open ones are read again this often.
OPEN_STALENESS = timedelta(hours=6)

Refresh = Callable[[], Strategy[None]]


def catch_up(run: ListRun, refresh: Refresh) -> Strategy[None]:
    """Read what changed, and prove that this is all; ``refresh`` reads new events."""
    try:
        if run.spec.recheck is not None:
            yield from _by_time(run)
        else:
            yield from _by_events_and_counts(run, refresh)
    except RequestRefused as refused:
        run.conclude(NeedsScan(f"the API refused a part of the list: {refused}"))


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


# Rows that change with time ------------------------------------------------------------------


def _by_time(run: ListRun) -> Strategy[None]:
    """Read the young end and what may have settled, and compare the counts."""
    found = yield from read_head(run)
    if found is None:
        run.conclude(NeedsScan(ORDER_CHANGED))
        return
    yield from _read_due(run, found.began)
    if not run.state.is_trusted:
        run.leave_unproven()
        return
    reason = yield from why_not_whole(run, found.last)
    if reason is not None:
        run.conclude(NeedsScan(reason))
        return
    reason = yield from _compare_statuses(run)
    if reason is not None:
        run.conclude(NeedsScan(reason) if reason == NO_COUNTS else Inconclusive(reason))
        return
    evidence = run.evidence(Proof.COUNTS, found.began, **_numbers(run))
    run.conclude(judge(evidence, otherwise=Inconclusive))


def _read_due(run: ListRun, now: datetime) -> Strategy[None]:
    """Read the rows again that may have changed by themselves since they were seen."""
    latest = run.shared.pending.latest or now
    due = recheck.due(run.spec, run.state, run.copy, now, latest)
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


def _compare_statuses(run: ListRun) -> Strategy[str | None]:
    """Compare the numbers of rows that change at no known time, status by status."""
    for status in recheck.counted_statuses(run.spec, run.state, run.copy):
        reason = yield from _compare(run, status)
        if reason is not None:
            return reason
    return None


def _compare(run: ListRun, status: str) -> Strategy[str | None]:
    """Compare the number of rows of a status; repair, and return why it still differs."""
    bad = run.bad_by_status.get(status, 0)
    number = 0
    for _ in range(2):
        page = yield from count(run.spec, run.state, run.copy, status)
        if page is None or page.total is None:
            return NO_COUNTS
        number = page.total - bad
        if number == run.count(status):
            return None
        before = run.shared.pending.changes(run.spec.table)
        yield from _repair(run, status, page.total)
        if run.shared.pending.changes(run.spec.table) == before:
            break  # nothing explains it: looking again would not either
    stored = run.count(status)
    if number == stored:
        return None
    return f"the API counts {number} {status} {run.spec.words}, {stored} are stored"


# Rows that events move, and counts prove -----------------------------------------------------


def _by_events_and_counts(run: ListRun, refresh: Refresh) -> Strategy[None]:
    """Apply the events since the high-water mark, count the statuses, read the young end."""
    unknown = _apply_events(run)
    if unknown:
        found = yield from _read_unknown(run, unknown)
        if not found:
            return
    if run.state.is_trusted:
        yield from _prove_by_counts(run, refresh)
    else:
        yield from _read_open(run, run.why_not_trusted)
    yield from _check_events(run)


def _apply_events(run: ListRun) -> dict[str, datetime]:
    """Move rows as events tell; return the keys that are not known."""
    since = run.state.high_water_mark
    if run.feed is None or since is None:
        return {}
    moved = run.feed.moved(run.copy, since)
    run.shared.pending.put(run.spec.name, moved.rows)
    run.shared.pending.add_history(run.spec.history, moved.history)
    return moved.unknown


def _read_unknown(run: ListRun, unknown: dict[str, datetime]) -> Strategy[bool]:
    """Read the young end, and look for rows that events speak of where they would stand."""
    found = yield from read_head(run)
    if found is None:
        run.conclude(NeedsScan(ORDER_CHANGED))
        return False
    for _, happened_at in zip(range(_LOOKS), _not_known(run, unknown).values(), strict=False):
        # A row that was put back in time stands where its first event happened.
        yield from look_around(run.order, happened_at, "orders of events")
    run.certificate.detail["orders_only_in_events"] = len(_not_known(run, unknown))
    return True


def _not_known(run: ListRun, keys: dict[str, datetime]) -> dict[str, datetime]:
    known = run.copy.rows(run.spec, keys)
    return {key: at for key, at in keys.items() if key not in known}


def _prove_by_counts(run: ListRun, refresh: Refresh) -> Strategy[None]:
    gaps: dict[str, tuple[int, int]] = {}
    surplus: int | None = None
    for attempt in range(_ROUNDS):
        counts = yield from _count(run)
        compared, stored = _compared(run, counts), run.listed
        agrees = sum(counts.counts.values()) == stored
        found = None
        if not counts.uncounted or counts.counts:
            found = yield from read_head(run)
            if found is None:
                run.conclude(NeedsScan(ORDER_CHANGED))
                return
            if counts.uncounted:
                counts.fill_up(found.last.total)
                compared = _compared(run, counts)
                agrees = sum(counts.counts.values()) == run.listed
        if counts.uncounted or counts.began is None or found is None:
            yield from _read_open(run, NO_COUNTS)
            return
        reason = None
        if found.last.total is not None:
            reason = yield from why_not_whole(run, found.last)
        if reason is not None:
            run.conclude(NeedsScan(reason))
            return
        gaps = {s: pair for s, pair in compared.items() if pair[0] != pair[1]}
        evidence = run.evidence(Proof.COUNTS, counts.began, counts=compared, **_numbers(run))
        verdict = judge(evidence, otherwise=Inconclusive)
        if agrees and not isinstance(verdict, Inconclusive):
            run.conclude(verdict)
            return
        if not gaps and agrees:
            run.conclude(verdict)  # the numbers agree, and something else is in doubt
            return
        surplus, surplus_before = sum(counts.counts.values()) - run.listed, surplus
        if surplus > 0 and surplus == surplus_before:
            run.conclude(Inconclusive("the API counts more rows by status than it lists"))
            return
        if gaps and (agrees or attempt):
            helped = yield from _repair_all(run, counts)
            if not helped and agrees:
                _note_miscounted(run, gaps)
                break
        if attempt < _ROUNDS - 1:
            yield from refresh()
            _apply_events(run)
    words = ", ".join(gaps) or "the statuses"
    run.conclude(Inconclusive(f"the counts of {words} differ"))


def _count(run: ListRun) -> Strategy[StatusCounts]:
    statuses = statuses_in_order(run.spec, run.copy)
    asked = [status for status in statuses if run.state.miscounted.get(status, 0) < 2]
    counts = yield from count_statuses(
        run.spec, run.state, run.copy, asked, trusting=not run.state.filters_ignored
    )
    run.note(filters_ignored=bool(counts.uncounted) and not counts.counts)
    counts.uncounted += [status for status in statuses if status not in asked]
    return counts


def _compared(run: ListRun, counts: StatusCounts) -> dict[str, tuple[int, int]]:
    """Return by status what the API counts, and what is known."""
    bad = run.bad_by_status
    return {s: (n, run.count(s) + bad.get(s, 0)) for s, n in counts.counts.items()}


def _note_miscounted(run: ListRun, gaps: dict[str, tuple[int, int]]) -> None:
    """Remember counts that no row explains: asked for in vain twice, they are no longer asked."""
    known = run.state.miscounted
    run.note(miscounted={**known, **{status: known.get(status, 0) + 1 for status in gaps}})


def _repair_all(run: ListRun, counts: StatusCounts) -> Strategy[bool]:
    """Find the rows that moved unseen, status by status as rows pass through them.

    What left one status is then known in the next, so that of that one, too, rows are missing on
    one side only.
    """
    before = run.shared.pending.changes(run.spec.table)
    bad = run.bad_by_status
    for status, number in counts.counts.items():
        if number != run.count(status) + bad.get(status, 0):
            yield from _repair(run, status, number)
    return run.shared.pending.changes(run.spec.table) != before


def _repair(run: ListRun, status: str | None, total: int) -> Strategy[None]:
    """Find the rows that came under a status or left it, and read them again.

    Without a status: those that came into the list or left it.
    """
    pending, spec = run.shared.pending, run.spec
    before = pending.changes(spec.table)
    left = yield from reconcile(
        spec, run.state, run.copy, status, total, at_most=RECONCILE_REQUESTS
    )
    if left:
        yield from refetch(run.order, left, "repair", at_most=RECONCILE_REQUESTS)
    run.certificate.rows_repaired += pending.changes(spec.table) - before


def why_not_whole(run: ListRun, last: ListPage) -> Strategy[str | None]:
    """Compare the list's length with what is stored; look for what makes the difference.

    Rows may come while that is done: then it is compared once more, with a later look.
    """
    for _ in range(2):
        if last.total is None:
            return "the list gives no total"
        total, before = last.total, run.listed
        if _agrees(run, total):
            return None
        yield from _look_at_old_end(run, total)
        if total > run.listed:
            yield from _repair(run, None, total)
        elif total < run.listed:
            shown = yield from find_gone(run, total)
            if shown is not None:
                return shown
        if _agrees(run, total):
            return None
        found = yield from read_head(run)
        if found is None:
            return ORDER_CHANGED
        last = found.last
        if (last.total, run.listed) == (total, before):
            break  # nothing moves, and nothing was found
    if last.total is None:
        return "the list gives no total"
    if _agrees(run, last.total):
        return None
    return f"the API counts {last.total} {run.spec.words}, {run.listed} are stored"


def _numbers(run: ListRun) -> dict[str, int]:
    """Return the list's length and the stored rows at the moment at which they were compared."""
    return {} if run.agreed is None else {"total": run.agreed[0], "stored": run.agreed[1]}


def _agrees(run: ListRun, total: int) -> bool:
    """Tell whether as many rows are known as the list has, and note that they were."""
    agrees = total == run.listed
    if agrees:
        run.agreed = total, run.stored
    return agrees


def _look_at_old_end(run: ListRun, total: int) -> Strategy[None]:
    """Find out how far back the API lists rows, where that may be for some time only."""
    if not run.spec.is_retained_briefly:
        return
    run.note(retention_cutoff=None)
    if total < run.listed:
        cutoff = yield from old_end(run.spec, run.state, total)
        run.note(retention_cutoff=cutoff)


def _check_events(run: ListRun) -> Strategy[None]:
    """Read moved rows again, of statuses where the list shows more than events tell."""
    if run.feed is None:
        return
    pending, exact = run.shared.pending, dict(run.state.events_exact)
    pending.previous(run.spec.table)  # what waits unread is read, and judged
    moved = run.copy.select(run.spec, Where(equal=(("_origin", "event"),)))
    for status in run.spec.statuses.ranks:
        told = {row[run.spec.key] for row in moved if row["status"] == status}
        if told and status not in exact and not pending.events_judged(status):
            yield from refetch(run.order, {min(told)}, "check events", at_most=RECONCILE_REQUESTS)
            pending.previous(run.spec.table)
        if pending.events_judged(status):
            exact[status] = not pending.events_wrong[status]
    run.note(events_exact=exact)
    unclear = {row[run.spec.key] for row in moved if not exact.get(row["status"], False)}
    unclear |= run.feed.incomplete(run.copy)
    if unclear:
        yield from refetch(run.order, unclear, "badly told", at_most=RECONCILE_REQUESTS)


# Without counts ------------------------------------------------------------------------------


def _read_open(run: ListRun, reason: str) -> Strategy[None]:
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
