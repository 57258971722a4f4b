"""Catching up with rows that events move: they are applied, and then counts must agree."""

from __future__ import annotations

from datetime import datetime

from pipelines.destinations.where import Where
from pipelines.sync.by_counts import Refresh, prove_by_counts
from pipelines.sync.listrun import RECONCILE_REQUESTS, ListRun
from pipelines.sync.protocol import Strategy
from pipelines.sync.refetch import look_around, refetch
from pipelines.sync.verdict import NeedsScan
from pipelines.sync.young_end import ORDER_CHANGED, read_head, read_open

#: Rows that only events speak of are looked for in the list, so many a sync.
_LOOKS = 20


def by_events(run: ListRun, refresh: Refresh) -> Strategy[None]:
    """Apply the events since the high-water mark, count the statuses, read the young end."""
    unknown = _apply_events(run)
    if unknown:
        found = yield from _read_unknown(run, unknown)
        if not found:
            return
    if run.state.is_trusted:
        yield from prove_by_counts(run, lambda: _look_again(run, refresh))
    else:
        yield from read_open(run, run.why_not_trusted)
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


def _look_again(run: ListRun, refresh: Refresh) -> Strategy[None]:
    yield from refresh()
    _apply_events(run)


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
