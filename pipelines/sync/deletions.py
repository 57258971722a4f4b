"""Rows that the API does not list any more: when that is believed.

A row is marked as deleted when a full scan passed its place and did not meet it, or when a page
showed its neighbours without it, twice, and the numbers agree then. Of many rows at once it is
believed when a later scan agrees: a default filter or a permission may have changed. Of the newest
rows it is believed after an hour: a copy of the list that lags has not got them yet.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import datetime, timedelta

from pipelines.destinations.where import Row, made_at, where
from pipelines.sync.counts import count
from pipelines.sync.left_out import left_out
from pipelines.sync.listrun import RECONCILE_REQUESTS, ListRun
from pipelines.sync.protocol import Strategy
from pipelines.sync.reconcile import reconcile
from pipelines.sync.refetch import refetch
from pipelines.sync.state import Withheld
from pipelines.sync.verdict import Inconclusive, NeedsScan, Verdict

#: More than this at once is a mass: rows, or that share of the list.
_FEW, _SHARE = 20, 0.01
#: A later scan agrees when it began so much later.
_AGREES_AFTER = timedelta(hours=1)
#: So long a copy of the list may lag behind what an earlier answer had.
_LAG = timedelta(hours=1)
_ARE_MISSING = "are not in the list any more: they are marked as deleted after an hour"


def is_mass(gone: int, stored: int) -> bool:
    """Tell whether so many rows of a list have disappeared that an accident is likelier."""
    return gone > max(_FEW, _SHARE * stored) or (gone > 0 and gone == stored)


def withheld(run: ListRun, gone: frozenset[str], stored: int, at: datetime) -> int:
    """Return how many of the missing rows are not marked as deleted yet."""
    before, rows = run.state.disappeared, len(gone)
    if run.shared.accept_deletions or not is_mass(rows, stored):
        run.note(disappeared=None)
        return rows if _may_lag(run, gone, at) else 0
    if before is None or abs(rows - before.rows) > max(1, _SHARE * stored):
        run.note(disappeared=Withheld(rows, at))
        return rows
    if at - before.since < _AGREES_AFTER:
        return rows
    run.note(disappeared=None)
    return 0


def _may_lag(run: ListRun, gone: frozenset[str], at: datetime) -> bool:
    """Tell whether the rows that are missing are the newest, which a copy that lags lacks."""
    if not gone or run.shared.accept_deletions:
        return False
    recent = run.copy.select(run.spec, where(run.spec, since=at - _LAG))
    newest = max(recent, key=lambda row: made_at(run.spec, row) or at, default=None)
    if newest is not None and newest[run.spec.key] in gone:
        return True
    undated = (k for k, row in run.copy.rows(run.spec, gone).items() if not made_at(run.spec, row))
    told = run.feed.told(run.copy, at - _LAG) if run.feed else frozenset()
    return not told.isdisjoint(undated)


def find_gone(run: ListRun, total: int) -> Strategy[Verdict | None]:
    """Find rows that have left a sorted list, and mark them if that explains its length.

    Returns a verdict where this sync was shown such a row, or may be shown it soon.
    """
    surplus = run.listed - total
    if is_mass(surplus, run.stored) or run.state.order == "unknown":
        return None
    absent = yield from reconcile(
        run.spec, run.state, run.copy, None, total, at_most=RECONCILE_REQUESTS
    )
    if not absent:
        return None
    at = run.shared.clock().server
    gone = yield from refetch(run.order, absent, "repair", at_most=RECONCILE_REQUESTS)
    shown = count_shown(run, gone)
    if shown:
        return NeedsScan(left_out(run, shown))
    if _may_lag(run, gone, at):
        return Inconclusive(f"{len(gone)} of the newest {run.spec.words} {_ARE_MISSING}")
    agrees = len(gone) == len(absent) == run.listed - total
    rows = run.copy.rows(run.spec, gone).values()
    if _may_be_dropped(run, rows):
        return None
    if agrees and not (yield from _are_counted(run, Counter(row["status"] for row in rows))):
        run.mark_deleted(gone, at)
    return None


def _may_be_dropped(run: ListRun, gone: Collection[Row]) -> bool:
    """Tell whether the oldest known row is among them, in a list that drops rows for their age."""
    if not run.spec.is_retained_briefly:
        return False
    oldest = run.copy.oldest(run.spec, where(run.spec, since=run.state.retention_cutoff))
    return any(made_at(run.spec, row) == oldest for row in gone)


def count_shown(run: ListRun, gone: frozenset[str]) -> int:
    """Count the rows that this sync was shown, of those that the list seems to lack."""
    began, rows = run.stats.began, run.copy.rows(run.spec, gone).values()
    return sum(began is not None and row["_seen_at"] >= began for row in rows)


def _are_counted(run: ListRun, gone: Counter[str | None]) -> Strategy[bool]:
    """Tell whether the API counts more rows of a status than there are without those gone."""
    for status, number in gone.items():
        if status is None:
            continue
        page = yield from count(run.spec, run.state, run.copy, status)
        left = run.count(status) - number + run.bad_by_status.get(status, 0)
        if page is not None and page.total is not None and page.total > left:
            return True
    return False
