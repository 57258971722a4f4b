"""How many requests full scans may take that prove again what feeds and counts could not.

A bucket of a day's share, full at first and refilled evenly: a small list is scanned at once, and a
large one never takes the partner's quota. First loads, and scans that somebody asked for, are free.
A list of which the last scan proved nothing waits for as long as its scan would take of the share.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from pipelines.sync.state import ListState

A_DAY = 2_000
#: One sync takes no more of it.
A_SYNC = 500
#: A scan that has no more than this to spend waits.
_LEAST = 10


def credit(state: ListState, now: datetime) -> float:
    """Return the requests that may be spent now."""
    if state.scan_credit is None or state.scan_credit_at is None:
        return A_DAY
    passed = max(now - state.scan_credit_at, timedelta())
    return min(A_DAY, state.scan_credit + A_DAY * passed / timedelta(days=1))


def spent(state: ListState, now: datetime, requests: int) -> ListState:
    """Return the state after a scan of so many requests."""
    return replace(state, scan_credit=credit(state, now) - requests, scan_credit_at=now)


def next_at(state: ListState, now: datetime, *, is_second: bool = False) -> datetime | None:
    """Return when a scan may begin; None: now. ``is_second``: it is to confirm the one before."""
    due = [now + timedelta(days=(_LEAST - credit(state, now)) / A_DAY)]
    waits = state.scan_was_fruitless or (state.total_is_wrong and not is_second)
    if state.scanned_at is not None and waits:
        due.append(state.scanned_at + timedelta(days=state.scan_requests / A_DAY))
    return max(due) if max(due) > now else None
