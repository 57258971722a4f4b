"""The models in ``sql/`` as they are shipped, and what importing their builder costs."""

from __future__ import annotations

from pathlib import Path

from warehouse_support import run_python

from pipelines.warehouse import ModelSettings, build, connect, load_project, run_checks


def test_the_shipped_models_build_on_an_empty_warehouse(path: Path) -> None:
    """The first run of a partner without orders must not fail."""
    project = load_project()
    with connect(path) as connection:
        results = build(connection, project, ModelSettings())
        assert [result.name for result in results] == [model.qualified for model in project.models]
        run_checks(connection, project)


def test_every_column_says_what_it_means_in_the_database(path: Path) -> None:
    """Analysts read the comments in their own tools: none may be missing, raw tables included."""
    with connect(path) as connection:
        build(connection, load_project(), ModelSettings())
        silent = connection.execute(
            "select schema_name, table_name, column_name from duckdb_columns() "
            "where not internal and coalesce(comment, '') = '' "
            "union all select schema_name, table_name, '' from duckdb_tables() "
            "where not internal and coalesce(comment, '') = ''"
        ).fetchall()
    assert silent == []


def test_importing_it_is_cheap() -> None:
    """`printora --help` must not wait for a database, a parser or dlt."""
    code = """
import sys
import pipelines.warehouse
heavy = {"dlt", "dagster", "duckdb", "sqlglot", "pyarrow", "yaml"}
print(sorted(heavy & set(sys.modules)))
"""
    assert run_python(code) == "[]\n"


def test_building_needs_neither_dlt_nor_dagster(path: Path) -> None:
    """`printora build` rebuilds in a second; importing dlt alone takes as long."""
    code = """
import sys
from pathlib import Path
from pipelines.warehouse import ModelSettings, build, connect, load_project
with connect(Path(sys.argv[1])) as connection:
    build(connection, load_project(), ModelSettings())
print(sorted({"dlt", "dagster"} & set(sys.modules)))
"""
    assert run_python(code, path) == "[]\n"
