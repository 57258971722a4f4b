"""The models on a distributed engine over Delta tables, held against DuckDB's row by row.

    .venv/bin/uv pip install --python .venv/bin/python -r pyproject.toml --extra spark
    PYTHONPATH=.:tests/models:tests/readers .venv/bin/python bench/spark.py

Through Spark Connect at SPARK_REMOTE, Spark's own setting; without it, Sail is started in this
process, a Spark-compatible engine without a JVM. Two worlds, with reports in a zone west of UTC and
one east of it. Prints what differs; ends with code 1 where anything does.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import constructs
import duckdb
from truth_world import History, Scenario, insert

from pipelines.source.schema import TABLES
from pipelines.warehouse import ModelSettings, build, load_project, run_checks
from pipelines.warehouse.compare import compare, differing, plain
from pipelines.warehouse.dialect import compiled
from pipelines.warehouse.project import BUILD_SETTINGS, LAYERS, RAW_SCHEMA
from pipelines.warehouse.raw import ensure_raw_tables

WORLDS = (
    Scenario("west", zone="America/New_York", order_times=False, lost=0.15, late=0.1, looks=4),
    Scenario("east", zone="Europe/Berlin", log_times="created", ledger_coverage=0.8, troubled=True),
)
#: Where Spark says something else, and no model uses it so that it shows: a float is cut and not
#: rounded to a whole number, floor() gives a whole number, and JSON is text.
KNOWN = ("cast(a as bigint)", "floor(a)", "recursive", "json_extract_string")
_server: Any = None


def main() -> int:
    """Compare constructs, models and checks; return the exit code."""
    os.environ["TZ"] = "UTC"  # the client shows times in its own zone
    time.tzset()
    spark = session()
    here = duckdb.connect()
    here.execute("set TimeZone = 'UTC'")
    wrong = [f"{part.sql}" for part in constructs.read() if not same(here, spark, part.sql)]
    wrong = [text for text in wrong if not any(known in text for known in KNOWN)]
    print(f"constructs that differ: {len(wrong)}")
    for scenario in WORLDS:
        with tempfile.TemporaryDirectory() as folder:
            wrong += one_world(spark, scenario, Path(folder))
    print("\n".join(wrong))
    return 1 if wrong else 0


def session() -> Any:
    """Open Spark Connect, in UTC."""
    from pyspark.sql import SparkSession

    global _server  # it ends with its last reference, and the client would wait for ever
    remote = os.environ.get("SPARK_REMOTE")
    if not remote or remote == "local":
        from pysail.spark import SparkConnectServer

        _server = SparkConnectServer(ip="127.0.0.1")
        _server.start(background=True)
        remote = f"sc://127.0.0.1:{_server.listening_address[1]}"
    spark = SparkSession.builder.remote(remote).getOrCreate()
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    spark.conf.set("spark.sql.ansi.enabled", "true")
    return spark


def same(here: duckdb.DuckDBPyConnection, spark: Any, sql: str) -> bool:
    """Whether a construct says the same on both."""
    try:
        other = sorted(map(plain, rows(spark, compiled(sql, "spark"))), key=repr)
    except Exception:  # whatever it is, the engine does not say the same
        return False
    one = sorted(map(plain, here.execute(sql).fetchall()), key=repr)
    return len(one) == len(other) and not any(map(differing, one, other))


def rows(spark: Any, sql: str) -> Iterator[tuple[Any, ...]]:
    """Return the rows of a query."""
    table = spark.sql(sql).toArrow()
    return zip(*(column.to_pylist() for column in table.columns), strict=True)


def one_world(spark: Any, scenario: Scenario, folder: Path) -> list[str]:
    """Build a world on both engines, and return what differs."""
    world, project = History.of(scenario, orders=120), load_project()
    here = duckdb.connect()
    here.execute("set TimeZone = 'UTC'")
    ensure_raw_tables(here)
    insert(here, world.raw())
    build(here, project, world.settings)
    write_raw(here, spark, folder, world.settings)
    started, wrong = time.perf_counter(), []
    for model in project.models:
        location = folder / model.schema / model.name
        select = compiled(model.sql, "spark", model.place)
        try:
            spark.sql(
                f"create table {model.qualified} using delta location '{location}' as {select}"
            ).collect()
        except Exception as error:
            wrong.append(f"{model.qualified}: {' '.join(str(error).split())[:300]}")
    print(f"{scenario.name}: built in {time.perf_counter() - started:.1f} s")
    found = compare(
        lambda query: here.execute(query).fetchall(),
        lambda query: rows(spark, query.replace('"', "`")),
        [model for model in project.models if not any(model.qualified in text for text in wrong)],
    )
    parts = list(found)
    wrong += [
        f"{part.model}: {part.differing} rows: {part.example}" for part in parts if part.differing
    ]
    equal = sum(not part.differing for part in parts)
    print(f"{scenario.name}: {equal} of {len(project.models)} models equal")
    for result in run_checks(here, project):
        try:
            select = compiled(result.check.sql, "spark", result.check.place)
            count = sum(1 for _ in rows(spark, select))
        except Exception as error:
            wrong.append(f"check {result.check.name}: {' '.join(str(error).split())[:300]}")
            continue
        expected = len(here.execute(result.check.sql).fetchall())
        if count != expected:
            wrong.append(f"check {result.check.name}: {expected} rows and {count}")
    return wrong


def write_raw(
    here: duckdb.DuckDBPyConnection, spark: Any, folder: Path, settings: ModelSettings
) -> None:
    """Write the raw tables and the settings as Delta tables, and let the engine know them."""
    from deltalake import write_deltalake

    for schema in (RAW_SCHEMA, *LAYERS):
        spark.sql(f"drop database if exists {schema} cascade").collect()
        spark.sql(f"create database {schema}").collect()
    for name in [*(f"{RAW_SCHEMA}.{table.name}" for table in TABLES), BUILD_SETTINGS]:
        location = folder / name
        write_deltalake(str(location), here.sql(f"from {name}").to_arrow_table())
        spark.sql(f"create table {name} using delta location '{location}'").collect()


if __name__ == "__main__":
    sys.exit(main())
