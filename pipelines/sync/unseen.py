"""Rows that the API counts and did not show: they are looked for again, ever more rarely.

A full scan finds out how many they are. The API may hide them for ten minutes or for good, and
nothing tells when it shows them again: as many rows are counted as before. So the place where the
stored rows and the list part is looked for by halving, soon, and then after twice the time.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from pipelines.destinations.where import where
from pipelines.sync.listrun import ListRun
from pipelines.sync.protocol import Strategy
from pipelines.sync.repair import repair
from pipelines.sync.state import ListState

_SOONEST, _LATEST = timedelta(minutes=10), timedelta(hours=12)


def last_look(state: ListState) -> datetime | None:
    """Return when hidden rows were last looked for; a full scan does that, too."""
    return max((at for at in (state.scanned_at, state.hidden_looked_at) if at), default=None)


def look_for_hidden(run: ListRun) -> Strategy[None]:
    """Read the hidden rows that the API shows by now, where it is time to look for them."""
    state, now = run.state, run.shared.clock().server
    if not (state.hidden and state.is_trusted and _is_due(state, now)):
        return
    run.note(hidden_looked_at=now)
    before = _known_to_scan(run)
    yield from repair(run, None, run.listed)
    run.note(hidden=max(state.hidden - (_known_to_scan(run) - before), 0))


def _known_to_scan(run: ListRun) -> int:
    """Count the rows that were there when the scan counted the hidden ones."""
    return run.copy.count(run.spec, where(run.spec, until=run.state.scanned_at))


def _is_due(state: ListState, now: datetime) -> bool:
    last = last_look(state)
    if last is None or state.scanned_at is None:
        return True
    waited = last - state.scanned_at
    return now - last >= min(max(waited, _SOONEST), _LATEST)
