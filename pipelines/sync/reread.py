"""Reading every row again within some days, a little at each sync: values change without a status.

Amounts, tracking numbers and addresses are shown by no event and no count. So the rows that were
seen longest ago are read again where they stand, as evenly as syncs come.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from math import ceil

from pipelines.destinations.where import Bound, Where, made
from pipelines.lists import PAGE_SIZE
from pipelines.sync.listrun import ListRun
from pipelines.sync.protocol import Strategy
from pipelines.sync.refetch import refetch

#: One sync spends no more requests on it.
_AT_MOST = 25


def reread(run: ListRun, now: datetime, within: timedelta) -> Strategy[None]:
    """Read the rows again that are due, so that none is older than ``within``."""
    last = run.state.reread_at
    run.note(reread_at=now)
    if not run.state.can_catch_up:
        return
    due = _due(run, now - within / 2)
    count = run.copy.count(run.spec, due)
    if not count:
        return
    elapsed = min(now - last if last else within / 50, within / 50)
    share = elapsed / (within / 2)
    pages = min(max(ceil(share * run.stored / PAGE_SIZE), 1), _AT_MOST)
    rows = run.copy.select(run.spec, due, at_most=pages * PAGE_SIZE)
    keys = {row[run.spec.key] for row in rows}
    yield from refetch(run.order, keys, "reread", at_most=pages)


def _due(run: ListRun, seen_until: datetime) -> Where:
    bounds = [Bound(("_seen_at",), None, seen_until)]
    if run.state.retention_cutoff is not None:
        bounds.append(Bound(made(run.spec), run.state.retention_cutoff))
    return Where(bounds=tuple(bounds))
