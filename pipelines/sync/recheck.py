"""Rows that may have changed by themselves since they were seen: which of them are due."""

from __future__ import annotations

from datetime import datetime, timedelta

from pipelines.destinations.where import Row, Where, made_at
from pipelines.lists import ListSpec, Recheck
from pipelines.sync.copy import LocalCopy
from pipelines.sync.head import CLOCK_SLACK
from pipelines.sync.state import ListState

#: A change that is due may come this much later.
_LATE = timedelta(minutes=2)


def due(
    spec: ListSpec, state: ListState, copy: LocalCopy, now: datetime, latest: datetime
) -> set[str]:
    """Return the rows that a change may have befallen since they were seen."""
    plan = _plan(spec)
    return {
        row[spec.key]
        for row in unseen(spec, state, copy, now, latest)
        if _is_due(plan, made_at(spec, row), row["_seen_at"], now, latest)
    }


def unseen(
    spec: ListSpec, state: ListState, copy: LocalCopy, now: datetime, latest: datetime
) -> list[Row]:
    """Return the rows that are not settled and were not seen since a time.

    ``latest``: the latest look of this run. What seems to have been seen after it was seen before
    the server's clock was set back.
    """
    statuses = frozenset(s for s in copy.statuses(spec) if s is not None) - _settled(spec)
    rows = _listed(spec, state, copy, statuses)
    return [row for row in rows if not now <= row["_seen_at"] <= latest + CLOCK_SLACK]


def by_hand(spec: ListSpec, state: ListState, copy: LocalCopy, now: datetime) -> set[str]:
    """Return the settled rows that somebody may have moved by hand, and those that hang."""
    plan = _plan(spec)
    rows = _listed(spec, state, copy, frozenset({plan.by_hand}))
    rows += hanging(spec, state, copy)
    return {
        row[spec.key]
        for row in rows
        if (at := made_at(spec, row)) is None or now - at < plan.at_most
    }


def hanging(spec: ListSpec, state: ListState, copy: LocalCopy) -> list[Row]:
    """Return the rows that were still unsettled when the last change should have come."""
    plan = _plan(spec)
    settled_after = timedelta(minutes=plan.after[-1]) + _LATE
    return [
        row
        for row in _listed(spec, state, copy, plan.unsettled)
        if (at := made_at(spec, row)) is not None and row["_seen_at"] - at > settled_after
    ]


def counted_statuses(
    spec: ListSpec, state: ListState, copy: LocalCopy, now: datetime, latest: datetime
) -> list[str]:
    """Return the statuses whose rows must be counted, in the order in which rows pass through them.

    No row comes back into a status. So of one whose known rows were all seen since ``now`` nothing
    has to be proven; of any other, equal numbers prove that none has left it.
    """
    found = {row["status"] for row in unseen(spec, state, copy, now, latest)}
    rank = spec.statuses.rank
    return sorted(found | {_plan(spec).by_hand}, key=lambda status: (rank(status, -1), status))


def _plan(spec: ListSpec) -> Recheck:
    if spec.recheck is None:
        raise ValueError(f"{spec.name} has no recheck timetable")
    return spec.recheck


def _settled(spec: ListSpec) -> frozenset[str]:
    return spec.statuses.terminal


def _listed(
    spec: ListSpec, state: ListState, copy: LocalCopy, statuses: frozenset[str]
) -> list[Row]:
    """Return the rows with these statuses that the API still lists."""
    if not statuses:
        return []
    cutoff = state.retention_cutoff
    rows = copy.select(spec, Where(statuses=statuses))
    return [
        row for row in rows if cutoff is None or (at := made_at(spec, row)) is None or at >= cutoff
    ]


def _is_due(
    plan: Recheck, made: datetime | None, seen: datetime, now: datetime, latest: datetime
) -> bool:
    """Tell whether a change fell between the last look and now, or may have been late."""
    if seen - latest > CLOCK_SLACK:
        return True
    if made is None:
        return now - seen >= plan.staleness
    changes = [made + timedelta(minutes=minutes) for minutes in plan.after]
    return any(seen - _LATE <= change <= now + _LATE for change in changes)
