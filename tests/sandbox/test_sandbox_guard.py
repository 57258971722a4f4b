"""No web page controls the sandbox, and no request makes it hang or write outside its folder."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sandbox_support import Api, MakeApi

from pipelines.sandbox import DEFAULT_KEY
from pipelines.sandbox.control import CHANGES

METHOD = dict.fromkeys(("clock", "changes", "ledger", "faults/script"), "POST") | dict.fromkeys(
    ("behaviour", "limits", "faults"), "PATCH"
)
PATHS = [*METHOD]


def test_another_host_is_refused(api: Api) -> None:
    """A page whose name was made to point here would read everything."""
    strangers = ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "127.0.0.2", "", "0"]
    for host in [*strangers, "[::2]:80", "localhost.", "127.0.0.1:80:80"]:
        for path in ("truth/orders", "clock", "requests", "behaviour"):
            answer = api.http.get(f"/sandbox/{path}", headers={"host": host})
            assert answer.status_code == 403, (host, path)


def test_this_machine_is_not(api: Api) -> None:
    """A program that writes localhost would be shut out."""
    for host in ("127.0.0.1", "localhost:8000", "LOCALHOST", "[::1]:80", "[::1]"):
        answer = api.http.get("/sandbox/clock", headers={"host": host})
        assert answer.status_code == 200, host


def test_a_web_page_is_refused(api: Api) -> None:
    """Any page that is open in the developer's browser could change the sandbox's world."""
    for origin in ("https://evil.example", "null", "", "http://127.0.0.1:1", "file://"):
        for path in PATHS:
            headers = {"origin": origin}
            answer = api.http.request(METHOD[path], f"/sandbox/{path}", json={}, headers=headers)
            assert answer.status_code == 403, (origin, path)


def test_what_does_not_say_that_it_is_json_is_refused(api: Api) -> None:
    """A form could be sent without the browser asking for leave."""
    before = api.clock.now()

    def advance(kind: str) -> int:
        headers = {"content-type": kind}
        return api.http.post(
            "/sandbox/clock", content=b'{"advance": 5}', headers=headers
        ).status_code

    forms = ("application/x-www-form-urlencoded", "multipart/form-data", "text/plain")
    for kind in (*forms, "", "json", "text/plain; x=application/json"):
        assert advance(kind) == 415, kind
    assert advance("Application/JSON; charset=utf-8") == 200
    assert api.clock.now() == before + 5


@pytest.mark.parametrize("named", [True, False])
def test_a_ledger_is_written_into_its_folder_only(
    make_api: MakeApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: bool
) -> None:
    """A request could overwrite any file that the developer may write."""
    folder, other = tmp_path / "folder", tmp_path / "other"
    folder.mkdir()
    other.mkdir()
    (folder / "link").symlink_to(other)
    (folder / "link.jsonl").symlink_to(other / "x.jsonl")
    (folder / "notes.md").write_text("mine")
    monkeypatch.chdir(tmp_path if named else folder)
    api = make_api(**({"ledger_path": folder / "sessions.jsonl"} if named else {}))
    for name in ("../x.jsonl", "/etc/x.jsonl", "a/../../x.jsonl", "link/x.jsonl", "link.jsonl"):
        answer = api.http.post("/sandbox/ledger", json={"path": name})
        assert answer.status_code == 400, name
        assert str(folder) in answer.json()["error"]
    assert api.http.post("/sandbox/ledger", json={"path": "notes.md"}).status_code == 400
    assert list(other.iterdir()) == []
    assert (folder / "notes.md").read_text() == "mine"
    inside = api.http.post("/sandbox/ledger", json={"path": "deep/er.jsonl"})
    assert inside.json()["path"] == str(folder / "deep" / "er.jsonl")


TOO_MUCH = [
    ("POST", "clock", '{"advance": 1e300}'),
    ("POST", "clock", '{"advance": NaN}'),
    ("POST", "clock", '{"advance": -1}'),
    ("POST", "clock", '{"advance": ' + "9" * 5_000 + "}"),
    ("POST", "clock", '{"advance": "9e99"}'),
    ("POST", "clock", "{}"),
    ("POST", "clock", "[" * 100_000),
    ("POST", "clock", '["advance"]'),
    ("POST", "changes", '{"change": "add_orders", "count": 100000000}'),
    ("POST", "changes", '{"change": "add_orders", "count": -1}'),
    ("POST", "changes", '{"change": "create_sessions", "count": 1e9}'),
    ("POST", "changes", '{"change": "churn", "new": 1e8, "moved": 0}'),
    ("POST", "changes", '{"change": "add_orders", "cents": 1e30}'),
    ("POST", "changes", '{"change": ["add_orders"]}'),
    ("PATCH", "faults", '{"slow_seconds": 1e9}'),
    ("PATCH", "faults", '{"chances": [1]}'),
    ("PATCH", "limits", '{"production_per_minute": 1e12}'),
    ("PATCH", "limits", '{"long_seconds": 0}'),
    ("POST", "faults/script", '{"faults": 5}'),
    ("POST", "ledger", '{"path": 5}'),
    ("POST", "ledger", '{"path": "a\\u0000.jsonl"}'),
    ("GET", "truth/orders?at=1e300", ""),
    ("GET", "truth/orders?at=nan", ""),
    ("GET", "requests?last=1e300", ""),
]


def test_what_could_not_end_is_refused(api: Api) -> None:
    """One number would keep the sandbox busy for hours, or break it until it is started anew."""
    headers = {"content-type": "application/json"}
    for method, path, body in TOO_MUCH:
        answer = api.http.request(method, f"/sandbox/{path}", content=body, headers=headers)
        assert answer.status_code == 400, (path, body[:80])
        assert answer.json()["error"]
    assert api.http.get(api.orders_path).status_code == 200


VALUES = st.recursive(
    # Small or absurd: what lies between is allowed, and takes its time.
    st.none()
    | st.booleans()
    | st.integers(-3, 20)
    | st.sampled_from([1e300, 10**30, -(10**12), 0.5])
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)
NAMES = ["advance", "change", "count", "path", "faults", "chances", "paths", "order_ids", "status"]


@settings(
    deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    path=st.sampled_from(PATHS),
    body=st.dictionaries(st.sampled_from([*NAMES, "sort", "page_clamp", "per_minute"]), VALUES),
    change=st.sampled_from([None, *CHANGES]),
)
def test_no_body_breaks_it(api: Api, path: str, body: dict[str, Any], change: str | None) -> None:
    """A mistake would be a traceback, and the text would not say what was wrong."""
    content = body | ({} if change is None else {"change": change})
    if content.get("path"):
        content["path"] = [content["path"]]  # no files for this test
    try:
        answer = api.http.request(METHOD[path], f"/sandbox/{path}", json=content)
    except ValueError:
        return  # not JSON: httpx refuses to send it
    assert answer.status_code in (200, 400)


@pytest.mark.parametrize("busy", [False, True])
def test_sigterm_ends_it(busy: bool) -> None:
    """A container would be killed after its grace period, every time."""
    script = (
        "from pipelines.sandbox import Sandbox, SandboxConfig, WorldOptions\n"
        "Sandbox(SandboxConfig(world=WorldOptions(orders=100)))"
        ".run_forever(ready=lambda server: print(server.base_url, flush=True))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        try:
            httpx.get(f"{url}/sandbox/requests")  # it serves, and has its handlers
            if busy:
                keep_busy(url)
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)
        finally:
            process.kill()


def keep_busy(url: str) -> None:
    """Let the sandbox be about to answer in ten minutes."""
    httpx.patch(f"{url}/sandbox/faults", json={"slow_seconds": 600})
    httpx.post(f"{url}/sandbox/faults/script", json={"faults": ["slow_real"]})
    headers = {"Authorization": f"Bearer {DEFAULT_KEY}"}
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(f"{url}/api/v1/webhooks/logs", timeout=0.2, headers=headers)
