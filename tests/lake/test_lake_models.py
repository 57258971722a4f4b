"""The models on Spark Connect over Delta tables: what DuckDB says, row by row.

At SPARK_REMOTE, or on Sail in this process.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import constructs
import duckdb
import pytest
from truth_world import Scenario, loaded

from pipelines.errors import ModelError
from pipelines.warehouse import build, load_project, run_checks
from pipelines.warehouse.compare import compare, differing, plain
from pipelines.warehouse.lake import Lake, fill_raw, open_lake
from pipelines.warehouse.lake_build import prepared
from pipelines.warehouse.lake_reader import lake_reader
from pipelines.warehouse.session_fields import with_fields
from pipelines.warehouse.spark import rows, spark_session

pytestmark = pytest.mark.long
PROJECT = load_project()
#: With reports in a zone west of UTC and in one east of it.
WORLDS = [
    Scenario("west", zone="America/New_York", order_times=False, lost=0.15, late=0.1, looks=4),
    Scenario("east", zone="Europe/Berlin", log_times="created", ledger_coverage=0.8, troubled=True),
]
#: Where Spark says something else, and no model uses it so that it shows: a float is cut and not
#: rounded to a whole number, and floor() gives a whole number. Sail 0.7 knows no recursion.
KNOWN = ("cast(a as bigint)", "floor(a)", "recursive")

DAYS = "select * from analytics.dim_dates order by 1"


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    """A session."""
    with spark_session() as session:
        yield session


def test_each_construct_says_the_same_on_spark(spark: Any) -> None:
    """Broken: a mart has other figures on another engine, and nothing failed."""
    here = duckdb.connect()
    here.execute("set TimeZone = 'UTC'")
    for construct in constructs.read():
        if any(known in construct.sql for known in KNOWN):
            continue
        one = sorted(map(plain, here.execute(construct.sql).fetchall()), key=repr)
        other = sorted(map(plain, rows(spark, construct.sql)), key=repr)
        assert len(one) == len(other), construct.sql
        assert not any(map(differing, one, other)), (construct.sql, one, other)


@pytest.mark.parametrize("scenario", WORLDS, ids=lambda scenario: scenario.name)
def test_every_model_and_check_says_what_duckdb_says(
    scenario: Scenario, spark: Any, tmp_path: Path
) -> None:
    """Broken: moving to a lake changes figures, perhaps in one week a year only."""
    here, world = loaded(scenario, orders=120)
    settings = replace(world.settings, session_fields="campaign")
    lake = open_lake(f"file://{tmp_path}")
    fill_raw(lake, here)
    build(here, PROJECT, settings)
    with prepared(lake, spark, PROJECT, settings) as new:
        models = with_fields(PROJECT, settings).models
        found = list(
            compare(lambda q: here.execute(q).fetchall(), lambda q: rows(spark, q), models)
        )
    assert {part.model: part.example for part in found if part.differing} == {}
    assert sum(part.rows for part in found) > 2_000
    ours = [(result.check.name, result.failures) for result in run_checks(here, PROJECT)]
    assert [(result.check.name, result.failures) for result in new.checks] == ours


def test_a_build_that_fails_or_is_held_back_changes_nothing(spark: Any, tmp_path: Path) -> None:
    """Broken: readers are left with marts of two builds, or with none, or others' data is gone."""
    here, world = loaded(WORLDS[0], orders=10)
    lake = open_lake(f"file://{tmp_path}")
    fill_raw(lake, here)
    few = PROJECT.select(["+dim_dates"])
    project = replace(PROJECT, models=few, checks=())
    both = replace(project, models=PROJECT.select(["+dim_dates +order_amounts +metric_alerts"]))
    with prepared(lake, spark, both, world.settings) as new:
        assert new.is_first
    with lake_reader(lake, both) as reader:
        days = reader.execute(DAYS).fetchall()
        with prepared(lake, spark, project, world.settings) as new:
            assert not new.is_first
        assert reader.execute(DAYS).fetchall() == days, "who reads goes on"
    marts = {model.qualified for model in few if model.schema == "analytics"}
    assert set(lake.names("analytics")) == marts < {model.qualified for model in both.models}
    with prepared(lake, spark, project, world.settings) as new:
        new.keeps_old = True
    before = lake.versions("analytics")
    with prepared(lake, spark, project, world.settings) as new:
        assert not new.is_first
        new.keeps_old = True
    wrong = replace(few[-1], sql="select 1 / 0 as x from nowhere")
    broken = replace(project, models=(*few[:-1], wrong))
    with (
        pytest.raises(ModelError, match=few[-1].place),
        prepared(lake, spark, broken, world.settings),
    ):
        pass
    assert lake.versions("analytics") == before
    assert not (tmp_path / "_printora_build").exists()
    lake.replace("analytics.dim_dates", here.sql("select 1 as theirs").to_arrow_table(), "Theirs.")
    with (
        pytest.raises(ModelError, match="which was not built from sql/"),
        prepared(lake, spark, project, world.settings),
    ):
        pass
    assert _columns(lake) == ["theirs"]


def _columns(lake: Lake) -> list[str]:
    return [field.name for field in lake.table("analytics.dim_dates").schema().fields]
