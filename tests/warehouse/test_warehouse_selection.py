"""Building a part: what a selector means, and that no table disagrees with what it reads."""

# ruff: noqa: S608 - the names of tables are ours

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from thorough import THOROUGH
from warehouse_support import write_model

from pipelines.errors import ConfigurationError
from pipelines.warehouse import ModelSettings, build, connect, load_project, read_state
from pipelines.warehouse.project import BUILT_MODELS
from pipelines.warehouse.raw import ensure_raw_tables

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def _project_of_five(root: Path) -> None:
    write_model(root, "staging/s", "select 1 as a", ["a"], tags=["daily"])
    write_model(root, "intermediate/i", "from staging.s", ["a"])
    write_model(root, "analytics/m", "from intermediate.i", ["a"])
    write_model(root, "analytics/n", "from analytics.m", ["a"], tags=["daily"])
    write_model(root, "analytics/other", "select 1 as a", ["a"])


@pytest.mark.parametrize(
    ("selectors", "expected"),
    [
        (["m"], "m"),
        (["analytics.m"], "m"),
        (["+m"], "s i m"),
        (["m+"], "m n"),
        (["+m+"], "s i m n"),
        (["m other"], "m other"),
        (["m", "other"], "m other"),
        (["tag:daily"], "s n"),
        (["+tag:daily"], "s i m n"),
        (["+staging.s"], "s"),
    ],
)
def test_a_selector_means_what_dbts_does(root: Path, selectors: list[str], expected: str) -> None:
    """Who knows dbt types these: one that means something else builds the wrong tables."""
    _project_of_five(root)
    models = load_project(root).select(selectors)
    assert {model.name for model in models} == set(expected.split())


@pytest.mark.parametrize("selector", ["nope", "+nope", "tag:nope", "layer:staging", "+", "m++"])
def test_a_selector_that_means_nothing_is_refused(root: Path, selector: str) -> None:
    """A typing error would build nothing, and look like a success."""
    _project_of_five(root)
    with pytest.raises(ConfigurationError, match="There is no model") as refused:
        load_project(root).select([selector])
    assert "analytics.fct_orders" in refused.value.hint


def test_a_name_of_several_models_is_refused(root: Path) -> None:
    """Guessing would build the wrong one."""
    _project_of_five(root)
    write_model(root, "intermediate/m", "select 1 as a", ["a"])
    with pytest.raises(ConfigurationError, match="several models m") as refused:
        load_project(root).select(["m"])
    assert refused.value.hint == "Choose of analytics.m, intermediate.m."


def test_a_mart_after_a_sync_is_built_with_all_that_must_agree(
    connection: DuckDBPyConnection, root: Path
) -> None:
    """fct_orders had the new order and fct_sessions did not: four checks accused the API of it."""
    orders = "select order_id from printora_raw.orders"
    write_model(root, "staging/s", orders, ["order_id"], materialized="view")
    write_model(root, "intermediate/i", "from staging.s", ["order_id"])
    for mart in ("a", "b"):
        write_model(root, f"analytics/{mart}", "from intermediate.i", ["order_id"])
    write_model(root, "analytics/apart", "select count(*) as n from printora_raw.sessions", ["n"])
    project = load_project(root)
    build(connection, project, ModelSettings())
    for table in ("orders (order_id)", "sessions (session_id)"):
        connection.execute(f"insert into printora_raw.{table} values ('new')")
    results = build(connection, project, ModelSettings(), select=["a"])
    assert [result.name for result in results] == ["intermediate.i", "analytics.a", "analytics.b"]
    for table in ("intermediate.i", "analytics.a", "analytics.b"):
        assert connection.execute(f"from {table}").fetchall() == [("new",)]
    stale = read_state(connection, project, ModelSettings()).stale
    assert stale == {"analytics.apart"}, "what is older must be told"


def test_what_is_up_to_date_is_not_built_again(connection: DuckDBPyConnection, root: Path) -> None:
    """Building one mart must not cost all the others."""
    _project_of_five(root)
    project = load_project(root)
    build(connection, project, ModelSettings())
    results = build(connection, project, ModelSettings(), select=["m"])
    assert [result.name for result in results] == ["analytics.m"]


def test_a_build_by_a_version_without_stamps_is_stale(
    connection: DuckDBPyConnection, root: Path
) -> None:
    """Nobody knows what its tables were computed from: they must not pass for current."""
    _project_of_five(root)
    project = load_project(root)
    build(connection, project, ModelSettings())
    connection.execute(f"alter table {BUILT_MODELS} drop column stamp")
    assert len(read_state(connection, project, ModelSettings()).stale) == 5
    results = build(connection, project, ModelSettings(), select=["m"])
    assert {result.name.partition(".")[2] for result in results} == {"s", "i", "m", "n"}


@dataclass
class _World:
    """A chain of models that add up, and what each should be; everything in it can change."""

    root: Path
    inputs: dict[int, tuple[int, ...]]
    views: frozenset[int]
    codes: dict[int, int] = field(default_factory=dict)
    orders: int = 0
    zone: str = "UTC"

    def write(self, number: int) -> None:
        """Write the file: its own constant, and the sum of its inputs."""
        reads = [f"(select v from analytics.m{each})" for each in self.inputs[number]]
        reads += ["(select count(*) from printora_raw.orders)"] if number == 0 else []
        reads += ["(select strlen(report_time_zone) from staging.build_settings)"] * (number == 1)
        sums = " + ".join([str(self.codes.get(number, 0)), *reads])
        kind = "view" if number in self.views else "table"
        name = f"analytics/m{number}"
        write_model(self.root, name, f"select {sums} as v", ["v"], materialized=kind)

    def truth(self, number: int) -> int:
        """Compute what the model is, from today's code, data and settings."""
        own = {0: self.orders, 1: len(self.zone)}.get(number, 0) + self.codes.get(number, 0)
        return own + sum(self.truth(each) for each in self.inputs[number])

    def readers(self, number: int) -> set[int]:
        """Return all that reads it, however far."""
        direct = {each for each, read in self.inputs.items() if number in read}
        return direct.union(*(self.readers(each) for each in direct))


_CHANGES = st.one_of(
    st.tuples(st.just("code"), st.integers(0, 5)),
    st.tuples(st.just("order"), st.just(0)),
    st.tuples(st.just("zone"), st.just(0)),
    st.tuples(st.just("build"), st.integers(0, 5)),
)


@given(
    inputs=st.tuples(*(st.sets(st.integers(0, n - 1)) if n else st.just(set()) for n in range(6))),
    views=st.frozensets(st.integers(0, 5)),
    changes=st.lists(_CHANGES, max_size=8),
    last=st.integers(0, 5),
)
@settings(deadline=None, max_examples=30 if THOROUGH else 12)
def test_whatever_is_built_agrees_with_what_it_reads(
    tmp_path_factory: pytest.TempPathFactory,
    inputs: tuple[set[int], ...],
    views: frozenset[int],
    changes: list[tuple[str, int]],
    last: int,
) -> None:
    """After building a part, a table of another build than its inputs is a wrong number."""
    folder = tmp_path_factory.mktemp("part")
    world = _World(folder / "sql", {n: tuple(sorted(read)) for n, read in enumerate(inputs)}, views)
    for number in range(6):
        world.write(number)
    with connect(folder / "w.duckdb") as connection:
        ensure_raw_tables(connection)
        for what, number in [*changes, ("build", last)]:
            if what == "build":
                _build_and_compare(connection, world, number)
            elif what == "code":
                world.codes[number] = world.codes.get(number, 0) + 100
                world.write(number)
            elif what == "order":
                world.orders += 1
                connection.execute("insert into printora_raw.orders (order_id) values (uuid())")
            else:
                world.zone += "x"


def _build_and_compare(connection: DuckDBPyConnection, world: _World, number: int) -> None:
    project, told = load_project(world.root, layers=()), ModelSettings(world.zone)
    results = build(connection, project, told, select=[f"m{number}"])
    state = read_state(connection, project, told)
    made = {int(result.name[-1]) for result in results}
    assert number in made
    agree = made.union(*(world.readers(each) for each in made))
    for name in state.built:
        if int(name[-1]) in agree or name not in state.stale:
            value = connection.execute(f"select v from {name}").fetchall()
            assert value == [(world.truth(int(name[-1])),)], name
    assert not {f"analytics.m{each}" for each in agree} & state.stale & state.built.keys()
