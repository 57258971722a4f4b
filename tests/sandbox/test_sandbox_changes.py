"""Changes by hand: what they do, and that the lists and the truth stay one world."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.clock import ManualClock
from pipelines.errors import ConfigurationError
from pipelines.sandbox import Limits, Sandbox, SandboxConfig, WorldOptions
from pipelines.sandbox.answers import Request
from pipelines.sandbox.endpoints import Endpoints

START = 1_772_366_400.0


def sandbox(orders: int = 150, **options: Any) -> Sandbox:
    options = {"lost": 0, "late": 0, "repeated": 0, **options}
    config = SandboxConfig(world=WorldOptions(orders=orders, **options), limits=Limits.off())
    return Sandbox(config, clock=ManualClock(START))


def order(world: Sandbox, order_id: str, at: float | None = None) -> dict[str, Any]:
    """What the truth says of an order."""
    orders = world.truth.orders(at)
    row: dict[str, Any]
    [row] = orders.filter(pc.equal(orders["order_id"], order_id)).to_pylist()
    return row


def logs_of(world: Sandbox, order_id: str) -> list[str]:
    """The events of an order that have a log row, oldest first."""
    logs = world.truth.webhook_logs()
    of_order = logs.filter(pc.equal(logs["order_id"], order_id))
    return [str(event) for event in of_order["event_type"].to_pylist()]


def listed(world: Sandbox, path: str, key: str) -> list[dict[str, Any]]:
    """All rows of a list, read page by page while the world stands still."""
    rows: list[dict[str, Any]] = []
    endpoints = Endpoints(world)
    while True:
        query = {"limit": "100", "offset": str(len(rows))}
        page = endpoints.answer(Request("GET", path, query)).content
        rows += page[key]
        if not page[key]:
            assert page["total"] == len(rows)
            return rows


def test_add_orders_now() -> None:
    """A new order would be missing from the list, or stand in the wrong place."""
    world = sandbox()
    [order_id] = world.changes.add_orders(cents=12_345)
    newest = listed(world, "/api/v1/partners/orders", "orders")[0]
    assert (newest["order_id"], newest["total_amount"]) == (order_id, 123.45)
    assert logs_of(world, order_id) == ["order.created"]


def test_add_orders_backdated() -> None:
    """A late arrival in the middle of the list could not be made."""
    world = sandbox()
    world.clock.advance(3_600)
    [order_id] = world.changes.add_orders(created_at=START - 5 * 86_400)
    rows = listed(world, "/api/v1/partners/orders", "orders")
    place = [row["order_id"] for row in rows].index(order_id)
    assert 10 < place < 140
    assert order(world, order_id)["created_at"].timestamp() == START - 5 * 86_400
    assert order_id not in world.truth.orders(START)["order_id"].to_pylist()


def test_a_filtered_list_shows_a_change_at_once() -> None:
    """A change between two pages of a filtered list would be hidden by what was remembered."""
    world = sandbox()
    request = Request("GET", "/api/v1/partners/orders", {"status": "delivered"})
    endpoints = Endpoints(world)
    before = endpoints.answer(request).content["total"]
    world.changes.add_orders(2, status="delivered")
    assert endpoints.answer(request).content["total"] == before + 2


def test_several_orders_in_one_session() -> None:
    """One session with two orders could not be made at will."""
    world = sandbox()
    session = world.truth.sessions()["session_id"].to_pylist()[0]
    ids = world.changes.add_orders(2, session_id=session)
    assert {order(world, order_id)["session_id"] for order_id in ids} == {session}


def test_new_orders_live_on() -> None:
    """Orders added by hand would stay as they are for ever."""
    world = sandbox()
    ids = set(world.changes.add_orders(200))
    still = set(world.changes.add_orders(20, lives=False))
    world.clock.advance(90 * 86_400)
    orders = world.truth.orders().to_pylist()
    delivered = [r for r in orders if r["order_id"] in ids and r["status"] == "delivered"]
    assert len(delivered) > 150
    assert {r["status"] for r in orders if r["order_id"] in still} == {"pending"}


def test_move_forward_makes_the_events_on_the_way() -> None:
    """A status would change that no event tells of."""
    world = sandbox()
    [order_id] = world.changes.add_orders(lives=False)
    world.clock.advance(60)
    world.changes.move(order_id, "shipped")
    row = order(world, order_id)
    assert (row["status"], row["paid_at"], row["delivered_at"]) == (
        "shipped",
        row["shipped_at"],
        None,
    )
    assert sorted(logs_of(world, order_id)) == ["order.created", "order.paid", "order.shipped"]
    assert order(world, order_id, START)["status"] == "pending"


def test_move_without_a_log_row() -> None:
    """A change that the feed does not show could not be made."""
    world = sandbox()
    [order_id] = world.changes.add_orders(lives=False)
    world.changes.move(order_id, "paid", log=False)
    assert order(world, order_id)["status"] == "processing"
    assert logs_of(world, order_id) == ["order.created"]


def test_move_back_and_to_statuses_of_ones_own() -> None:
    """A status that goes back, or that nobody knows, could not be made."""
    world = sandbox()
    [order_id] = world.changes.add_orders(status="delivered", lives=False)
    for status in ("pending", "on_hold", "paid"):
        world.clock.advance(10)
        world.changes.move(order_id, status)
        shown = "processing" if status == "paid" else status
        assert order(world, order_id)["status"] == shown
        rows = listed(world, "/api/v1/partners/orders", "orders")
        assert shown in [row["status"] for row in rows if row["order_id"] == order_id]
        query = {"status": shown, "limit": "100"}
        found = Endpoints(world).answer(Request("GET", "/api/v1/partners/orders", query)).content
        assert order_id in [row["order_id"] for row in found["orders"]]
    world.changes.move(order_id, "delivered")
    assert order(world, order_id)["status"] == "delivered"
    assert order(world, order_id, world.clock.now() - 5)["status"] == "on_hold"


def test_a_moved_order_has_one_log_row_an_event() -> None:
    """An event would be told twice: when it was moved, and when it had been planned."""
    world = sandbox()
    ids = world.changes.add_orders(60)
    world.changes.move(ids, "shipped")
    world.clock.advance(90 * 86_400)
    for order_id in ids:
        events = logs_of(world, order_id)
        assert len(events) == len(set(events)) >= 3


def test_backdated_orders_have_no_past() -> None:
    """The history of a time would change after that time."""
    world = sandbox()
    before = world.truth.events(START - 86_400)
    world.changes.add_orders(created_at=START - 5 * 86_400)
    assert world.truth.events(START - 86_400) == before
    with pytest.raises(ConfigurationError):
        world.changes.add_orders(created_at=START + 1)


def test_cancel_ends_an_order() -> None:
    """A cancelled order would be delivered later on."""
    world = sandbox()
    ids = world.changes.add_orders(50)
    world.changes.cancel(ids)
    world.clock.advance(90 * 86_400)
    for order_id in ids:
        row = order(world, order_id)
        assert (row["status"], row["shipped_at"]) == ("cancelled", None)
    events = world.truth.webhook_logs().to_pylist()
    assert {r["event_type"] for r in events if r["order_id"] in ids} == {
        "order.created",
        "order.cancelled",
    }


def test_deleted_rows_leave_the_lists_and_stay_in_the_truth() -> None:
    """A deletion could not be told from a row that was never there."""
    world = sandbox()
    order_id = world.truth.orders()["order_id"].to_pylist()[40]
    log_id = world.truth.webhook_logs()["webhook_log_id"].to_pylist()[40]
    world.clock.advance(5)
    world.changes.delete_orders(order_id)
    world.changes.delete_logs(log_id)
    orders = listed(world, "/api/v1/partners/orders", "orders")
    logs = listed(world, "/api/v1/webhooks/logs", "logs")
    assert order_id not in [row["order_id"] for row in orders]
    assert log_id not in [row["webhook_log_id"] for row in logs]
    row = order(world, order_id)
    assert (row["deleted"], row["deleted_at"].timestamp()) == (True, START + 5)
    assert not order(world, order_id, START)["deleted"]


def test_retry_by_hand() -> None:
    """Attempts after the vendor's own would not be counted."""
    world = sandbox(attempt_failure=1.0)
    log_id = world.truth.webhook_logs()["webhook_log_id"].to_pylist()[0]
    for taken, status in ((False, "failed"), (True, "sent")):
        world.clock.advance(10)
        world.changes.retry_logs(log_id, taken=taken)
        assert world.truth.webhook_logs().to_pylist()[0]["status"] == status
    assert world.truth.webhook_logs().to_pylist()[0]["attempts"] == 7
    [row] = [
        r for r in listed(world, "/api/v1/webhooks/logs", "logs") if r["webhook_log_id"] == log_id
    ]
    assert (row["status"], row["attempts"]) == ("sent", 7)


def test_retry_by_hand_ends_the_vendors_own_attempts() -> None:
    """A log row would go on changing after it was delivered by hand."""
    world = sandbox(attempt_failure=1.0)
    [order_id] = world.changes.add_orders(lives=False)
    world.clock.advance(120)
    [row] = [r for r in world.truth.webhook_logs().to_pylist() if r["order_id"] == order_id]
    assert (row["status"], row["attempts"]) == ("retrying", 2)
    world.changes.retry_logs(row["webhook_log_id"], taken=True)
    world.clock.advance(86_400)
    [row] = [r for r in world.truth.webhook_logs().to_pylist() if r["order_id"] == order_id]
    assert (row["status"], row["attempts"]) == ("sent", 3)
    assert row["last_attempt_at"] == row["delivered_at"]


def test_churn() -> None:
    """A benchmark of 50 new and 200 moved would measure something else."""
    world = sandbox(3_000)
    before = {r["order_id"]: r["status"] for r in world.truth.orders().to_pylist()}
    done = world.changes.churn(new=50, moved=60)
    after = {r["order_id"]: r["status"] for r in world.truth.orders().to_pylist()}
    assert set(after) - set(before) == set(done.added)
    assert {i for i in before if before[i] != after[i]} == set(done.moved)
    assert (len(done.added), len(done.moved)) == (50, 60)


def test_unknown_ids_are_refused() -> None:
    """A change that does nothing would let a test pass that tests nothing."""
    world = sandbox()
    for change in (world.changes.cancel, world.changes.delete_orders, world.changes.resend_logs):
        with pytest.raises(ConfigurationError):
            change("ord_0000000000000000")


NAMES = (
    "add",
    "back",
    "move",
    "force",
    "cancel",
    "delete",
    "unlog",
    "retry",
    "resend",
    "wait",
)
CHANGE = st.tuples(st.sampled_from(NAMES), st.integers(0, 10**6))


@settings(max_examples=40, deadline=None)
@given(st.lists(CHANGE, max_size=25), st.sampled_from(["newest_first", "oldest_first", "unsorted"]))
def test_lists_and_truth_agree_after_any_changes(changes: list[tuple[str, int]], sort: str) -> None:
    """The tests of the engine would compare it with a world that the API does not show."""
    world = sandbox(40, days=20, attempt_failure=0.3)
    world.set_behaviour(sort=sort)
    past = (world.truth.orders(START - 1), world.truth.webhook_logs(START - 1))
    for name, number in changes:
        change(world, name, number)
    assert past == (world.truth.orders(START - 1), world.truth.webhook_logs(START - 1))
    listed_orders = listed(world, "/api/v1/partners/orders", "orders")
    true_orders = [r for r in world.truth.orders().to_pylist() if not r["deleted"]]
    assert sorted((r["order_id"], r["status"]) for r in listed_orders) == sorted(
        (r["order_id"], r["status"]) for r in true_orders
    )
    columns = ("webhook_log_id", "order_id", "status", "attempts")
    listed_logs = listed(world, "/api/v1/webhooks/logs", "logs")
    true_logs = [r for r in world.truth.webhook_logs().to_pylist() if not r["deleted"]]
    assert sorted(tuple(r[c] for c in columns) for r in listed_logs) == sorted(
        tuple(r[c] for c in columns) for r in true_logs
    )
    for path, rows in (("webhooks/logs", true_logs), ("partners/orders", true_orders)):
        for status in {row["status"] for row in rows}:
            page = Endpoints(world).answer(Request("GET", f"/api/v1/{path}", {"status": status}))
            assert page.content["total"] == sum(row["status"] == status for row in rows)


def change(world: Sandbox, name: str, number: int) -> None:
    """Make one change; the number chooses what it is made to."""
    orders = world.truth.orders()["order_id"].to_pylist()
    logs = world.truth.webhook_logs()["webhook_log_id"].to_pylist()
    order_id, log_id = orders[number % len(orders)], logs[number % len(logs)]
    now = world.clock.now()
    statuses = ("paid", "shipped", "delivered")
    acts: dict[str, Callable[[], Any]] = {
        "add": lambda: world.changes.add_orders(1 + number % 3),
        "back": lambda: world.changes.add_orders(created_at=now - number),
        "move": lambda: world.changes.move(order_id, statuses[number % 3], log=number % 2 == 0),
        "force": lambda: world.changes.move(order_id, ("pending", "on_hold")[number % 2]),
        "cancel": lambda: world.changes.cancel(order_id),
        "delete": lambda: world.changes.delete_orders(order_id),
        "unlog": lambda: world.changes.delete_logs(log_id),
        "retry": lambda: world.changes.retry_logs(log_id),
        "resend": lambda: world.changes.resend_logs(log_id),
        "wait": lambda: world.clock.advance(number / 5),
    }
    acts[name]()
