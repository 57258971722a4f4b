"""What a sync costs, as whole processes: this engine beside the floor and dlt's ``rest_api``.

    python bench/sync.py            20,000 and 200,000 orders known
    python bench/sync.py 2000       another size, to try it
    python bench/sync.py --only printora floor

For each size, each engine loads the history once, then syncs at once again, and then after hours in
which 50 + 200 and 5,000 changes came on top of what the world does by itself. Requests are those
that the sandbox counted; CPU seconds and peak memory are those of the process, imports and all; a
copy is exact when every order's and every log's status, amount and times are the sandbox's truth.
The sandbox has no limits and answers at once. Then ``printora --help`` and ``printora status`` are
started on what was loaded. ``floor`` is httpx and Arrow into DuckDB and nothing
else; ``rest_api`` is dlt's source in its default format, ``rest_api_parquet`` with Parquet. A run
is given up after the seconds of ``--patience``.
"""

# ruff: noqa: S608 - the names of tables are ours

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from pipelines.client.governor import Limit
from pipelines.client.wire import V1_0
from pipelines.clock import ManualClock
from pipelines.sandbox import (
    DEFAULT_KEY,
    DEFAULT_PARTNER,
    Behaviour,
    Limits,
    Sandbox,
    SandboxConfig,
    WorldOptions,
)

START = 1_780_315_200.0
#: Where a process notes its peak memory.
PEAK = "peak"
#: (label, new orders, moved orders)
#: An hour's changes come in so many portions.
STEPS = 25
CHANGES = (("nothing", 0, 0), ("50 new, 200 moved", 50, 200), ("5,000 changes", 1_000, 4_000))


@dataclass(frozen=True)
class Cost:
    """What a process took: seconds, CPU seconds, peak memory in MB; None: it was given up."""

    seconds: float
    cpu: float
    peak: int
    exit_code: int


def main() -> None:
    """Run everything and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("orders", type=int, nargs="*", default=[20_000, 200_000])
    parser.add_argument("--only", nargs="*", default=list(ENGINES), choices=list(ENGINES))
    parser.add_argument("--patience", type=float, default=600.0, help="seconds a run")
    parser.add_argument("--fields", choices=("minimal", "full"), default="minimal")
    options = parser.parse_args()
    os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")
    print("| orders known | engine | changed since | requests | CPU s | wall s | peak MB | exact |")
    print("| ---: | --- | --- | ---: | ---: | ---: | ---: | --- |")
    for orders in options.orders:
        for name in options.only:
            with tempfile.TemporaryDirectory() as folder:
                measure(name, orders, Path(folder), options.patience, options.fields)


def measure(name: str, orders: int, folder: Path, patience: float, fields: Any) -> None:
    """Load a history, change the world, load again; print each as a row of the table."""
    os.environ["DLT_DATA_DIR"] = str(folder / "dlt")
    clock = ManualClock(START)
    config = SandboxConfig(
        world=WorldOptions(orders=orders, after_start=False),
        limits=Limits.off(),
        behaviour=Behaviour(fields=fields),
    )
    sandbox = Sandbox(config, clock=clock)
    clock.sleep(3 * 3_600)  # what was being delivered at the start has settled
    with sandbox.serve() as server:
        for what, new, moved in (("first load", 0, 0), *CHANGES):
            clock.sleep(5)  # no run begins before the one before it has ended
            if new or moved:
                for _ in range(STEPS):
                    clock.sleep(3_600 / STEPS)
                    sandbox.changes.churn(new // STEPS, moved // STEPS)
            sandbox.requests.clear()
            cost = in_process(name, server.base_url, folder, clock.now(), patience)
            finished = cost.exit_code == 0
            exact = exactness(sandbox, folder / f"{name}.duckdb") if finished else "given up"
            exact = "untyped" if name == "floor" else exact
            requests = sandbox.requests.count
            print(
                f"| {orders:,} | {name} | {what} | {requests:,} | {cost.cpu:.1f} | "
                f"{cost.seconds:.1f} | {cost.peak:,} | {exact} |",
                flush=True,
            )
            if not finished:
                return
    if name == "printora":
        tell_cold_starts(orders, folder)


def tell_cold_starts(orders: int, folder: Path) -> None:
    """Start commands that read, and print each as a row of the table."""
    os.environ["DESTINATION__DUCKDB__CREDENTIALS"] = str(folder / "printora.duckdb")
    os.environ["SOURCES__PRINTORA__API_KEY"] = DEFAULT_KEY
    os.environ["SOURCES__PRINTORA__PARTNER_ID"] = DEFAULT_PARTNER
    for what in ("--help", "status"):
        script = (
            f"import sys; sys.argv = ['printora', '{what}']; import pipelines.cli as c; c.main()"
        )
        cost = cost_of([sys.executable, "-c", script], folder, 60.0)
        print(
            f"| {orders:,} | printora | `printora {what}` | 0 | {cost.cpu:.2f} | "
            f"{cost.seconds:.2f} | | exit {cost.exit_code} |",
            flush=True,
        )


def in_process(name: str, url: str, folder: Path, now: float, patience: float) -> Cost:
    """Run in a process of its own, imports and all."""
    command = [sys.executable, __file__, "--engine", name, url, str(folder), str(now)]
    return cost_of(command, folder, patience)


def cost_of(command: list[str], folder: Path, patience: float) -> Cost:
    """Run a command that says nothing, and notes its peak memory if it can."""
    note = folder / PEAK
    note.unlink(missing_ok=True)
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    timer = threading.Timer(patience, process.kill)
    timer.start()
    _, status, used = os.wait4(process.pid, 0)
    timer.cancel()
    seconds = time.perf_counter() - began
    cpu = used.ru_utime + used.ru_stime
    peak = int(note.read_text()) if note.exists() else 0
    return Cost(seconds, cpu, peak, os.waitstatus_to_exitcode(status))


def peak_memory() -> int:
    """Return this process's peak in MB: what `wait4` tells begins with that of its parent."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) // 1024


def with_floor(url: str, folder: Path, now: float) -> None:
    """Read both lists page by page into DuckDB, whole, and nothing else."""
    del now
    import duckdb
    import httpx
    import pyarrow as pa

    lists = {
        "orders": (f"/api/v1/partners/{DEFAULT_PARTNER}/orders", "orders"),
        "webhook_logs": ("/api/v1/webhooks/logs", "logs"),
    }
    headers = {"Authorization": f"Bearer {DEFAULT_KEY}"}
    with (
        httpx.Client(base_url=url, headers=headers) as http,
        duckdb.connect(str(folder / "floor.duckdb")) as connection,
    ):
        connection.execute("create schema if not exists printora_raw")
        for name, (path, envelope) in lists.items():
            rows: list[Any] = []
            while True:
                answer = http.get(path, params={"limit": 100, "offset": len(rows)}).json()
                if not answer[envelope]:
                    break
                rows += answer[envelope]
            connection.register("rows", pa.Table.from_pylist(rows))
            connection.execute(f"create or replace table printora_raw.{name} as from rows")


def with_printora(url: str, folder: Path, now: float) -> None:
    """Run one sync of this engine."""
    from pipelines.settings import Settings
    from pipelines.sync import sync

    plenty = (Limit("minute", 60, 10**9), Limit("day", 86_400, 10**9))
    settings = Settings(
        api_key=DEFAULT_KEY,
        partner_id=DEFAULT_PARTNER,
        base_url=url,
        contract=replace(V1_0, limits=plenty),
        warehouse_path=folder / "printora.duckdb",
    )
    result = sync(settings, clock=Ticking(now))
    for part in (result.resources["orders"], result.resources["webhook_logs"]):
        assert part.outcome == "complete", part.reason  # noqa: S101 - a benchmark that lies is none


class Ticking(ManualClock):
    """A clock that moves a little at each look, as time does: no two answers are of one moment."""

    def now(self) -> float:
        """Return the time, a microsecond later than before."""
        self.sleep(1e-6)
        return super().now()


def with_rest_api(url: str, folder: Path, now: float, file_format: str | None = None) -> None:
    """Load the same two lists with dlt's own source."""
    del now
    import dlt
    from dlt.sources.rest_api import rest_api_source

    def listed(name: str, path: str, key: str, selector: str) -> Any:
        endpoint = {"path": path, "params": {"limit": 100}, "data_selector": selector}
        return {"name": name, "primary_key": key, "endpoint": endpoint}

    paginator = {"type": "offset", "limit": 100, "offset": 0, "total_path": "total"}
    client: Any = {
        "base_url": url,
        "auth": {"type": "bearer", "token": DEFAULT_KEY},
        "paginator": paginator,
    }
    source = rest_api_source(
        {
            "client": client,
            "resource_defaults": {"write_disposition": "merge"},
            "resources": [
                listed("orders", f"api/v1/partners/{DEFAULT_PARTNER}/orders", "order_id", "orders"),
                listed("webhook_logs", "api/v1/webhooks/logs", "webhook_log_id", "logs"),
            ],
        }
    )
    name = "rest_api" if file_format is None else f"rest_api_{file_format}"
    database = dlt.destinations.duckdb(str(folder / f"{name}.duckdb"))
    pipeline = dlt.pipeline(name, destination=database, dataset_name="printora_raw")
    options: Any = {} if file_format is None else {"loader_file_format": file_format}
    pipeline.run(source, **options)


ENGINES: dict[str, Callable[[str, Path, float], None]] = {
    "floor": with_floor,
    "printora": with_printora,
    "rest_api_parquet": partial(with_rest_api, file_format="parquet"),
    "rest_api": with_rest_api,
}


def exactness(sandbox: Sandbox, path: Path) -> str:
    """Compare the copy with the truth: yes, or how many rows differ."""
    import duckdb

    compared = {
        "orders": "order_id, status, total_amount::decimal(18, 2), created_at",
        "webhook_logs": "webhook_log_id, status, attempts::int, created_at",
    }
    wrong = 0
    with duckdb.connect(str(path), read_only=True) as connection:
        for table, columns in compared.items():
            truth = sandbox.truth.table(table)
            connection.register("truth", truth)
            ours = f"select {columns} from printora_raw.{table}"
            theirs = f"select {columns} from truth where not deleted"
            for one, other in ((ours, theirs), (theirs, ours)):
                rows = connection.execute(f"select count(*) from ({one} except {other})")
                wrong += rows.fetchall()[0][0]
    return "yes" if not wrong else f"{wrong:,} rows differ"


if __name__ == "__main__":
    if sys.argv[1:2] == ["--engine"]:
        ENGINES[sys.argv[2]](sys.argv[3], Path(sys.argv[4]), float(sys.argv[5]))
        (Path(sys.argv[4]) / PEAK).write_text(str(peak_memory()))
    else:
        main()
