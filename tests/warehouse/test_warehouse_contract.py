"""What headers promise: a build that breaks it is undone, and says which rows, and what to do."""

# ruff: noqa: S608 - our own names

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from warehouse_support import write_check, write_model

from pipelines.errors import ModelError
from pipelines.warehouse import ModelSettings, build, load_project, run_checks

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_ROWS = "select unnest(['a', 'b', 'c']) as k, unnest(['x', 'x', 'y']) as v"
_KEPT: dict[str, Any] = {"key": ["k"], "not_null": ["k", "v"], "accepted": {"v": ["x", "y"]}}


def _build(connection: DuckDBPyConnection, root: Path) -> int:
    results = build(connection, load_project(root, layers=()), ModelSettings())
    return sum(len(result.checks) for result in results)


def test_a_promise_that_is_kept_is_checked(connection: DuckDBPyConnection, root: Path) -> None:
    """A check that cries wolf would stop every build."""
    write_model(root, "analytics/keys", "select 'a' as k union all select 'b'", ["k"], key=["k"])
    rows = f"select * from ({_ROWS}) where k <> 'c'"
    write_model(root, "analytics/m", rows, ["k", "v"], **_KEPT, references={"k": "analytics.keys"})
    assert _build(connection, root) == 2 + 4


@pytest.mark.parametrize(
    ("row", "rows", "told"),
    [
        ("'a', 'x'", 2, "k a, offenders 2"),
        ("null, 'x'", 1, "column k, value None, offenders 1"),
        ("'d', null", 1, "column v, value None, offenders 1"),
        ("'d', 'z'", 1, "column v, value z, offenders 1"),
    ],
)
def test_a_build_that_breaks_a_promise_is_undone(
    connection: DuckDBPyConnection, root: Path, row: str, rows: int, told: str
) -> None:
    """Marts on a doubled key are wrong in every figure: readers must keep the last sound ones."""
    write_model(root, "staging/s", _ROWS, ["k", "v"], **_KEPT)
    write_model(root, "analytics/m", "select count(*) as n from staging.s", ["n"])
    _build(connection, root)
    write_model(root, "staging/s", f"{_ROWS} union all select {row}", ["k", "v"], **_KEPT)
    with pytest.raises(
        ModelError, match=rf"^sql/staging/s\.sql: .* {rows} rows?, as: .*{told}"
    ) as e:
        _build(connection, root)
    assert e.value.hint.endswith("Every table is as it was before this build.")
    assert connection.execute("select n from analytics.m").fetchall() == [(3,)]


def test_a_reference_to_nothing_is_found(connection: DuckDBPyConnection, root: Path) -> None:
    """An inner join with the other table would lose the row; a null refers to nothing."""
    write_model(root, "analytics/keys", "select 'a' as k", ["k"])
    select = f"from ({_ROWS}) union all select null, 'x'"
    write_model(root, "analytics/m", select, ["k", "v"], references={"k": "analytics.keys"})
    with pytest.raises(ModelError, match=r"2 rows, as: column k, value [bc], offenders 1"):
        _build(connection, root)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"not_null": ["nope"]}, "nope is in its key or its contract, but not in its columns"),
        ({"accepted": {"nope": ["x"]}}, "nope is in its key or its contract"),
        ({"accepted": {"v": [1]}}, "accepted is no mapping of columns to texts"),
        ({"accepted": ["v"]}, "accepted is no mapping of columns to texts"),
        ({"references": {"v": "analytics.nope"}}, "it references analytics.nope"),
    ],
)
def test_a_promise_of_nothing_is_refused(root: Path, fields: dict[str, Any], message: str) -> None:
    """A misspelt column would be promised, and never be looked at."""
    write_model(root, "analytics/m", _ROWS, ["k", "v"], **fields)
    with pytest.raises(ModelError, match=message):
        load_project(root, layers=())


def test_the_number_of_offenders_is_told_and_not_that_of_their_groups(
    connection: DuckDBPyConnection, root: Path
) -> None:
    """A table of checks said 5 rows where 35 events were lost: it counted kinds of events."""
    write_model(root, "analytics/m", _ROWS, ["k", "v"])
    by_value = "select v, count(*) as offenders from analytics.m group by v"
    write_check(root, "grouped", by_value, ["analytics.m"])
    write_check(root, "nothing", f"{by_value} having v = 'z'", ["analytics.m"])
    _build(connection, root)
    found = run_checks(connection, load_project(root, layers=()))
    assert [(result.failures, len(result.sample)) for result in found] == [(3, 2), (0, 0)]
