"""A full scan of a list, and what it proves.

The rows that it met, the bad places and what is known to be hidden must be as many as the list's
last total says. A list without a usable total is read twice: then its end was seen twice with one
outcome.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from pipelines.destinations.where import Bound, Where, where
from pipelines.lists import ListSpec
from pipelines.sync.counts import statuses_in_order
from pipelines.sync.deletions import count_shown, find_gone, withheld
from pipelines.sync.head import old_end
from pipelines.sync.left_out import count_left_out, left_out, made_until, met_by
from pipelines.sync.listrun import ListRun
from pipelines.sync.position import ScanPosition
from pipelines.sync.protocol import RequestRefused, Strategy
from pipelines.sync.scan import ScanResult, full_scan
from pipelines.sync.state import EndSeen
from pipelines.sync.verdict import Inconclusive, NeedsScan, Proof, Verdict, Verified, judge
from pipelines.sync.young_end import read_head

#: A scan that took longer than this is followed by a look at what came meanwhile.
LONG_SCAN = timedelta(minutes=10)
#: Of a long list, no more rows are taken for hidden than it shows; of a short one, so many.
MOST_HIDDEN_OF_FEW = 20
#: Times are told apart by so much.
_TICK = timedelta(microseconds=1)


def scan_list(
    run: ListRun, position: ScanPosition, ended: Callable[[ListSpec], None]
) -> Strategy[None]:
    """Read a list whole, from a position on, and conclude; ``ended`` is told of the scan's end."""
    result = yield from full_scan(run.spec, position)
    try:
        yield from _conclude(run, result)
    except RequestRefused as refused:
        run.conclude_refused(refused)
    run.note(scan_was_fruitless=not isinstance(run.verdict, Verified) and not run.is_promising)
    ended(run.spec)


def _conclude(run: ListRun, result: ScanResult) -> Strategy[None]:
    at, started_at = result.position, result.started_at
    _note_scan(run, result)
    if result.offset_ceiling is not None:
        lost = yield from _by_status(run, at)
    else:
        lost = result.lost_because
    if lost is None and at.usable_total is not None:
        if _is_long_first_load(run, started_at):
            run.conclude(Inconclusive("what came while the list was read is not compared yet"))
            return
        yield from _settle(run, at.id, started_at)
    total = run.stats.total if at.usable_total is not None else None
    if lost is not None and not _all_met(run, at.id, total):
        run.conclude(NeedsScan(result.lost_because or lost))
        return
    yield from _judge(run, at, started_at, total)


def _is_long_first_load(run: ListRun, started_at: datetime) -> bool:
    """Tell whether so much came meanwhile that catching up proves more than looking back."""
    took = run.shared.clock().server - started_at
    return run.state.standing == "new" and run.state.can_catch_up and took > LONG_SCAN


def _note_scan(run: ListRun, result: ScanResult) -> None:
    """Note what the scan has seen; what came since is read from now on, proven or not."""
    at = result.position
    known = at.order != "unknown" or at.is_mixed
    # Without order nothing else would ever show that a total is right again.
    was_wrong = at.total_was_wrong and not at.is_mixed
    run.note(
        scanned_at=result.started_at,
        scan_requests=at.requests,
        order=at.order if known else run.state.order,
        bad=at.bad,
        total_is_wrong=at.total_is_wrong or was_wrong,
        # An empty list shows no old end: it keeps the one that it had.
        retention_cutoff=None if at.read else run.state.retention_cutoff,
        offset_ceiling=result.offset_ceiling,
        high_water_mark=run.state.high_water_mark or result.started_at,
    )


def _by_status(run: ListRun, at: ScanPosition) -> Strategy[str | None]:
    """Read the list behind a ceiling on offsets status by status; return what is left unread."""
    for status in statuses_in_order(run.spec, run.copy):
        begin = at.of_status(status)
        if begin is None:
            continue
        resume = partial(at.reading, status)
        try:
            result = yield from full_scan(
                run.spec, begin, purpose="by status", status=status, resume=resume
            )
        except RequestRefused:
            return f"the API refuses offsets of {run.state.offset_ceiling} and above"
        if result.lost_because:
            return result.lost_because
        at.by_status[status] = {}
    return None


def _all_met(run: ListRun, scan_id: str, total: int | None) -> bool:
    return total is not None and met_by(run, scan_id) + run.beside == total


def _settle(run: ListRun, scan_id: str, started_at: datetime) -> Strategy[None]:
    """Look at what came and went meanwhile, where the numbers do not agree."""
    if _all_met(run, scan_id, run.stats.total) or run.state.order == "unknown":
        return
    # What came since the scan began is read, whatever the mark was before.
    run.note(high_water_mark=started_at, contiguous_since=None)
    found = yield from read_head(run)
    total = None if found is None else found.last.total
    surplus = 0 if total is None else met_by(run, scan_id) + run.beside - total
    if total is None or surplus <= 0:
        return
    if run.spec.is_retained_briefly:
        cutoff = yield from old_end(run.spec, run.state, total)
        run.note(retention_cutoff=cutoff)
    elif not run.copy.count(run.spec, run.not_met(scan_id)):
        yield from find_gone(run, total)


def _judge(
    run: ListRun, at: ScanPosition, started_at: datetime, total: int | None
) -> Strategy[None]:
    _note_old_end(run, at.id)
    gone = _gone(run, at.id, total)
    stored = run.stored
    kept = withheld(run, gone, stored, started_at)
    if kept:
        facts = {"total": total, "withheld": kept, "stored": stored}
        evidence = run.evidence(Proof.FULL_SCAN, started_at, **facts)
        run.conclude(judge(evidence, otherwise=NeedsScan))
        return
    ended_before = run.state.end_seen
    if total is None:
        verdict = _judge_end(run, at, started_at)
    else:
        verdict = _judge_numbers(run, at, started_at, total, gone)
    if isinstance(verdict, Verified) or (gone and total is None):
        left = yield from _left_out(run, at, started_at, total, gone)
        if left:
            run.conclude(NeedsScan(left_out(run, left)))
            return
        if run.spec.is_retained_briefly and not at.read:
            run.note(retention_cutoff=started_at)  # all of it may have been dropped for its age
        else:
            run.mark_deleted(gone, started_at)
    run.conclude(verdict)
    if total is None and ended_before is not None and isinstance(verdict, Verified):
        run.note(total_is_wrong=at.total_is_wrong or ended_before.total_is_wrong)


def _note_old_end(run: ListRun, scan_id: str) -> None:
    """Where the API drops old rows, it has dropped what is older than all that a scan met."""
    if not run.spec.is_retained_briefly or run.state.retention_cutoff is not None:
        return
    oldest = run.copy.oldest(run.spec, Where(equal=(("_walk", scan_id),)))
    if oldest is not None and run.copy.count(run.spec, where(run.spec, until=oldest - _TICK)):
        run.note(retention_cutoff=oldest)


def _judge_numbers(
    run: ListRun, at: ScanPosition, started_at: datetime, total: int, gone: frozenset[str]
) -> Verdict:
    """Compare the rows that a scan met with the list's length."""
    met = met_by(run, at.id) - _dropped_meanwhile(run, at.id)
    short = total - met - run.bad
    _note_repeated(run, at, short)
    _note_shortfall(run, at, short - run.state.repeated, met, gone)
    facts = {"total": total, "stored": met, "uncovered": _uncovered(run, at, short, gone)}
    evidence = run.evidence(Proof.FULL_SCAN, started_at, **facts)
    return judge(evidence, otherwise=NeedsScan)


def _dropped_meanwhile(run: ListRun, scan_id: str) -> int:
    """Count the rows that a scan met and that the API has dropped since."""
    cutoff = run.state.retention_cutoff
    if cutoff is None:
        return 0
    met = (("_walk", scan_id),)
    return run.copy.count(run.spec, where(run.spec, until=cutoff - _TICK, equal=met))


def _left_out(
    run: ListRun,
    at: ScanPosition,
    started_at: datetime,
    total: int | None,
    gone: frozenset[str],
) -> Strategy[int]:
    """Return how many rows the list keeps back: asked for, where that may be so.

    A list without order is scanned again and again: it is asked once, and where rows are missing.
    """
    was_asked = run.state.standing == "verified" and not run.state.can_catch_up
    if (was_asked and not gone) or (gone and run.shared.accept_deletions):
        return 0
    shown = count_shown(run, gone)
    return shown or (yield from count_left_out(run, at, started_at, total))


#: A row told twice is one in so many at most: more are a fault of another kind.
_FEW = 10


def _note_repeated(run: ListRun, at: ScanPosition, short: int) -> None:
    """Take places for repeats at which two scans met rows again, each within one answer.

    Rows that two answers show may have moved, or stand where another is left out.
    """
    # More than the list lacks are not counted by it; and of a heap, each may stand for another row.
    seen = at.repeated if at.repeated <= min(short, at.read / _FEW) else 0
    run.note(repeated=seen if seen == run.state.repeats_seen else 0, repeats_seen=seen)


def _uncovered(run: ListRun, at: ScanPosition, short: int, gone: frozenset[str]) -> str | None:
    """Return what may explain rows that are lacking: others were met at two places, or are gone.

    Whether a row that is counted and not shown is one of those that are gone, only filters tell.
    """
    if gone and run.state.hidden and run.state.filters_ignored:
        return f"{len(gone)} stored {run.spec.words} are gone, or among those it counts and hides"
    lacking = short - run.state.repeated - run.state.hidden
    if not 0 < lacking <= at.read - met_by(run, at.id):
        return None
    return f"the list shows rows on two pages, and {lacking} {run.spec.words} fewer than it counts"


def _note_shortfall(
    run: ListRun, at: ScanPosition, short: int, met: int, gone: frozenset[str]
) -> None:
    """Take rows for hidden that two scans lacked alike: they are counted and never shown.

    A list that counts more than twice what it shows hides no rows: it does not give them. And the
    scan has met their empty places: rows that came behind it are lacking, too, and have none.
    """
    places = at.hidden + max((at.total or 0) - at.page_end, 0)
    most = min(max(met, MOST_HIDDEN_OF_FEW), places)
    # Of a row that is gone and one that is hidden, nothing but a filter tells which is which.
    is_decided = not gone or run.shared.accept_deletions
    agrees = 0 < short <= most and short == run.state.shortfall and is_decided
    # A second scan shows whether rows that are lacking are hidden, and what came and went.
    run.is_promising = short != run.state.shortfall or short > places
    if agrees or short <= 0:
        run.note(hidden=max(short, 0))
    run.note(shortfall=max(short, 0))


def _gone(run: ListRun, scan_id: str, total: int | None) -> frozenset[str]:
    """Return the rows that the list does not have any more, as far as the scan shows it.

    A list without total shows it by two scans in a row, both begun after the row was last seen.
    """
    since = run.state.retention_cutoff
    condition = where(run.spec, since=since, differ=(("_walk", scan_id),))
    if total is None:
        before = run.state.end_seen
        if before is None:
            return frozenset()
        condition = replace(
            condition,
            differ=(*condition.differ, ("_walk", before.scan)),
            bounds=(*condition.bounds, Bound(("_seen_at",), None, before.started_at)),
        )
    return frozenset(row[run.spec.key] for row in run.copy.select(run.spec, condition))


def _judge_end(run: ListRun, at: ScanPosition, started_at: datetime) -> Verdict:
    """Compare the end of a list without total with what the scan before had seen."""
    before, met = run.state.end_seen, met_by(run, at.id)
    seen, as_of = 1, started_at
    if before is not None:
        missed = Where(equal=(("_walk", before.scan),))
        known = made_until(run, at.id, before.started_at)
        if not run.copy.count(run.spec, missed) and known == before.rows:
            # What came since was seen once, and so not surely.
            seen, as_of = 2, before.started_at
    run.is_promising = seen == 1
    rows = made_until(run, at.id, started_at)
    run.note(end_seen=EndSeen(at.id, started_at, rows, at.total_is_wrong))
    evidence = run.evidence(Proof.END_SEEN, as_of, total=None, stored=met, ends_seen=seen)
    return judge(evidence, otherwise=NeedsScan)
