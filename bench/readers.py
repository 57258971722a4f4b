"""What readers cost: the snapshot, Parquet, the same models on PostgreSQL, and on Sail over a lake.

    PYTHONPATH=.:tests/readers python bench/readers.py [orders]

Fills the raw tables by `synthetic_world.sql`, and prints a table in Markdown. The server is one of
its own, with PostgreSQL's usual settings otherwise. Seconds are the clock's, on a machine that may
have other work: compare them with each other.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from postgres_support import postgres

from pipelines.warehouse import ModelSettings, build, connect, load_project, publish
from pipelines.warehouse import postgres as there
from pipelines.warehouse.compare import compare
from pipelines.warehouse.copying import copy_raw
from pipelines.warehouse.lake import fill_raw, open_lake
from pipelines.warehouse.lake_build import build as build_in_a_lake
from pipelines.warehouse.lake_reader import lake_reader
from pipelines.warehouse.parquet import export
from pipelines.warehouse.postgres_build import build as build_there
from pipelines.warehouse.raw import ensure_raw_tables
from pipelines.warehouse.spark import spark_session

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from pipelines.warehouse import Project

WORLD = Path(__file__).with_name("synthetic_world.sql")


def main(orders: int) -> None:
    """Measure each step once."""
    project, settings = load_project(), ModelSettings()
    with (
        tempfile.TemporaryDirectory() as name,
        postgres() as url,
        connect(Path(name) / "bench.duckdb") as db,
    ):
        folder = Path(name)
        ensure_raw_tables(db)
        for statement in WORLD.read_text().replace("$orders", str(orders)).split("\n;\n"):
            db.execute(statement)
        database = there.connect(url)
        print(f"| {orders:,} orders | seconds | MB |\n| --- | ---: | ---: |")
        timed("build on DuckDB", lambda: build(db, project, settings))
        done = timed("snapshot", lambda: publish(db, project, folder / "out.duckdb"))
        print(f"| its file | | {done.bytes / 1e6:.0f} |")
        done = timed("Parquet", lambda: export(db, project, folder / "lake"))
        print(f"| its files | | {done.bytes / 1e6:.0f} |")
        print(f"| the warehouse | | {(folder / 'bench.duckdb').stat().st_size / 1e6:.0f} |")
        timed("copy raw rows to PostgreSQL", lambda: copy_raw(db, database))
        timed("build on PostgreSQL", lambda: build_there(database, project, settings))
        (row,) = there.rows(database, "select pg_database_size(current_database())")
        print(f"| the database | | {row[0] / 1e6:.0f} |")
        marts = [model for model in project.models if model.schema == "analytics"]
        found = timed(
            "compare the marts",
            lambda: list(
                compare(
                    lambda query: db.execute(query).fetchall(),
                    lambda query: there.rows(database, query),
                    marts,
                )
            ),
        )
        print(f"| marts that differ | {sum(part.differing > 0 for part in found)} | |")
        in_a_lake(folder, db, project, settings)


def in_a_lake(
    folder: Path, db: DuckDBPyConnection, project: Project, settings: ModelSettings
) -> None:
    """Measure the same on Sail over Delta tables."""
    lake = open_lake(f"file://{folder}/delta")
    timed("copy raw rows to Delta tables", lambda: fill_raw(lake, db))
    with spark_session() as spark:
        timed("build on Sail", lambda: build_in_a_lake(lake, spark, project, settings))
    files = [path for path in (folder / "delta").rglob("*") if path.is_file()]
    print(f"| the lake | | {sum(path.stat().st_size for path in files) / 1e6:.0f} |")
    marts = [model for model in project.models if model.schema == "analytics"]
    with lake_reader(lake, project) as reader:
        found = list(
            compare(
                lambda query: db.execute(query).fetchall(),
                lambda query: reader.execute(query).fetchall(),
                marts,
            )
        )
    print(f"| marts of the lake that differ | {sum(part.differing > 0 for part in found)} | |")


def timed(what: str, step: Callable[[], Any]) -> Any:
    """Run the step, and print its line."""
    started = time.perf_counter()
    done = step()
    print(f"| {what} | {time.perf_counter() - started:.1f} | |", flush=True)
    return done


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
