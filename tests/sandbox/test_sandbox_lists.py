"""The two lists over HTTP: every row of the truth, in every shape the API may have."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from typing import Any

import pyarrow.compute as pc
import pytest
from sandbox_support import Api, MakeApi, utc_text

from pipelines.sandbox import Behaviour

SORTS = ["newest_first", "oldest_first", "unsorted"]


def true_orders(api: Api) -> dict[str, tuple[Any, ...]]:
    """What the orders list must say, by id."""
    return {
        row["order_id"]: (
            row["session_id"],
            row["status"],
            row["total_amount"],
            row["currency"],
            *(utc_text(row[f"{name}_at"]) for name in ("created", "paid", "shipped")),
            *(utc_text(row[f"{name}_at"]) for name in ("delivered", "cancelled")),
            *(row[name] for name in ("carrier", "country", "state", "city")),
        )
        for row in api.sandbox.truth.orders().to_pylist()
        if not row["deleted"]
    }


def listed_orders(api: Api, **query: Any) -> dict[str, tuple[Any, ...]]:
    """What the orders list says, by id."""
    return {
        row["order_id"]: (
            row["session_id"],
            row["status"],
            Decimal(str(row["total_amount"])),
            row["currency"],
            *(row[f"{name}_at"] for name in ("created", "paid", "shipped")),
            *(row[f"{name}_at"] for name in ("delivered", "cancelled")),
            row["carrier"],
            *(row["shipping_address"][name] for name in ("country", "state", "city")),
        )
        for row in api.walk(api.orders_path, "orders", **query)
    }


@pytest.mark.parametrize("sort", SORTS)
def test_orders_are_the_truth(make_api: MakeApi, sort: str) -> None:
    """A load that is compared with the truth would be called wrong, or right, without cause."""
    api = make_api(350, behaviour=Behaviour(sort=sort))  # type: ignore[arg-type]
    assert listed_orders(api) == true_orders(api)
    api.clock.sleep(20 * 86_400)
    assert listed_orders(api) == true_orders(api)
    assert api.orders()["total"] == len(true_orders(api)) > 350


@pytest.mark.parametrize("sort", SORTS)
def test_logs_are_the_truth(make_api: MakeApi, sort: str) -> None:
    """The change feed that an engine reads would not be the world's."""
    api = make_api(100, behaviour=Behaviour(sort=sort))  # type: ignore[arg-type]
    api.clock.sleep(3_000)
    columns = ("webhook_log_id", "order_id", "session_id", "status", "attempts")
    times = ("created_at", "last_attempt_at", "delivered_at")
    listed = [
        (
            *(row[c] for c in columns),
            row["event"],
            *(row[t] for t in times),
            row["payload"]["timestamp"],
        )
        for row in api.walk(api.logs_path, "logs")
    ]
    true = [
        (
            *(row[c] for c in columns),
            row["event_type"],
            *(utc_text(row[t]) for t in times),
            utc_text(row["event_at"]),
        )
        for row in api.sandbox.truth.webhook_logs().to_pylist()
    ]
    assert sorted(listed) == sorted(true)


@pytest.mark.parametrize("list_name", ["orders", "logs"])
def test_sort_orders(make_api: MakeApi, list_name: str) -> None:
    """An engine that assumes an order would pass every test."""
    api = make_api(150)
    path = {"orders": api.orders_path, "logs": api.logs_path}[list_name]
    created: dict[str, list[str]] = {}
    for sort in SORTS:
        api.sandbox.set_behaviour(sort=sort)
        created[sort] = [row["created_at"] for row in api.walk(path, list_name)]
    assert created["oldest_first"] == sorted(created["oldest_first"])
    assert created["newest_first"] == created["oldest_first"][::-1]
    assert created["unsorted"] not in (created["oldest_first"], created["newest_first"])
    assert created["unsorted"] == [row["created_at"] for row in api.walk(path, list_name)]
    api.sandbox.set_behaviour(sort="shuffled")
    assert api.orders(limit=100)["orders"] != api.orders(limit=100)["orders"]


def test_page_limits(make_api: MakeApi) -> None:
    """An engine that trusts its own limit would lose rows unseen."""
    api = make_api()
    assert len(api.orders()["orders"]) == 20
    assert len(api.orders(limit=500)["orders"]) == 100
    api.sandbox.set_behaviour(page_clamp=50)
    page = api.orders(limit=100)
    assert (len(page["orders"]), page["limit"], page["total"]) == (50, 50, 120)
    api.sandbox.set_behaviour(over_limit="refuse")
    assert api.http.get(api.orders_path, params={"limit": 101}).status_code == 400
    assert api.orders(offset=120)["orders"] == []


@pytest.mark.parametrize(
    "query", [{"limit": "0"}, {"limit": "x"}, {"limit": "-1"}, {"offset": "-1"}, {"offset": "1.5"}]
)
def test_bad_paging_is_refused(api: Api, query: dict[str, str]) -> None:
    """A client that computes a wrong offset would get some page and go on."""
    answer = api.http.get(api.orders_path, params=query)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "VALIDATION_ERROR")


def test_envelopes(api: Api) -> None:
    """An envelope that the vendor shows would go untested."""
    assert set(api.orders()) == {"orders", "total", "limit", "offset"}
    api.sandbox.set_behaviour(envelope="success", logs_key="webhookLogs")
    assert set(api.orders()) == {"success", "orders", "total"}
    assert set(api.logs()) == {"success", "webhookLogs", "total"}
    api.sandbox.set_behaviour(envelope="data", total="missing")
    assert set(api.orders()) == {"success", "data"}
    assert set(api.orders()["data"]) == {"orders"}
    api.sandbox.set_behaviour(envelope="plain", logs_key="data")
    assert isinstance(api.logs()["data"], list)


def test_names_of_fields(api: Api) -> None:
    """A name that the vendor shows would go untested."""
    assert {"order_id", "total_amount", "shipping_address"} <= set(api.orders()["orders"][0])
    api.sandbox.set_behaviour(case="camel")
    order, log = api.orders()["orders"][0], api.logs()["logs"][0]
    assert {"orderId", "totalAmount", "shippingAddress", "paymentUrl"} <= set(order)
    assert "postalCode" in order["shippingAddress"]
    assert {"webhookLogId", "event", "lastAttemptAt"} <= set(log)
    assert "totalAmount" in log["payload"]["data"]
    api.sandbox.set_behaviour(order_id_field="id", log_id_field="id", event_field="event_type")
    assert "id" in api.orders()["orders"][0]
    assert "orderId" not in api.orders()["orders"][0]
    assert {"id", "event_type", "orderId"} <= set(api.logs()["logs"][0])


def test_minimal_rows(api: Api) -> None:
    """The vendor's own example has six fields; the product must live on them."""
    api.sandbox.set_behaviour(fields="minimal", log_times="none", payload="none")
    example = {"order_id", "session_id", "status", "total_amount", "currency", "created_at"}
    assert set(api.orders()["orders"][0]) == example
    log = api.logs()["logs"][0]
    assert not {"created_at", "last_attempt_at", "delivered_at", "payload"} & set(log)
    api.sandbox.set_behaviour(payload="object")
    assert set(api.logs()["logs"][0]["payload"]["data"]) == example - {"created_at"}
    api.sandbox.set_behaviour(fields="full", order_times=False)
    assert "paid_at" not in api.orders()["orders"][0]


def test_payloads(api: Api) -> None:
    """The two kinds of session id, or a payload as text, would go untested."""
    log = api.logs()["logs"][0]
    assert log["payload"]["data"]["session_id"] == log["session_id"]
    assert log["payload"]["sessionId"].count("-") == 4
    api.sandbox.set_behaviour(payload="text", payload_session="sess")
    log = api.logs()["logs"][0]
    assert json.loads(log["payload"])["sessionId"] == log["session_id"]


def test_money_is_exact(api: Api) -> None:
    """A cent would be lost before the product has touched it."""
    true = {r["order_id"]: r["total_amount"] for r in api.sandbox.truth.orders().to_pylist()}
    text = api.http.get(api.orders_path, params={"limit": 100}).text
    orders = json.loads(text, parse_float=Decimal)["orders"]
    assert all(row["total_amount"] == true[row["order_id"]] for row in orders)
    for row in orders:
        lines = sum(item["quantity"] * item["unit_price"] for item in row["items"])
        assert 0 <= row["total_amount"] - lines < 13
    api.sandbox.set_behaviour(money="text")
    amounts = [row["total_amount"] for row in api.orders(limit=100)["orders"]]
    assert all(
        isinstance(a, str) and a == str(Decimal(a).quantize(Decimal("0.01"))) for a in amounts
    )


def test_status_filter_of_orders(make_api: MakeApi) -> None:
    """Counting by status, the engine's net, would catch nothing."""
    api = make_api(400)
    statuses = Counter(api.sandbox.truth.orders()["status"].to_pylist())
    assert set(statuses) >= {"pending", "processing", "shipped", "delivered", "cancelled"}
    for status, count in statuses.items():
        rows = api.walk(api.orders_path, "orders", status=status)
        assert api.orders(status=status)["total"] == count == len(rows)
        assert {row["status"] for row in rows} == {status}
    assert api.orders(status="nonsense")["total"] == 0
    api.sandbox.set_behaviour(paid_status="paid")
    assert api.orders(status="paid")["total"] == statuses["processing"]
    assert api.sandbox.truth.orders()["status"].to_pylist().count("paid") == statuses["processing"]


def test_filters_of_logs(make_api: MakeApi) -> None:
    """Reading only what is unsettled, or one session's events, would be untested."""
    api = make_api(300, world={"attempt_failure": 0.5})
    api.clock.sleep(600)
    logs = api.sandbox.truth.webhook_logs()
    for status in ("pending", "retrying", "sent", "failed"):
        assert api.logs(status=status)["total"] == logs["status"].to_pylist().count(status)
    for name in ("event", "event_type"):
        rows = api.walk(api.logs_path, "logs", **{name: "order.paid"})
        assert len(rows) == logs["event_type"].to_pylist().count("order.paid")
    session = logs["session_id"].to_pylist()[5]
    mine = logs.filter(pc.equal(logs["session_id"], session))
    assert api.logs(session_id=session)["total"] == mine.num_rows
    both = api.logs(session_id=session, event="order.created")["logs"]
    assert {row["event"] for row in both} == {"order.created"}
    assert api.logs(session_id="sess_0000000000000000")["total"] == 0


def test_filters_ignored_or_refused(api: Api) -> None:
    """A filter that the API ignores would be believed."""
    api.sandbox.set_behaviour(filters="ignored")
    assert api.orders(status="shipped")["total"] == 120
    api.sandbox.set_behaviour(filters="refused")
    assert api.http.get(api.orders_path, params={"status": "shipped"}).status_code == 400
    api.sandbox.set_behaviour(filters="honoured", order_filters=())
    assert api.orders(status="shipped")["total"] == 120
    api.sandbox.set_behaviour(unknown_filters="refused")
    assert api.http.get(api.orders_path, params={"since": "now"}).status_code == 400


def test_what_total_counts(api: Api) -> None:
    """A total of all rows would be taken for that of the filtered list."""
    shipped = api.orders(status="shipped")["total"]
    assert shipped < 120
    api.sandbox.set_behaviour(total="all")
    assert api.orders(status="shipped")["total"] == 120
    api.sandbox.set_behaviour(total="missing")
    assert "total" not in api.orders()


def test_rows_move_between_two_pages(api: Api) -> None:
    """The danger that the engine's walk is made for would not be there."""
    first = api.orders(limit=100)["orders"]

    def add_orders(_: object) -> None:
        api.sandbox.changes.add_orders(3)

    api.sandbox.before_request = add_orders
    second = api.orders(limit=100, offset=100)["orders"]
    assert [row["order_id"] for row in second[:3]] == [row["order_id"] for row in first[-3:]]


def test_rows_are_as_of_the_request(make_api: MakeApi) -> None:
    """A page would show a world that never was."""
    api = make_api(200)
    for _ in range(30):
        api.clock.sleep(7_200)
        true = {r["order_id"]: r["status"] for r in api.sandbox.truth.orders().to_pylist()}
        rows = api.orders(limit=100)["orders"]
        assert {r["order_id"]: r["status"] for r in rows}.items() <= true.items()
