"""The commands on a lake, and the comparison of its marts with DuckDB's."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import duckdb
from typer.testing import CliRunner

from pipelines.cli.app import app
from pipelines.warehouse import ModelSettings, build, load_project
from pipelines.warehouse.compare import compare
from pipelines.warehouse.lake import Lake, copy_raw
from pipelines.warehouse.lake_reader import lake_reader

ZONE = "America/New_York"


def printora(*arguments: str, code: int = 0) -> Any:
    """Run a command; ``code`` is what it must end with."""
    done = CliRunner().invoke(app, ["--traceback", *arguments])
    assert done.exit_code == code, done.output
    return json.loads(done.stdout) if "--json" in arguments else done.output


def assert_marts_are_duckdbs(lake: Lake) -> None:
    """Compare what readers of the lake find with what DuckDB makes of the same raw rows."""
    project = load_project()
    marts = [model for model in project.models if model.schema == "analytics"]
    with duckdb.connect() as here, lake_reader(lake, project) as there:
        here.execute("set TimeZone = 'UTC'")
        copy_raw(lake, here)
        build(here, project, ModelSettings(report_time_zone=ZONE))
        found = list(compare(lambda q: here.execute(q).fetchall(), _all(there), marts))
    assert {part.model: part.example for part in found if part.differing} == {}
    assert sum(part.rows for part in found) > 1_000


def _all(connection: duckdb.DuckDBPyConnection) -> Callable[[str], list[tuple[Any, ...]]]:
    return lambda query: connection.execute(query).fetchall()
