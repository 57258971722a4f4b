"""The control endpoints, and how the sandbox is served."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import threading
from decimal import Decimal
from pathlib import Path

import httpx
import pyarrow.parquet as pq
import pytest
from sandbox_support import START, Api, MakeApi, utc_text

from pipelines.clock import ManualClock, SystemClock
from pipelines.errors import PrintoraError
from pipelines.sandbox import Limits, Sandbox, SandboxConfig, WorldOptions
from pipelines.sandbox.truth import TABLES


@pytest.mark.parametrize("table", TABLES)
def test_truth_over_http(api: Api, table: str) -> None:
    """A test in another process would compare with another truth."""
    true = api.sandbox.truth.table(table)
    path = f"/sandbox/truth/{table}"
    parquet = pq.read_table(io.BytesIO(api.http.get(path, params={"format": "parquet"}).content))
    assert parquet.to_pylist() == true.to_pylist()
    rows = [json.loads(line) for line in api.http.get(path).text.splitlines()]
    assert len(rows) == true.num_rows
    for got, wanted in zip(rows, true.to_pylist(), strict=True):
        for name, value in wanted.items():
            plain = utc_text(value) if name.endswith("at") else value
            assert got[name] == (str(plain) if isinstance(plain, Decimal) else plain)


def test_truth_of_another_time(api: Api) -> None:
    """History could not be compared over HTTP."""
    at = START - 10 * 86_400
    text = api.http.get("/sandbox/truth/orders", params={"at": at}).text
    assert len(text.splitlines()) == api.sandbox.truth.orders(at).num_rows < 120


def test_clock(api: Api) -> None:
    """Days could not be let pass in a test over HTTP."""
    assert api.http.get("/sandbox/clock").json()["now"] == START
    answer = api.http.post("/sandbox/clock", json={"advance": 86_400}).json()
    assert answer["now"] == api.clock.now() == START + 86_400
    assert answer["iso"] == "2026-03-02T12:00:00.000Z"


def test_settings_can_be_changed(api: Api) -> None:
    """The API's habits could not be changed while it is read."""
    answer = api.http.patch("/sandbox/behaviour", json={"case": "camel", "order_filters": []})
    assert answer.json()["case"] == api.http.get("/sandbox/behaviour").json()["case"] == "camel"
    assert "orderId" in api.orders()["orders"][0]
    api.http.patch("/sandbox/faults", json={"chances": {"error_500": 1.0}})
    assert api.http.get(api.orders_path).status_code == 500
    api.http.patch("/sandbox/faults", json={"chances": {}})
    api.http.post("/sandbox/faults/script", json={"faults": ["ok", "html_503"]})
    assert [api.http.get(api.orders_path).status_code for _ in range(3)] == [200, 503, 200]
    api.http.patch("/sandbox/limits", json={"per_minute": 1})
    assert [api.http.get(api.orders_path).status_code for _ in range(2)] == [200, 429]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("behaviour", {"sort": "sideways"}),
        ("behaviour", {"sorting": "newest_first"}),
        ("behaviour", {"page_clamp": "20"}),
        ("faults", {"chances": {"no_such": 0.5}}),
        ("faults", {"paths": "("}),
        ("limits", {"per_minute": "many"}),
    ],
)
def test_wrong_settings_are_refused(api: Api, path: str, body: dict[str, object]) -> None:
    """A mistyped setting would let a test pass that tests nothing."""
    answer = api.http.patch(f"/sandbox/{path}", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert api.http.get(api.orders_path).status_code == 200


def test_changes_over_http(api: Api) -> None:
    """A test in another process could not change the world."""

    def change(name: str, **arguments: object) -> httpx.Response:
        return api.http.post("/sandbox/changes", json={"change": name, **arguments})

    [order_id] = change("add_orders", count=1, status="shipped").json()["result"]
    assert api.orders()["orders"][0]["order_id"] == order_id
    change("cancel", order_ids=order_id)
    assert api.orders()["orders"][0]["status"] == "cancelled"
    assert len(change("churn", new=2, moved=1).json()["result"]["added"]) == 2
    for name, arguments in (("explode", {}), ("cancel", {}), ("cancel", {"order_ids": "ord_x"})):
        assert change(name, **arguments).status_code == 400


def test_ledger_over_http(
    make_api: MakeApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A demo in another process would have no ledger."""
    monkeypatch.chdir(tmp_path)
    api = make_api()
    path = tmp_path / "sessions.jsonl"
    answer = api.http.post("/sandbox/ledger", json={"path": str(path)}).json()
    assert answer["lines"] == len(path.read_text().splitlines()) > 300
    assert api.http.post("/sandbox/ledger").status_code == 400


def test_requests_are_counted(make_api: MakeApi) -> None:
    """How many requests a sync used would be hearsay."""
    api = make_api(limits=Limits(per_minute=4))
    for _ in range(5):
        api.orders(limit=1)
    api.clock.sleep(50)
    api.http.get(api.logs_path)
    counts = api.http.get("/sandbox/requests", params={"last": 1}).json()
    assert (counts["count"], counts["refused"], counts["most_in_a_minute"]) == (6, 2, 6)
    assert counts["by_path"] == {f"GET {api.orders_path}": 5, f"GET {api.logs_path}": 1}
    assert counts["last"][0]["path"] == api.logs_path
    assert api.http.delete("/sandbox/requests").json()["count"] == 0


def test_control_costs_no_quota(make_api: MakeApi) -> None:
    """Watching the sandbox would change what is watched."""
    api = make_api(limits=Limits(per_minute=2))
    for _ in range(5):
        api.http.get("/sandbox/clock")
    assert api.http.get(api.orders_path).headers["x-ratelimit-remaining"] == "1"


def test_hook_before_each_request(api: Api) -> None:
    """The world could not be changed between any two requests."""
    seen: list[str] = []
    api.sandbox.before_request = lambda request: seen.append(f"{request.method} {request.path}")
    api.orders()
    api.http.get("/sandbox/clock")
    api.logs()
    assert seen == [f"GET {api.orders_path}", f"GET {api.logs_path}"]


def test_speed_and_start() -> None:
    """A demo could not show a day in a minute."""
    config = SandboxConfig(world=WorldOptions(orders=10), now=START, speed=3_600.0)
    world = Sandbox(config, clock=SystemClock())
    assert START <= world.clock.now() < START + 3_600
    world.clock.sleep(360)
    assert START + 360 <= world.clock.now() < START + 7_200
    world.clock.advance(86_400)
    assert world.clock.now() > START + 86_400


def test_a_taken_port_is_told_plainly() -> None:
    """A second sandbox would end in a traceback."""
    world = Sandbox(SandboxConfig(world=WorldOptions(orders=10)), clock=ManualClock(START))
    with world.serve() as server, pytest.raises(PrintoraError, match="port"):
        world.run_forever(int(server.base_url.rpartition(":")[2]))


def test_ctrl_c_ends_it_cleanly() -> None:
    """Ending `printora sandbox` would show a traceback, or leave the port taken."""
    script = (
        "from pipelines.sandbox import Sandbox\n"
        "Sandbox().run_forever(ready=lambda server: print(server.base_url, flush=True))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        base_url = process.stdout.readline().strip()
        assert httpx.get(f"{base_url}/sandbox/clock").status_code == 200
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (0, "")


def test_requests_from_several_threads(api: Api) -> None:
    """A client with several requests in flight would see a torn page."""
    pages: list[int] = []

    def read(offset: int) -> None:
        headers = dict(api.http.headers)
        answer = httpx.get(
            f"{api.http.base_url}{api.orders_path}",
            params={"limit": 10, "offset": offset},
            headers=headers,
        )
        pages.append(len(answer.json()["orders"]))

    threads = [threading.Thread(target=read, args=(n,)) for n in range(20)]
    for thread in threads:
        thread.start()
    api.sandbox.changes.add_orders(5)
    for thread in threads:
        thread.join()
    assert pages == [10] * 20
