"""Keys, partners, versions, and the envelope of errors."""

from __future__ import annotations

from typing import Any

import pytest
from sandbox_support import Api, MakeApi

from pipelines.sandbox import DEFAULT_KEY, Behaviour


def refusal(answer: Any) -> tuple[int, str]:
    """Status and code of an answer that must be in the vendor's error envelope."""
    content = answer.json()
    assert set(content) == {"success", "error"}
    assert content["success"] is False
    assert set(content["error"]) == {"code", "message", "details"}
    return answer.status_code, content["error"]["code"]


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("", "MISSING_API_KEY"),
        ("Basic abc", "MISSING_API_KEY"),
        ("Bearer", "MISSING_API_KEY"),
        ("Bearer sk_test_other", "INVALID_API_KEY"),
    ],
)
def test_keys(api: Api, header: str, code: str) -> None:
    """A wrong key would look like an empty list."""
    answer = api.http.get(api.orders_path, headers={"Authorization": header})
    assert refusal(answer) == (401, code)


def test_both_prefixes_of_a_key(make_api: MakeApi) -> None:
    """The vendor's two guides write the same key in two ways."""
    api = make_api(api_key="sk_test_mine")
    for key in ("sk_test_mine", "pk_test_mine"):
        answer = api.http.get(api.orders_path, headers={"Authorization": f"Bearer {key}"})
        assert answer.status_code == 200
    assert refusal(api.http.get(api.orders_path)) == (401, "INVALID_API_KEY")


def test_another_partner(api: Api) -> None:
    """A mistyped partner id would look like an empty list."""
    assert refusal(api.http.get("/api/v1/partners/other/orders")) == (403, "FORBIDDEN")


def test_unknown_paths(api: Api) -> None:
    """A mistyped base URL would be told in HTML."""
    assert refusal(api.http.get("/api/v2/partners")) == (404, "NOT_FOUND")
    assert refusal(api.http.delete(api.orders_path)) == (404, "NOT_FOUND")


@pytest.mark.parametrize(("version", "old", "new"), [("1.0", 200, 404), ("1.1", 404, 200)])
def test_paths_of_each_version(make_api: MakeApi, version: Any, old: int, new: int) -> None:
    """A client that asks the wrong version's paths would be answered."""
    api = make_api(behaviour=Behaviour(versions=version))
    for path in (api.orders_path, api.logs_path):
        assert api.http.get(path).status_code == old
    for path in ("/api/v1/partners/orders", "/api/v1/partners/webhook-logs"):
        assert api.http.get(path).status_code == new
        api.sandbox.set_behaviour(versions="both")
        assert api.http.get(path).status_code == 200
        api.sandbox.set_behaviour(versions=version)


def test_both_versions_list_the_same_rows(api: Api) -> None:
    """One version's list would be another world."""
    assert api.http.get("/api/v1/partners/orders").json() == api.orders()
    assert api.http.get("/api/v1/partners/webhook-logs").json() == api.logs()


def test_no_answer_but_sessions_and_full_orders_carries_a_token(api: Api) -> None:
    """A leak in the sandbox would hide a leak in the product, or seem to be one."""
    assert "token=" not in api.http.get(api.logs_path, params={"limit": 100}).text
    assert DEFAULT_KEY not in api.http.get(api.orders_path, params={"limit": 100}).text
