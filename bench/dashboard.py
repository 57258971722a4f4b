"""Load the shipped dashboard into a real Superset, and hold each chart's data against DuckDB's.

    .venv/bin/python bench/dashboard.py [--serve] printora.published.duckdb

starts Superset (deploy/superset/superset.sh), connects it to the snapshot through its API, runs a
query in SQL Lab, imports deploy/superset/dashboard, opens it in a browser, and compares what each
chart got. It ends with code 1 where one differs; with ``--serve`` it goes on until Ctrl-C.
"""

from __future__ import annotations

import io
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import httpx
from playwright.sync_api import Page, Response

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "deploy/superset"
HOME = ROOT / ".printora/superset"
PORT = 8088
_PLACE = "/FOLDER/printora.published.duckdb"
_LAB = "select count(*) as orders from analytics.fct_orders"

sys.path.insert(0, str(ROOT / "tests"))
from browser import browser  # noqa: E402 - tests/ is on the path by now

#: What each chart must show: the dashboard's metrics written another way, or from other tables.
EXPECTED = {
    "Orders under way": """select count(*) as orders_under_way
        from analytics.fct_orders where is_paid and is_open""",
    "Of these, late": """select count(*) as orders_overdue
        from analytics.orders_open where is_overdue and stage <> 'created_to_paid'""",
    "Sessions that ordered and paid": """select date_trunc('week', cohort_date) as cohort_date,
        avg(cast(is_ordered as int)) as order_rate, avg(cast(is_converted as int)) as paid_rate,
        avg(cast(is_converted_net as int)) as net_paid_rate
        from analytics.fct_sessions where source = 'ledger' and is_mature group by 1""",
    "Revenue by week of payment": """pivot (select date_trunc('week', date) as paid_date, *
        from analytics.orders_daily where date_basis = 'paid' and revenue > 0)
        on currency using sum(revenue) group by paid_date""",
    "Delivered within 7 and 14 days": """select week_start,
        max(share_delivered) filter (days = 7) as delivered_within_7_days,
        max(share_delivered) filter (days = 14) as delivered_within_14_days
        from analytics.delivery_sla_weekly where dimension = 'all' group by 1""",
    "Half delivered within, hours": """select week_start, p50_hours as delivery_week_p50_hours
        from analytics.delivery_latency_weekly where stage = 'paid_to_delivered'""",
    "Webhooks delivered": """select date_trunc('week', event_date) as event_date,
        sum(delivered) / nullif(sum(delivered) + sum(failed), 0) as webhook_delivered_rate,
        sum(delivered_first_attempt) / nullif(sum(attempts_known), 0)
            as webhook_first_attempt_rate
        from analytics.webhook_health_daily group by 1""",
}

Row = dict[str, Any]


def main(snapshot: Path, *, serve: bool) -> int:
    """Return 1 where a chart shows other data than DuckDB has."""
    with superset() as address, httpx.Client(base_url=address, timeout=120) as client:
        _log_in(client, address)
        database = _load(client, _bundle(snapshot), snapshot)
        _query(client, database, snapshot)
        wrong = _compare(_open(address), snapshot)
        if serve:
            print(f"{address}/superset/dashboard/printora/ until Ctrl-C", flush=True)
            with suppress(KeyboardInterrupt):
                signal.pause()
    return 1 if wrong else 0


@contextmanager
def superset() -> Iterator[str]:
    """Serve Superset; yield its address.

    Raises:
        RuntimeError: it ended, as it does where another program has its port.
    """
    address = f"http://127.0.0.1:{PORT}"
    with subprocess.Popen([FOLDER / "superset.sh", str(PORT)]) as process:
        try:
            while not _answers(address):
                if process.poll() is not None:
                    raise RuntimeError(f"Superset ended: see {HOME}/superset.log")
                time.sleep(1)
            yield address
        finally:
            process.terminate()


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/health").is_success
    except httpx.TransportError:
        return False


def _password() -> str:
    return (HOME / "password").read_text(encoding="utf-8").strip()


def _log_in(client: httpx.Client, address: str) -> None:
    user = {"username": "admin", "password": _password(), "provider": "db"}
    token = _json(client.post("/api/v1/security/login", json=user))["access_token"]
    client.headers["Authorization"] = f"Bearer {token}"
    client.headers["Referer"] = address
    client.headers["X-CSRFToken"] = _json(client.get("/api/v1/security/csrf_token/"))["result"]


def _bundle(snapshot: Path) -> bytes:
    """Return the dashboard's folder as Superset takes it, with the snapshot's place."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for path in sorted((FOLDER / "dashboard").rglob("*.yaml")):
            text = path.read_text(encoding="utf-8").replace(_PLACE, str(snapshot))
            file.writestr(str(path.relative_to(FOLDER)), text)
    return buffer.getvalue()


def _load(client: httpx.Client, bundle: bytes, snapshot: Path) -> int:
    """Connect, import all, and let Superset read the columns; return the database's number."""
    uri = f"duckdb:///{snapshot}?access_mode=read_only"
    tested = {"sqlalchemy_uri": uri, "database_name": "Printora"}
    _json(client.post("/api/v1/database/test_connection/", json=tested))
    _json(client.post("/api/v1/assets/import/", files={"bundle": ("printora.zip", bundle)}))
    for dataset in _json(client.get("/api/v1/dataset/?q=(page_size:100)"))["result"]:
        _json(client.put(f"/api/v1/dataset/{dataset['id']}/refresh"))
    databases = _json(client.get("/api/v1/database/"))["result"]
    return next(int(each["id"]) for each in databases if each["database_name"] == "Printora")


def _query(client: httpx.Client, database: int, snapshot: Path) -> None:
    asked = {"database_id": database, "sql": _LAB, "runAsync": False, "schema": "analytics"}
    answer = _json(client.post("/api/v1/sqllab/execute/", json=asked))["data"]
    if answer != _rows(snapshot, _LAB):
        raise RuntimeError(f"SQL Lab says {answer}, DuckDB {_rows(snapshot, _LAB)}")
    print(f"ok      SQL Lab: {answer}")


def _open(address: str) -> dict[str, list[Row]]:
    """Open the dashboard, as a user does; return each chart's data as its API sent it."""
    answers: list[Response] = []
    with browser() as chromium:
        page = chromium.new_page(viewport={"width": 1500, "height": 1000})
        page.set_default_timeout(180_000)
        page.goto(f"{address}/login/")
        page.locator("input#username").fill("admin")
        page.locator("input#password").fill(_password())
        page.locator("button[type=submit], input[type=submit]").first.click()
        page.wait_for_url(lambda url: "/login" not in url)
        page.on("response", lambda got: answers.append(got) if "/chart/data" in got.url else None)
        page.goto(f"{address}/superset/dashboard/printora/")
        while len(answers) < len(EXPECTED):
            page.wait_for_timeout(200)
        names = _names(page, address)
        shown = {names[_slice(got)]: got.json()["result"][0]["data"] for got in answers}
        page.wait_for_timeout(5_000)  # charts grow into their places
        page.screenshot(path=HOME / "dashboard.png")
    return shown


def _names(page: Page, address: str) -> dict[int, str]:
    charts = page.request.get(f"{address}/api/v1/dashboard/printora/charts").json()["result"]
    return {chart["id"]: chart["slice_name"] for chart in charts}


def _slice(got: Response) -> int:
    asked: Any = got.request.post_data_json
    return int(asked["form_data"]["slice_id"])


def _compare(shown: dict[str, list[Row]], snapshot: Path) -> int:
    """Print a line for each chart; return how many differ."""
    wrong = 0
    for name, query in EXPECTED.items():
        got, wanted = map(_plain, (shown.get(name, []), _rows(snapshot, query)))
        same = got == wanted and bool(got)
        wrong += not same
        print(f"{'ok' if same else 'DIFFERS':<8}{name}: {len(got)} rows")
        if not same:
            print(f"  Superset: {got[:3]}\n  DuckDB:   {wanted[:3]}")
    return wrong


def _plain(rows: list[Row]) -> list[str]:
    """Write the rows of either side the same."""
    return sorted(
        str(sorted((name, _written(value)) for name, value in row.items())) for row in rows
    )


def _written(value: Any) -> str:
    if isinstance(value, date):
        return f"{value:%Y-%m-%d}"
    if isinstance(value, (int, float, Decimal)):
        is_time = value > 10**11  # Superset sends the milliseconds.
        return (
            f"{datetime.fromtimestamp(float(value) / 1000, UTC):%Y-%m-%d}"
            if is_time
            else f"{value:.6f}"
        )
    return str(value)


def _rows(snapshot: Path, query: str) -> list[Row]:
    with duckdb.connect(str(snapshot), read_only=True) as connection:
        found = connection.execute(query)
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _json(response: httpx.Response) -> Any:
    if response.is_error:
        raise RuntimeError(f"{response.request.url} said {response.status_code}: {response.text}")
    return response.json()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[-1]).resolve(), serve="--serve" in sys.argv))
