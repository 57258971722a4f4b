"""Data flows one way: staging, then intermediate, then marts."""

from __future__ import annotations

from pathlib import Path

from model_support import project

from pipelines.warehouse.project import LAYERS, Project
from pipelines.warehouse.sql_files import load_project

HEADER = """/*
description: One number.
grain: one row
columns:
  n: The number.
*/
"""


def against_the_flow(project: Project) -> list[str]:
    """Return each model that reads one of a later layer than its own."""
    layer = {model.qualified: LAYERS.index(model.schema) for model in project.models}
    return [
        f"{model.qualified} reads {name}"
        for model in project.models
        for name in model.depends_on
        if layer.get(name, 0) > layer[model.qualified]
    ]


def test_no_model_reads_from_a_later_layer() -> None:
    """In the asset graph marts would stand left of what is made from them."""
    assert against_the_flow(project()) == []


def test_a_model_that_does_is_found(tmp_path: Path) -> None:
    """The rule above must not pass because it looks at the wrong names."""
    for place, sql in {
        "staging/stg_n": "select 1 as n",
        "analytics/fct_n": "select n from staging.stg_n",
        "intermediate/int_n": "select n from analytics.fct_n",
        "analytics/n_daily": "select n from intermediate.int_n union select n from analytics.fct_n",
    }.items():
        file = tmp_path / "sql" / f"{place}.sql"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(HEADER + sql)
    found = against_the_flow(load_project(tmp_path / "sql", layers=()))
    assert found == ["intermediate.int_n reads analytics.fct_n"]
