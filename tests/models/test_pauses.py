"""webhook_gaps where nobody synced for a while, against what happened in the sandbox.

The API lists each log for thirty days; the syncs are daily, but for their pauses.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

import pytest
from model_support import Warehouse
from truth_world import AS_OF, History, Row, Scenario, insert

DAY = timedelta(days=1)
KEPT = 30 * DAY
#: Between a log's making and the end of the vendor's attempts.
SETTLED = timedelta(minutes=156)
pytestmark = pytest.mark.xdist_group("pauses")
ORDERED = Scenario("six fields", order_times=False, days=150, lost=0.05, late=0.0)


class Pause(NamedTuple):
    """No sync between so many and so many days ago."""

    since: float
    until: float


class Synced:
    """A world as syncs saw it that paused now and then.

    ``told``: which of the logs' times the API tells. ``broken_off``: every sync after a pause ends
    early once, when it has read half of the logs.
    """

    def __init__(
        self,
        pauses: list[Pause],
        *,
        told: str = "all",
        total: bool = True,
        broken_off: bool = False,
    ) -> None:
        self.history = replace(world(), looks=_looks(pauses))
        self.told, self.total, self.broken_off = told, total, broken_off
        self.logs: dict[str, Row] = {}
        self.runs: list[Row] = []
        for look in self.history.looks:
            self._sync(look)

    def _sync(self, look: datetime) -> None:
        listed = [log for log in world().logs if look - KEPT < log["created_at"] <= look]
        # What was made while the sync went on is read too, and is later than what is proven.
        proven = look - timedelta(minutes=20)
        new = [log for log in listed if log["webhook_log_id"] not in self.logs]
        if self.broken_off and len(new) > 100:
            half = new[len(new) // 2 :]
            self._read(half, look - timedelta(hours=2), None, len(listed))
            new = new[: len(new) // 2]
        self._read(new, look, proven, len(listed))

    def _read(self, new: list[Row], look: datetime, proven: datetime | None, listed: int) -> None:
        for log in new:
            self.logs[log["webhook_log_id"]] = log | {"first_seen_at": look}
        self.runs.append(
            {
                "sync_id": look.isoformat(),
                "resource": "webhook_logs",
                "ended_at": look + timedelta(seconds=30),
                "complete_as_of": proven,
                "outcome": "complete" if proven else "partial",
                "rows_new": len(new),
                # Without a total, a sync reads the list twice.
                "rows_read": len(new) + 2 if self.total else 2 * listed,
                "rows_reported": listed if self.total else None,
            }
        )

    def warehouse(self) -> Warehouse:
        """Load what the syncs saw."""
        raw = self.history.raw()
        untold = {"all": (), "happened": ("created_at",), "none": ("created_at", "event_at")}
        raw["webhook_logs"] = [
            self.history._log(log) | dict.fromkeys(untold[self.told]) for log in self.logs.values()
        ]
        raw["webhook_log_history"] = [
            {name: log[name] for name in ("webhook_log_id", "status", "first_seen_at")}
            for log in self.logs.values()
        ]
        runs = [run for run in raw["sync_runs"] if run["resource"] != "webhook_logs"]
        raw["sync_runs"] = [
            *self.runs,
            *({name: run.get(name) for name in self.runs[0]} for run in runs),
        ]
        warehouse = Warehouse()
        insert(warehouse.connection, raw)
        return warehouse

    def lost(self) -> dict[tuple[str, str], Row]:
        """Return the events that were logged nowhere."""
        logged = {(log["order_id"], log["event_type"]) for log in world().logs}
        events = {(event["order_id"], event["event"]): event for event in world().events}
        return {key: event for key, event in events.items() if key not in logged}

    def certain(self) -> set[tuple[str, str]]:
        """Return the losses of orders made, and seen to move, while every log was looked at."""
        created = {order["order_id"]: order["created_at"] for order in self.history.orders}
        return {
            key
            for key, event in self.lost().items()
            for first, last in self._watched()
            if created[key[0]] > first
            and self._seen_by(event["at"]) + SETTLED < last - timedelta(minutes=20)
        }

    def _watched(self) -> list[tuple[datetime, datetime]]:
        """Return of which times every log was listed at some sync, as the logs can tell.

        A log without a time may have been made at any time before it was seen first; and the first
        twelve days have not had a log of each type yet.
        """
        reach = DAY * 0 if self.told == "none" else KEPT
        spans: list[tuple[datetime, datetime]] = []
        for look in self.history.looks:
            if spans and look - KEPT < spans[-1][1]:
                spans[-1] = (spans[-1][0], look)
            else:
                spans.append((max(look - reach, AS_OF - 150 * DAY) + 12 * DAY, look))
        return spans

    def _seen_by(self, moment: datetime) -> datetime:
        return min((look for look in self.history.looks if look >= moment), default=AS_OF + DAY)


@cache
def world() -> History:
    """Let one world live for all tests."""
    return History.of(ORDERED, 700)


def _looks(pauses: list[Pause]) -> list[datetime]:
    return [
        AS_OF - n * DAY
        for n in range(140, -1, -1)
        if not any(pause.until < n < pause.since for pause in pauses)
    ]


@pytest.mark.parametrize(
    ("pauses", "how"),
    [
        ([Pause(60, 40)], {}),
        ([Pause(80, 25)], {}),
        ([Pause(120, 75), Pause(60, 10)], {}),
        ([Pause(80, 0)], {}),
        ([Pause(80, 25)], {"told": "happened"}),
        ([Pause(80, 25)], {"told": "none"}),
        ([Pause(80, 25)], {"total": False}),
        ([Pause(80, 25)], {"broken_off": True}),
    ],
    ids=[
        "shorter than logs are kept",
        "longer",
        "two of them",
        "until now",
        "logs without the time of their making",
        "logs without any time",
        "no total",
        "a first try that ended early",
    ],
)
def test_a_pause_makes_no_loss_and_forgets_none(pauses: list[Pause], how: dict[str, Any]) -> None:
    """What the API dropped during a pause was not lost; what was lost before it stays lost."""
    synced = Synced(pauses, **how)
    rows = synced.warehouse().rows(
        "analytics.webhook_gaps", "order_id", "event_type", where="explanation = 'none'"
    )
    told = {(order_id, event_type) for order_id, event_type in rows}
    certain = synced.certain()
    assert told - synced.lost().keys() == set()
    assert len(certain) > 5
    assert certain - told == set()
