"""The marts held against what happened in the sandbox, not against their definitions.

The worlds are of the shape that the vendor documents: orders of six fields without times, and logs
that the API lists for thirty days.
"""

from __future__ import annotations

from datetime import timedelta
from functools import cache

import pytest
from model_support import Warehouse, project
from truth_world import AS_OF, History, Row, Scenario, insert

from pipelines.warehouse.build import build

DOCUMENTED = Scenario(
    "six fields, logs of 30 days", order_times=False, days=150, logs_kept=30, lost=0.02, late=0.0
)


@cache
def happened(scenario: Scenario, orders: int) -> History:
    """Let one world live for all tests that ask for it."""
    return History.of(scenario, orders)


def built(history: History, **more: list[Row]) -> Warehouse:
    """Load what the looks at the world showed, and more rows, and build the marts."""
    raw = history.raw()
    warehouse = Warehouse()
    insert(warehouse.connection, {table: raw[table] + more.get(table, []) for table in raw})
    build(warehouse.connection, project(), history.settings)
    return warehouse


def claimed(warehouse: Warehouse) -> set[tuple[str, ...]]:
    """Return the events that are told as lost."""
    columns = ("order_id", "event_type")
    return set(warehouse.rows("analytics.webhook_gaps", *columns, where="explanation = 'none'"))


def lost(history: History) -> dict[tuple[str, str], Row]:
    """Return the events that truly have no log, of those whose log would still be listed."""
    logged = {(log["order_id"], log["event_type"]) for log in history.logs}
    since = history.looks[0] - timedelta(days=30)
    events = {(event["order_id"], event["event"]): event for event in history.events}
    return {
        key: event for key, event in events.items() if key not in logged and event["at"] > since
    }


@pytest.mark.parametrize("looks", [1, 3])
def test_no_loss_is_told_that_did_not_happen_and_none_that_is_certain_is_missed(looks: int) -> None:
    """A resend is traffic to a shop: thousands of them were asked for, and nothing was lost."""
    history = happened(Scenario(**{**vars(DOCUMENTED), "looks": looks}), 600)
    told, truth = claimed(built(history)), lost(history)
    assert told <= truth.keys()
    created = {order["order_id"]: order["created_at"] for order in history.orders}
    oldest, newest = history.looks[0] - timedelta(days=27), AS_OF - timedelta(hours=80)
    certain = {
        key for key, event in truth.items() if created[key[0]] > oldest and event["at"] < newest
    }
    assert len(certain) > 5
    assert certain <= told


def test_a_resend_of_an_old_event_changes_no_other_gap() -> None:
    """Acting on one gap would make losses of thousands of events that were only dropped."""
    history = happened(DOCUMENTED, 600)
    before = built(history)
    order_id, event_type = before.rows(
        "analytics.webhook_gaps", "order_id", "event_type", where="explanation <> 'none'"
    )[0]
    event = next(e for e in history.events if (e["order_id"], e["event"]) == (order_id, event_type))
    resent = history.raw()["webhook_logs"][0] | {
        "webhook_log_id": "resent",
        "order_id": order_id,
        "event_type": event_type,
        "event_at": event["at"],
        "created_at": AS_OF - timedelta(hours=1),
    }
    every = ("order_id", "event_type", "explanation")
    gaps = set(before.rows("analytics.webhook_gaps", *every))
    after = set(built(history, webhook_logs=[resent]).rows("analytics.webhook_gaps", *every))
    assert {gap for gap in gaps if gap[:2] != (order_id, event_type)} == after
