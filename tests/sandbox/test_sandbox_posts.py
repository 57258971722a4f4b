"""What a partner can do over the API: create sessions, retry and resend."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sandbox_support import Api, MakeApi

from pipelines.sandbox import Behaviour

SESSION = "/api/v1/partner-session"
IMAGE = {"imageUrl": "https://images.example/a.png"}


def test_create_a_session(api: Api) -> None:
    """A session that the API made would not be in the world."""
    answer = api.http.post(SESSION, json={**IMAGE, "userData": {"email": "user-1@example.com"}})
    content = answer.json()
    assert answer.status_code == 201
    assert "token=" in content["redirectUrl"]
    session = api.sandbox.truth.sessions().to_pylist()[-1]
    assert session["session_id"] == content["sessionId"]
    assert (session["mode"], session["status"]) == ("image", "pending")


def test_created_sessions_convert_like_all_others(make_api: MakeApi) -> None:
    """Sessions created over the API would all be lost, or all be orders."""
    api = make_api(world={"after_start": False})
    mine = set(api.sandbox.changes.create_sessions(1_500))
    api.clock.sleep(3 * 86_400)
    sessions = [s for s in api.sandbox.truth.sessions().to_pylist() if s["session_id"] in mine]
    ordered = {r["session_id"] for r in api.sandbox.truth.orders().to_pylist()} & mine
    assert 0.25 < len(ordered) / 1_500 < 0.40
    assert {s["session_id"] for s in sessions if s["status"] == "completed"} == ordered


@pytest.mark.parametrize(
    "body", [{}, {**IMAGE, "creatorId": "crt_001"}, {"imageUrl": 5}, {"imageUrl": ""}]
)
def test_a_session_needs_exactly_one_source(api: Api, body: dict[str, Any]) -> None:
    """A client that sends none or two would not be told."""
    answer = api.http.post(SESSION, json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "VALIDATION_ERROR")


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"'])
def test_bodies_that_are_no_objects(api: Api, body: bytes) -> None:
    """A broken body would end in a server error."""
    assert api.http.post(SESSION, content=body).status_code == 400


def test_idempotency_keys(make_api: MakeApi) -> None:
    """A retried POST would make two sessions."""
    api = make_api(behaviour=Behaviour.v1_1())
    answer = api.http.post(SESSION, json=IMAGE)
    assert answer.json()["error"]["code"] == "MISSING_IDEMPOTENCY_KEY"
    first, again, other = (
        api.http.post(SESSION, json=IMAGE, headers={"Idempotency-Key": key}).json()
        for key in ("key-1", "key-1", "key-2")
    )
    assert first == again
    assert first["sessionId"] != other["sessionId"]


def test_read_a_session(make_api: MakeApi) -> None:
    """A session's fate under 1.1 would be another than the truth's."""
    api = make_api(behaviour=Behaviour.v1_1())
    for session in api.sandbox.truth.sessions().to_pylist()[::20]:
        content = api.http.get(f"{SESSION}/{session['session_id']}").json()
        assert content["status"] == session["status"]
        assert (content["order"] is not None) == (session["first_order_at"] is not None)
    assert api.http.get(f"{SESSION}/sess_none").status_code == 404


def failed_logs(api: Api) -> list[dict[str, Any]]:
    """The log rows that failed for good."""
    return [r for r in api.sandbox.truth.webhook_logs().to_pylist() if r["status"] == "failed"]


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_retry(make_api: MakeApi, version: str) -> None:
    """A retry would leave the log row as it was, or make another one."""
    api = make_api(world={"attempt_failure": 0.6})
    failed = failed_logs(api)[0]
    log_id = failed["webhook_log_id"]
    api.sandbox.world.webhooks.answers = lambda rng, at: np.ones(len(at), dtype=bool)  # type: ignore[method-assign]
    before = api.logs()["total"]
    path, body = {
        "1.0": ("/api/v1/webhooks/retry", {"webhook_log_id": log_id}),
        "1.1": (f"/api/v1/partners/webhook-logs/{log_id}/retry", {}),
    }[version]
    answer = api.http.post(path, json=body)
    assert answer.status_code == 200
    [row] = [
        r for r in api.sandbox.truth.webhook_logs().to_pylist() if r["webhook_log_id"] == log_id
    ]
    assert (row["status"], row["attempts"]) == ("sent", 6)
    assert row["delivered_at"].timestamp() == api.clock.now()
    assert api.logs()["total"] == before
    assert api.http.post(path, json=body).status_code == 400


def test_resend(api: Api) -> None:
    """A resent event would not show as a row of its own."""
    old = api.logs()["logs"][5]
    api.clock.sleep(60)
    before = api.logs()["total"]
    answer = api.http.post(
        "/api/v1/webhooks/resend", json={"webhook_log_id": old["webhook_log_id"]}
    )
    new = answer.json()["data"]
    assert new["webhook_log_id"] != old["webhook_log_id"]
    assert new["payload"]["timestamp"] == old["payload"]["timestamp"]
    assert api.logs()["total"] == before + 1


def test_resend_by_order_or_session(make_api: MakeApi) -> None:
    """An event that has no log row could not be healed."""
    api = make_api(world={"lost": 1.0})
    order = api.orders()["orders"][0]
    path = "/api/v1/partners/webhooks/resend"
    for field, value in (("orderId", order["order_id"]), ("sessionId", order["session_id"])):
        answer = api.http.post(path, json={field: value, "eventType": "order.created"})
        assert answer.json()["data"]["session_id"] == order["session_id"]
    both = {"orderId": "x", "sessionId": "y", "eventType": "order.created"}
    assert api.http.post(path, json=both).status_code == 400
    never = {"orderId": order["order_id"], "eventType": "order.delivered"}
    assert api.http.post(path, json=never).status_code == 404
    assert api.http.post(path, json={**never, "eventType": "order.lost"}).status_code == 400


@pytest.mark.parametrize("path", ["/api/v1/webhooks/retry", "/api/v1/webhooks/resend"])
def test_unknown_log_rows(api: Api, path: str) -> None:
    """A mistyped id would end in a server error."""
    assert api.http.post(path, json={"webhook_log_id": "whl_none"}).status_code == 404
    assert api.http.post(path, json={}).status_code == 400


def test_resend_without_webhooks(make_api: MakeApi) -> None:
    """A partner without a webhook would get a server error."""
    api = make_api(world={"webhooks": False})
    body = {"orderId": api.orders()["orders"][0]["order_id"], "eventType": "order.created"}
    assert api.http.post("/api/v1/partners/webhooks/resend", json=body).status_code == 400
