"""What it costs to make rows of records: one by one, and by column.

    PYTHONPATH=. python bench/parse.py            5,000 orders with their logs and sessions
    PYTHONPATH=. python bench/parse.py 500        fewer, to try it

The records are the sandbox's, read once over HTTP. CPU microseconds a row, Arrow included; the
best of three runs, each with a parser that has seen nothing yet.
"""

from __future__ import annotations

import argparse
import gc
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa

from pipelines import lists
from pipelines.client.wire import decode, unwrap_list
from pipelines.clock import ManualClock
from pipelines.sandbox import (
    DEFAULT_KEY,
    DEFAULT_PARTNER,
    Limits,
    Sandbox,
    SandboxConfig,
    WorldOptions,
)
from pipelines.source.columns import ColumnParser
from pipelines.source.parse import SHAPES, Parsed, Parser
from pipelines.source.privacy import Privacy
from pipelines.source.pseudonyms import Keys

SEEN_AT = datetime(2026, 6, 1, tzinfo=UTC)
LISTS = {
    "orders": f"/api/v1/partners/{DEFAULT_PARTNER}/orders",
    "webhook_logs": "/api/v1/webhooks/logs",
}
#: Rows that are worth a batch, and no burden to the memory.
BATCH_ROWS = 10_000
PRIVACY = Privacy("pseudonymous", Keys.new())

SPECS = {spec.name: spec for spec in lists.LISTS}


def read_all(orders: int) -> dict[str, list[Any]]:
    """Read the lists and the ledger of a sandbox."""
    world = WorldOptions(orders=orders, after_start=False)
    sandbox = Sandbox(SandboxConfig(world=world, limits=Limits.off()), clock=ManualClock(SEEN_AT))
    with sandbox.serve() as server, httpx.Client(base_url=server.base_url) as http:
        http.headers["Authorization"] = f"Bearer {DEFAULT_KEY}"
        records = {name: list(pages(http, name, path)) for name, path in LISTS.items()}
    with tempfile.TemporaryDirectory() as folder:
        ledger = Path(folder) / "ledger.jsonl"
        sandbox.ledger.write(ledger)
        records["sessions"] = [decode(line) for line in ledger.read_bytes().splitlines()]
    return records


def pages(http: httpx.Client, name: str, path: str) -> Iterator[Any]:
    """Yield a list's records, page by page."""
    offset = 0
    while True:
        answer = http.get(path, params={"limit": 100, "offset": offset})
        rows = unwrap_list(decode(answer.content), SPECS[name]).rows
        if not rows:
            return
        yield from rows
        offset += len(rows)


def one_by_one(name: str, records: list[Any]) -> pa.Table:
    """Make the rows by the careful path alone."""
    parser = Parser(name, PRIVACY)
    found = [parser.parse(record, seen_at=SEEN_AT, place="bench") for record in records]
    rows = [row for row in found if isinstance(row, Parsed)]
    return pa.Table.from_pylist(rows, schema=SHAPES[name].table.arrow)


def by_column(name: str, records: list[Any]) -> pa.Table:
    """Make the same rows by column."""
    parser, tables = ColumnParser(Parser(name, PRIVACY)), []
    for start in range(0, len(records), BATCH_ROWS):
        part = records[start : start + BATCH_ROWS]
        tables.append(parser.parse_columns(part, [SEEN_AT] * len(part), str).table)
    return pa.concat_tables(tables)


def cost(way: Callable[[], pa.Table], rows: int) -> tuple[float, pa.Table]:
    """Return the least CPU microseconds a row, and what was made."""
    seconds = []
    for _ in range(3):
        began = time.process_time()
        table = way()
        seconds.append(time.process_time() - began)
    return min(seconds) / rows * 1e6, table


def main() -> None:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("orders", nargs="?", type=int, default=5_000)
    records = read_all(parser.parse_args().orders)
    gc.freeze()  # what the benchmark holds is no work of either way
    print("| list | rows | one by one | by column | ratio | equal |\n| - | -: | -: | -: | -: | - |")
    for name, part in records.items():
        slow, expected = cost(partial(one_by_one, name, part), len(part))
        fast, found = cost(partial(by_column, name, part), len(part))
        equal = "yes" if found.equals(expected) else "NO"
        print(f"| {name} | {len(part):,} | {slow:.1f} | {fast:.1f} | {slow / fast:.1f} | {equal} |")


if __name__ == "__main__":
    main()
