"""Answers that go wrong."""

from __future__ import annotations

import json
import time
from collections import Counter

import httpx
import pytest
from sandbox_support import START, Api, MakeApi

from pipelines.errors import ConfigurationError
from pipelines.sandbox import FaultPlan
from pipelines.sandbox.faults import FAULTS


def after(api: Api, fault: str) -> httpx.Response:
    """Let one fault befall the next request."""
    api.sandbox.faults.script([fault])
    return api.http.get(api.orders_path)


def test_server_errors(api: Api) -> None:
    """A retry on 5xx, or on HTML where JSON should be, would go untested."""
    answer = after(api, "error_500")
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "INTERNAL_ERROR")
    for status in (502, 503):
        answer = after(api, f"html_{status}")
        assert answer.status_code == status
        assert answer.headers["content-type"].startswith("text/html")
    assert api.http.get(api.orders_path).status_code == 200


def test_broken_bodies(api: Api) -> None:
    """A body that is not the expected JSON would go untested."""
    answer = after(api, "broken_json")
    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        answer.json()
    assert after(api, "empty_body").content == b""
    assert "orders" not in after(api, "wrong_envelope").json()


def test_cut_connection(api: Api) -> None:
    """A connection that ends in the middle of a body would go untested."""
    with pytest.raises(httpx.RemoteProtocolError):
        after(api, "cut_connection")
    assert api.http.get(api.orders_path).status_code == 200


def test_slowness(make_api: MakeApi) -> None:
    """Time-outs, and the time that an answer takes, would go untested."""
    api = make_api(faults=FaultPlan(slow_seconds=0.2))
    after(api, "slow")
    assert api.clock.now() == START + 0.2
    begin = time.monotonic()
    after(api, "slow_real")
    assert time.monotonic() - begin >= 0.2
    assert api.clock.now() == START + 0.2


def test_faults_by_chance_are_the_same_for_the_same_seed(make_api: MakeApi) -> None:
    """A failing test could not be run again."""
    runs = []
    for _ in range(2):
        api = make_api(faults=FaultPlan({"error_500": 0.3, "html_503": 0.2}))
        runs.append([api.http.get(api.orders_path).status_code for _ in range(200)])
    assert runs[0] == runs[1]
    counts = Counter(runs[0])
    assert 30 < counts[500] < 90
    assert 20 < counts[503] < 65


def test_faults_on_chosen_paths(make_api: MakeApi) -> None:
    """One resource that fails beside one that works would go untested."""
    api = make_api(faults=FaultPlan({"error_500": 1.0}, paths="GET .*/logs"))
    assert api.http.get(api.orders_path).status_code == 200
    assert api.http.get(api.logs_path).status_code == 500


def test_what_was_done_stays_done_when_the_answer_is_lost(api: Api) -> None:
    """A POST that took effect although its answer was cut would go untested."""
    sessions = api.sandbox.truth.sessions().num_rows
    api.sandbox.faults.script(["error_500", "cut_connection"])
    post = {"url": "/api/v1/partner-session", "json": {"imageUrl": "https://x.example/a.png"}}
    assert api.http.post(**post).status_code == 500  # type: ignore[arg-type]
    assert api.sandbox.truth.sessions().num_rows == sessions
    with pytest.raises(httpx.RemoteProtocolError):
        api.http.post(**post)  # type: ignore[arg-type]
    assert api.sandbox.truth.sessions().num_rows == sessions + 1


def test_unknown_faults_are_refused(api: Api) -> None:
    """A mistyped fault would let a test pass that tests nothing."""
    with pytest.raises(ConfigurationError):
        api.sandbox.faults.script(["eror_500"])
    with pytest.raises(ConfigurationError):
        FaultPlan({"eror_500": 1.0})
    with pytest.raises(ConfigurationError):
        FaultPlan(dict.fromkeys(FAULTS, 0.5))
