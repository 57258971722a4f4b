"""What a sync into PostgreSQL costs beside one into DuckDB, and the statements that it sends.

    PYTHONPATH=.:tests/readers python bench/postgres.py [orders]

Each engine loads the history of one world, syncs at once again, and syncs after an hour in which
50 orders came and 200 moved. CPU seconds and peak memory are those of the process, imports and all,
and not of the server, which is one of its own on this machine. Statements are those in its log,
dlt's too. On a "new machine" the mirror has to be copied first.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from postgres_support import asked, database, postgres

from pipelines.client.governor import Limit
from pipelines.client.wire import V1_0
from pipelines.clock import ManualClock
from pipelines.sandbox import DEFAULT_KEY, DEFAULT_PARTNER, Limits, Sandbox, SandboxConfig
from pipelines.sandbox import WorldOptions as World

START = 1_780_315_200.0
#: An hour's changes come in so many portions.
STEPS = 25
_COLUMNS = (
    "known orders",
    "engine",
    "sync",
    "requests",
    "statements",
    "CPU s",
    "wall s",
    "peak MB",
)


def main(orders: int) -> None:
    """Print the table."""
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    print(f"| {' | '.join(_COLUMNS)} |\n| ---: | --- | --- | ---: | ---: | ---: | ---: | ---: |")
    with postgres() as server, database(server) as url:
        asked(server, "alter system set log_statement = 'all'")
        asked(server, "select pg_reload_conf()")
        log = Path(dict(parse_qsl(urlsplit(url).query))["host"]) / "log"
        for engine, target in (("DuckDB", ""), ("PostgreSQL", url)):
            with tempfile.TemporaryDirectory() as folder:
                measure(engine, target, orders, Path(folder), log)


def measure(engine: str, url: str, orders: int, folder: Path, log: Path) -> None:
    """Print a row for each sync of one engine."""
    os.environ["DLT_DATA_DIR"] = str(folder / "dlt")
    clock = ManualClock(START)
    config = SandboxConfig(world=World(orders=orders, after_start=False), limits=Limits.off())
    sandbox = Sandbox(config, clock=clock)
    clock.sleep(3 * 3_600)  # what was being delivered at the start has settled
    kinds = ["first load", "nothing changed", "50 new, 200 moved"]
    with sandbox.serve() as api:
        for kind in [*kinds, "nothing changed, new machine"] if url else kinds:
            if kind.startswith("50"):
                for _ in range(STEPS):
                    clock.sleep(3_600 / STEPS)
                    sandbox.changes.churn(50 // STEPS, 200 // STEPS)
            if kind.endswith("machine"):
                shutil.rmtree(folder)
                folder.mkdir()
            sandbox.requests.clear()
            before = log.stat().st_size
            cpu, seconds, peak = in_process(api.base_url, url, folder, clock.now())
            sent = statements(log, before) if url else Counter()
            shown = f"{sent.total():,}" if url else "none"
            print(
                f"| {orders:,} | {engine} | {kind} | {sandbox.requests.count:,} | {shown} | "
                f"{cpu:.1f} | {seconds:.1f} | {peak:,} |",
                flush=True,
            )
            if url and kind == "nothing changed":
                told = ", ".join(f"{number} {word}" for word, number in sent.most_common())
    if url:
        print(f"\nThe sync of nothing sent: {told}.")


def statements(log: Path, start: int) -> Counter[str]:
    """Count the statements in a part of the server's log, by their first word."""
    with log.open(encoding="utf-8") as file:
        file.seek(start)
        told = [line.partition("statement:")[2].split() for line in file if " statement:" in line]
    return Counter(words[0].lower().rstrip(";") for words in told if words)


def in_process(api: str, url: str, folder: Path, now: float) -> tuple[float, float, int]:
    """Sync in a process of its own; return CPU seconds, seconds and peak memory in MB."""
    began = time.perf_counter()
    command = [sys.executable, __file__, "--sync", api, url, str(folder), str(now)]
    process = subprocess.Popen(command)
    _, status, used = os.wait4(process.pid, 0)
    cpu = used.ru_utime + used.ru_stime
    code = os.waitstatus_to_exitcode(status)
    assert code == 0, code  # noqa: S101 - a benchmark that lies is none
    return cpu, time.perf_counter() - began, used.ru_maxrss // 1024


def sync_once(api: str, url: str, folder: Path, now: float) -> None:
    """Run one sync."""
    from pipelines.settings import Settings
    from pipelines.sync import sync

    plenty = (Limit("minute", 60, 10**9), Limit("day", 86_400, 10**9))
    settings = Settings(
        api_key=DEFAULT_KEY,
        partner_id=DEFAULT_PARTNER,
        base_url=api,
        contract=replace(V1_0, limits=plenty),
        warehouse_path=folder / "local.duckdb",
        postgres_url=url or None,
    )
    result = sync(settings, clock=ManualClock(now))
    for part in (result.resources["orders"], result.resources["webhook_logs"]):
        assert part.outcome == "complete", part.reason  # noqa: S101 - the same


if __name__ == "__main__":
    if sys.argv[1:2] == ["--sync"]:
        sync_once(sys.argv[2], sys.argv[3], Path(sys.argv[4]), float(sys.argv[5]))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
