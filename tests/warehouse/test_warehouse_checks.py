"""Checks: what they find, and how much of it they show."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from warehouse_support import write_check, write_model

from pipelines.errors import ModelError
from pipelines.warehouse import ModelSettings, build, connect, load_project, run_checks

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def _built(connection: DuckDBPyConnection, root: Path) -> None:
    select = (
        "select range as n, timestamptz '2024-05-01 12:00:00+02' as at, 1.50 as money from range(8)"
    )
    write_model(root, "analytics/a", select, ["n", "at", "money"])
    build(connection, load_project(root, layers=()), ModelSettings())


def test_a_check_counts_all_offenders_and_shows_a_few(
    connection: DuckDBPyConnection, root: Path
) -> None:
    """A page that shows a million rows is as useless as one that shows none."""
    _built(connection, root)
    write_check(
        root, "found", "select * from analytics.a where n > 0 -- all but one", ["analytics.a"]
    )
    write_check(root, "none", "select * from analytics.a where n > 99;", ["analytics.a"])
    found, none = run_checks(connection, load_project(root, layers=()))
    assert (found.passed, found.failures, len(found.sample)) == (False, 7, 5)
    assert found.sample[0] == {"n": "1", "at": "2024-05-01 10:00:00+00", "money": "1.50"}
    assert (none.passed, none.failures, none.sample) == (True, 0, ())


def test_checks_need_no_right_to_write(root: Path, path: Path) -> None:
    """Checks that lock out readers would stop every dashboard while they run."""
    with connect(path) as connection:
        _built(connection, root)
    write_check(root, "found", "from analytics.a", ["analytics.a"])
    with connect(path, read_only=True) as reader, connect(path, read_only=True) as other:
        assert other.execute("select 1").fetchall() == [(1,)]
        assert [
            result.failures for result in run_checks(reader, load_project(root, layers=()))
        ] == [8]


def test_a_selection_runs_only_that(connection: DuckDBPyConnection, root: Path) -> None:
    """A check that is asked for by a wrong name must not pass by not being run."""
    _built(connection, root)
    for name in ("a", "b"):
        write_check(root, name, "from analytics.a", ["analytics.a"])
    project = load_project(root, layers=())
    assert [result.check.name for result in run_checks(connection, project, ["b"])] == ["b"]
    with pytest.raises(ModelError, match="no check nope"):
        run_checks(connection, project, ["nope"])


def test_an_error_in_a_check_names_its_file_and_line(
    connection: DuckDBPyConnection, root: Path
) -> None:
    """A check that cannot run is not one that passed."""
    _built(connection, root)
    path = write_check(root, "bad", "select *\nfrom analytics.a\nwhere missing", ["analytics.a"])
    line = 1 + path.read_text().splitlines().index("where missing")
    with pytest.raises(ModelError, match=rf"^sql/checks/bad\.sql:{line}: "):
        run_checks(connection, load_project(root, layers=()))
