"""Run every model and check on Spark itself, a JVM, and hold them against DuckDB's.

    export PYTHONPATH=.:tests/models:tests/readers:tests/lake
    SPARK_REMOTE=sc://127.0.0.1:15002 .venv/bin/python bench/spark.py

The server must see this machine's files. Tables are Parquet files, as Spark itself reads them: a
lake's are Delta, for which a Spark cluster needs a package that Spark does not ship.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
from test_lake_models import WORLDS
from truth_world import Scenario, loaded

from pipelines.source.schema import TABLES
from pipelines.warehouse import build, load_project, run_checks
from pipelines.warehouse.compare import compare
from pipelines.warehouse.dialect import compiled, view_name
from pipelines.warehouse.lake import fill_raw, open_lake
from pipelines.warehouse.lake_build import run_check, settings_row
from pipelines.warehouse.project import BUILD_SETTINGS, RAW_SCHEMA, Project
from pipelines.warehouse.session_fields import with_fields
from pipelines.warehouse.spark import Spark, explained, rows, spark_session


def main() -> int:
    """Print what each world's models say; return 1 where any differs."""
    differ = 0
    with spark_session() as spark:
        print(f"Spark {spark.version}", flush=True)
        for scenario in WORLDS:
            differ += _world(spark, scenario)
    return 1 if differ else 0


def _world(spark: Spark, scenario: Scenario) -> int:
    here, world = loaded(scenario, orders=120)
    settings = replace(world.settings, session_fields="campaign")
    project = with_fields(load_project(), settings)
    build(here, load_project(), settings)
    with tempfile.TemporaryDirectory() as folder:
        lake = open_lake(f"file://{folder}/lake")
        fill_raw(lake, here)
        lake.replace(BUILD_SETTINGS, settings_row(settings))
        for name in (*(f"{RAW_SCHEMA}.{table.name}" for table in TABLES), BUILD_SETTINGS):
            place = f"{folder}/{name}.parquet"
            pq.write_table(lake.table(name).to_pyarrow_table(), place)
            spark.read.parquet(place).createOrReplaceTempView(view_name(name))
        _build(spark, project, Path(folder))
        found = list(
            compare(lambda q: here.execute(q).fetchall(), lambda q: rows(spark, q), project.models)
        )
        theirs = {check.name: run_check(spark, check).failures for check in project.checks}
    ours = {result.check.name: result.failures for result in run_checks(here, project)}
    wrong = [part for part in found if part.differing]
    for part in wrong:
        print(f"  {part.model}: {part.differing} of {part.rows} rows differ. {part.example}")
    others = {name: (ours[name], theirs[name]) for name in ours if ours[name] != theirs[name]}
    print(
        f"{scenario.name}: {len(found) - len(wrong)} of {len(found)} models equal, "
        f"{sum(part.rows for part in found):,} rows; "
        f"{len(ours) - len(others)} of {len(ours)} checks equal {others or ''}",
        flush=True,
    )
    return len(wrong) + len(others)


def _build(spark: Spark, project: Project, folder: Path) -> None:
    for model in project.models:
        with explained(model.place, hint="Nothing was built."):
            place = str(folder / model.qualified)
            spark.sql(compiled(model.sql, "spark", model.place)).write.parquet(place)
            spark.read.parquet(place).createOrReplaceTempView(view_name(model.qualified))


if __name__ == "__main__":
    sys.exit(main())
