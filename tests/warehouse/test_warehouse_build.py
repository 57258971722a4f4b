"""A build: what it makes, and that it is all or nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from thorough import THOROUGH
from warehouse_support import write_model

from pipelines.errors import ModelError
from pipelines.source.schema import TABLES
from pipelines.warehouse import (
    ModelResult,
    ModelSettings,
    build,
    connect,
    load_project,
    read_state,
)
from pipelines.warehouse.catalog import columns, relations
from pipelines.warehouse.raw import ensure_raw_tables, read_raw_tables

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def _build(connection: DuckDBPyConnection, root: Path) -> list[ModelResult]:
    return build(connection, load_project(root, layers=()), ModelSettings())


def _rows(connection: DuckDBPyConnection, table: str) -> list[tuple[object, ...]]:
    return connection.execute(f"from {table} order by all").fetchall()


def test_a_model_is_a_table_with_its_meaning(connection: DuckDBPyConnection, root: Path) -> None:
    """Analysts see the comments in their own tools: a build that loses them breaks their docs."""
    write_model(
        root,
        "analytics/fct_a",
        "select 'it''s' as a, 2 as b union all select 'x', 3",
        {"a": "What's its name?", "b": 'A "number".'},
        description="All of it.",
        grain="one row per thing",
    )
    (result,) = _build(connection, root)
    assert (result.name, result.rows) == ("analytics.fct_a", 2)
    assert [(c.name, c.type, c.comment) for c in result.columns] == [
        ("a", "VARCHAR", "What's its name?"),
        ("b", "INTEGER", 'A "number".'),
    ]
    comment = "All of it. One row per thing."
    assert relations(connection)["analytics.fct_a"] == ("table", comment)


def test_a_second_build_follows_the_data(connection: DuckDBPyConnection, root: Path) -> None:
    """Rows that stay from the last build, or appear twice, are wrong numbers."""
    write_model(root, "staging/s", "select order_id from printora_raw.orders", ["order_id"])
    write_model(root, "analytics/n", "select count(*) as n from staging.s", ["n"])
    ensure_raw_tables(connection)
    for expected in (1, 2):
        connection.execute("insert into printora_raw.orders (order_id) values (uuid())")
        _build(connection, root)
        assert _rows(connection, "analytics.n") == [(expected,)]


@pytest.mark.parametrize("kinds", [("table", "view", "table"), ("view", "view", "table")])
def test_a_view_can_become_a_table_and_back(
    connection: DuckDBPyConnection, root: Path, kinds: tuple[str, ...]
) -> None:
    """DuckDB refuses to replace one by the other: a changed header must not need a hand."""
    for kind in kinds:
        write_model(root, "analytics/a", "select 1 as a", ["a"], materialized=kind)
        _build(connection, root)
        assert relations(connection)["analytics.a"][0] == kind
        assert columns(connection)["analytics.a"][0].comment == "The a."


def test_an_error_names_the_file_and_the_line(connection: DuckDBPyConnection, root: Path) -> None:
    """The line of the statement is of no use: the header before it is part of the file."""
    path = write_model(root, "analytics/a", "select\n    1 as b,\n    nonsense as a", ["b", "a"])
    line = 1 + path.read_text().splitlines().index("    nonsense as a")
    with pytest.raises(ModelError, match=rf"^sql/analytics/a\.sql:{line}: Binder Error") as refused:
        _build(connection, root)
    assert refused.value.hint == "Every table is as it was before this build."


@pytest.mark.parametrize(
    ("described", "message"),
    [
        (["a"], "not described: b"),
        (["a", "b", "c"], "described, but not selected: c"),
        (["b", "a"], "another order: a, b"),
    ],
)
@pytest.mark.parametrize("select", ["{}", "select * from ({})"])
def test_columns_that_the_header_does_not_describe_are_refused(
    connection: DuckDBPyConnection, root: Path, select: str, described: list[str], message: str
) -> None:
    """The data dictionary describes what is there; and a long query must not run before that."""
    fails_when_run = "select 1 as a, cast('x' || range as int) as b from range(1)"
    write_model(root, "analytics/a", select.format(fails_when_run), described)
    with pytest.raises(ModelError, match=message):
        _build(connection, root)
    assert "analytics.a" not in relations(connection)


def test_columns_are_called_as_the_database_calls_them(
    connection: DuckDBPyConnection, root: Path
) -> None:
    """A name that only the select's text has would be described, and no client would find it."""
    write_model(root, "staging/a", "select 1 as a", ["a"])
    write_model(root, "analytics/b", "select A from staging.a", ["A"])
    with pytest.raises(ModelError, match="not described: a; described, but not selected: A"):
        _build(connection, root)


#: Fails when it is run, not when it is planned.
_FAILING = "select range as a from range(1) where cast('x' || range as int) = 1"


@pytest.mark.parametrize(
    ("select", "described"),
    [
        ("select a::varchar from ({})", ["a"]),
        ("select a, -a from ({})", ["a"]),
        ("select 'x' from ({})", ["x"]),
        ("select unnest({{'x': a, 'y': a}}) as pair from ({})", ["pair"]),
        ("select a, 1 as b from ({}) union all by name select 1 as c", ["a", "b"]),
    ],
)
def test_a_column_without_a_name_is_refused_before_the_query_runs(
    connection: DuckDBPyConnection, root: Path, select: str, described: list[str]
) -> None:
    """Who forgets an alias waits for the whole query, and is then told of a comment that failed."""
    write_model(root, "analytics/a", select.format(_FAILING), described)
    with pytest.raises(ModelError, match="columns of its header are not those of its select"):
        _build(connection, root)


@given(failing=st.integers(0, 5), removed=st.sets(st.integers(0, 5)), is_view=st.booleans())
@settings(deadline=None, max_examples=25 if THOROUGH else 10)
def test_a_build_that_fails_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, failing: int, removed: set[int], is_view: bool
) -> None:
    """Whichever model fails, no reader may find some new tables beside some old ones."""
    folder = tmp_path_factory.mktemp("project")
    root = folder / "sql"
    _write_six(root, "select 1 as a")
    with connect(folder / "w.duckdb") as connection:
        _build(connection, root)
        before = _everything(connection)
        _write_six(root, "select 2 as a, 3 as extra", ["a", "extra"])
        for number in removed - {failing}:
            (root / "analytics" / f"m{number}.sql").unlink()
        kind = "view" if is_view else "table"
        name = f"analytics/m{failing}"
        write_model(root, name, _FAILING, ["a"], materialized=kind)
        with pytest.raises(ModelError, match="Could not convert"):
            _build(connection, root)
        assert _everything(connection) == before


def _write_six(root: Path, select: str, described: Sequence[str] = ("a",)) -> None:
    for number in range(6):
        write_model(root, f"analytics/m{number}", select, described)


def _everything(connection: DuckDBPyConnection) -> object:
    tables = relations(connection)
    return tables, columns(connection), {name: _rows(connection, name) for name in tables}


def test_others_see_the_last_build_until_the_new_one_is_whole(
    connection: DuckDBPyConnection, root: Path
) -> None:
    """A dashboard that reads between two models must not join new rows with old ones."""
    for value in (1, 2):
        for name in ("a", "b"):
            write_model(root, f"analytics/{name}", f"select {value} as v", ["v"])
        seen: list[object] = []
        reader = connection.cursor()

        def look(
            result: ModelResult, reader: DuckDBPyConnection = reader, seen: list[object] = seen
        ) -> None:
            names = [name for name in relations(reader) if name.startswith("analytics.")]
            seen.append([_rows(reader, name) for name in sorted(names)])

        build(connection, load_project(root, layers=()), ModelSettings(), on_model=look)
        assert seen == ([[], []] if value == 1 else [[[(1,)], [(1,)]]] * 2)


def test_what_a_build_did_not_make_is_never_replaced(
    connection: DuckDBPyConnection, root: Path
) -> None:
    """An analyst's own table would be gone when a model of its name appears."""
    connection.execute("create schema analytics; create table analytics.mine as select 42 as a")
    write_model(root, "analytics/mine", "select 1 as a", ["a"])
    with pytest.raises(ModelError, match="was not built from sql/"):
        _build(connection, root)
    assert _rows(connection, "analytics.mine") == [(42,)]


def test_a_table_is_dropped_only_when_asked_and_only_if_a_build_made_it(
    connection: DuckDBPyConnection, root: Path
) -> None:
    """A lost file would take its mart along; an analyst's table is none of ours at all."""
    write_model(root, "analytics/kept", "select 1 as a", ["a"])
    gone = [
        write_model(root, "analytics/gone", "select 1 as a", ["a"]),
        write_model(root, "analytics/gone_view", "select 1 as a", ["a"], materialized="view"),
    ]
    _build(connection, root)
    connection.execute("create table analytics.mine as select 42 as a")
    for path in gone:
        path.unlink()
    project = load_project(root, layers=())
    build(connection, project, ModelSettings())
    assert _marts(connection) == {"kept", "gone", "gone_view", "mine"}
    state = read_state(connection, project, ModelSettings())
    assert state.removed(project) == ["analytics.gone", "analytics.gone_view"]
    build(connection, project, ModelSettings(), prune=True)
    assert _marts(connection) == {"kept", "mine"}
    (root / "analytics" / "kept.sql").unlink()
    assert build(connection, load_project(root, layers=()), ModelSettings(), prune=True) == []
    assert _marts(connection) == {"mine"}


def _marts(connection: DuckDBPyConnection) -> set[str]:
    names = (name.split(".") for name in relations(connection))
    return {name for schema, name in names if schema == "analytics"}


class _Counting:
    """A connection that counts the questions to the catalogue."""

    def __init__(self, connection: DuckDBPyConnection) -> None:
        self._connection = connection
        self.asked = 0

    def execute(self, query: str, *parameters: Any) -> Any:
        """Run it."""
        self.asked += len(re.findall(r"duckdb_\w+\(\)", query))
        return self._connection.execute(query, *parameters)


def test_a_build_asks_the_catalogue_as_often_for_six_models_as_for_one(
    connection: DuckDBPyConnection, root: Path
) -> None:
    """Listing everything for each model was half of an empty build."""
    asked = []
    for number in range(6):
        write_model(root, f"analytics/m{number}", "select 1 as a", ["a"])
        counting = _Counting(connection)
        build(cast("DuckDBPyConnection", counting), load_project(root, layers=()), ModelSettings())
        asked.append(counting.asked)
    assert 0 < asked[1] == asked[-1]


def test_a_selection_builds_only_that(connection: DuckDBPyConnection, root: Path) -> None:
    """Building one mart must not cost the others, nor lose them."""
    for name in ("a", "b"):
        write_model(root, f"analytics/{name}", "select 1 as v", ["v"])
    _build(connection, root)
    for name in ("a", "b"):
        write_model(root, f"analytics/{name}", "select 2 as v", ["v"])
    results = build(
        connection, load_project(root, layers=()), ModelSettings(), select=["analytics.a"]
    )
    assert [result.name for result in results] == ["analytics.a"]
    assert _rows(connection, "analytics.a") + _rows(connection, "analytics.b") == [(2,), (1,)]


def test_models_read_the_settings(connection: DuckDBPyConnection, root: Path) -> None:
    """A setting that does not reach the models changes nothing, and nobody is told."""
    select = (
        "select report_time_zone as zone, session_maturity_minutes as m from staging.build_settings"
    )
    write_model(root, "analytics/a", select, ["zone", "m"])
    build(connection, load_project(root, layers=()), ModelSettings("Asia/Kolkata", 10))
    assert _rows(connection, "analytics.a") == [("Asia/Kolkata", 10)]
    _build(connection, root)
    assert _rows(connection, "staging.build_settings") == [astuple(ModelSettings())]


def test_raw_tables_are_there_before_anything_is_loaded(connection: DuckDBPyConnection) -> None:
    """Without a ledger no load makes a table of sessions; the models read it all the same."""
    found = {table.name: table for table in read_raw_tables(connection)}
    for table in TABLES:
        raw = found[f"printora_raw.{table.name}"]
        assert raw.rows == 0
        assert [c.name for c in raw.columns] == [c.name for c in table.columns]
        assert [c.comment for c in raw.columns] == [c.description for c in table.columns]
    types = {c.name: c.type for c in found["printora_raw.orders"].columns}
    assert types["total_amount"] == "DECIMAL(18,4)"
    assert types["created_at"] == "TIMESTAMP WITH TIME ZONE"
    assert types["items"] == "JSON"


def test_raw_tables_keep_what_they_have(connection: DuckDBPyConnection) -> None:
    """An older load has fewer columns, and some of dlt's own: neither is lost nor in the way."""
    connection.execute("create schema printora_raw")
    connection.execute(
        "create table printora_raw.orders as select 'x' as _dlt_id, 'o1' as order_id"
    )
    ensure_raw_tables(connection)
    ensure_raw_tables(connection)
    row = connection.execute("select order_id, _dlt_id, status from printora_raw.orders").fetchall()
    assert row == [("o1", "x", None)]


def test_a_view_that_cannot_run_fails_the_build(connection: DuckDBPyConnection, root: Path) -> None:
    """A view is only planned when it is made: unless its rows are counted, its reader finds out."""
    write_model(root, "analytics/a", _FAILING, ["a"], materialized="view")
    with pytest.raises(ModelError, match=r"analytics/a\.sql"):
        _build(connection, root)
    assert "analytics.a" not in relations(connection)
