"""A first load that takes days of quota: what it takes, beside what its pages alone would.

    python bench/quota.py                          80,000 orders, 1,000 requests a day
    python bench/quota.py --orders 800000 --a-day 10000

The engine syncs once a day until it is complete, a fifth of the limits left to the shop, while the
partner's world goes on. Time is handed in, so that a day passes in the time of its requests.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from dataclasses import replace
from pathlib import Path

from pipelines.client.governor import Limit
from pipelines.client.wire import V1_0
from pipelines.clock import ManualClock
from pipelines.sandbox import (
    DEFAULT_KEY,
    DEFAULT_PARTNER,
    Limits,
    Sandbox,
    SandboxConfig,
    WorldOptions,
)
from pipelines.settings import Settings
from pipelines.sync import sync

START = 1_780_315_200.0
DAY = 86_400.0


def main() -> None:
    """Load, and print a row for each day."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--orders", type=int, default=80_000)
    parser.add_argument("--a-day", type=int, default=1_000)
    options = parser.parse_args()
    os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")
    with tempfile.TemporaryDirectory() as folder:
        load(options.orders, options.a_day, Path(folder))


def load(orders: int, a_day: int, folder: Path) -> None:
    """Sync once a day until everything is proven."""
    os.environ["DLT_DATA_DIR"] = str(folder / "dlt")
    clock = ManualClock(START)
    sandbox = Sandbox(
        SandboxConfig(world=WorldOptions(orders=orders), limits=Limits(per_long=a_day)),
        clock=clock,
    )
    minute, day = V1_0.limits
    contract = replace(V1_0, limits=(minute, Limit(day.name, day.seconds, a_day)))
    print("| day | requests | orders | webhook logs |")
    print("| ---: | ---: | --- | --- |")
    with sandbox.serve() as server:
        settings = Settings(
            api_key=DEFAULT_KEY,
            partner_id=DEFAULT_PARTNER,
            base_url=server.base_url,
            contract=contract,
            warehouse_path=folder / "printora.duckdb",
        )
        outcome = ""
        while outcome != "complete":
            number = round((clock.now() - START) / DAY) + 1
            result = sync(settings, clock=clock)
            outcome = result.outcome
            parts = (result.resources["orders"], result.resources["webhook_logs"])
            told = " | ".join(f"{part.rows_stored:,}, {part.outcome}" for part in parts)
            print(f"| {number} | {result.requests:,} | {told} |", flush=True)
            clock.sleep(DAY + 60 - (clock.now() - START) % DAY)
    rows = sum(len(sandbox.truth.table(name)) for name in ("orders", "webhook_logs"))
    requests, refused = sandbox.requests.count, sandbox.requests.by_status[429]
    print(
        f"\n{requests:,} requests for {rows:,} rows: {requests * 100 / rows - 1:.1%} more than "
        f"a request for each hundred. 429: {refused}."
    )


if __name__ == "__main__":
    main()
