"""A day of 96 runs on DuckDB and on PostgreSQL, in which much goes wrong; time is handed in.

    PYTHONPATH=.:tests:tests/readers:tests/sync:tests/models:tests/postgres python bench/day.py

takes, behind it, the number of orders, of runs, and one of duckdb and postgres.

The API changes all day and fails now and then; the hour's quota runs out once, two runs are killed,
and once somebody holds the warehouse. It ends with an error if a row is lost, a certificate is not
true, readers have an older snapshot than the last good run's, or requests are above the budget.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from one_day import TROUBLES, day
from postgres_support import database, postgres

ENGINES = ("duckdb", "postgres")


def main(orders: str = "300", runs: str = "96", *engines: str) -> None:
    """Run the days, and print a row for each."""
    print("| engine | runs | failed by faults | true certificates | requests | seconds |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    with postgres() as server, database(server) as url:
        for engine in engines or ENGINES:
            target = url if engine == "postgres" else None
            with (
                tempfile.TemporaryDirectory() as folder,
                day(Path(folder), int(orders), target) as one,
            ):
                began = time.perf_counter()
                one.run(int(runs), TROUBLES)
                seconds = time.perf_counter() - began
                print(
                    f"| {engine} | {runs} | {len(one.failed)} | {one.complete} | "
                    f"{sum(one.requests):,} | {seconds:.0f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main(*sys.argv[1:])
