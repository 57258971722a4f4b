"""What is read from the files in ``sql/``, and what is refused with file and line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from thorough import THOROUGH
from warehouse_support import write, write_check, write_model

from pipelines.errors import ConfigurationError, ModelError
from pipelines.warehouse import load_project

_WORDS = st.text(min_size=1, max_size=60).filter(lambda text: text.strip() and "*/" not in text)
#: A description that begins so points at another model's.
_MEANINGS = _WORDS.filter(lambda text: not text.strip().startswith("="))
_NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)


def _one_line(text: str) -> str:
    return " ".join(text.split())


@given(description=_WORDS, grain=_WORDS, columns=st.dictionaries(_NAMES, _MEANINGS, min_size=1))
@settings(deadline=None, max_examples=50 if THOROUGH else 12)
def test_a_header_says_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, description: str, grain: str, columns: dict[str, str]
) -> None:
    """Descriptions with colons, quotes, hashes or other scripts reach the comments unharmed."""
    root = tmp_path_factory.mktemp("sql")
    write_model(root, "analytics/a", "select 1", columns, description=description, grain=grain)
    (model,) = load_project(root, layers=()).models
    assert model.description == _one_line(description)
    assert model.grain == _one_line(grain)
    assert [(c.name, c.description) for c in model.columns] == [
        (name, _one_line(meaning)) for name, meaning in columns.items()
    ]


@given(edges=st.sets(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=25))
@settings(deadline=None, max_examples=50 if THOROUGH else 12)
def test_each_model_comes_after_those_that_it_reads(
    tmp_path_factory: pytest.TempPathFactory, edges: set[tuple[int, int]]
) -> None:
    """A model built before its sources would show the last build's rows."""
    root = tmp_path_factory.mktemp("sql")
    shuffled = [3, 7, 0, 9, 1, 8, 2, 6, 5, 4]
    for number in range(10):
        reads = [shuffled[low] for low, high in edges if low < high and shuffled[high] == number]
        tables = ", ".join(["range(1)", *(f"analytics.m{table}" for table in reads)])
        write_model(root, f"analytics/m{number}", f"from {tables} select 1 as a", ["a"])
    built: set[str] = set()
    for model in load_project(root, layers=()).models:
        assert set(model.depends_on) <= built
        built.add(model.qualified)
    assert len(built) == 10


def test_references_are_tables_and_neither_ctes_nor_functions(root: Path) -> None:
    """A CTE or function taken for a table is an unknown model; a missed table, a wrong order."""
    write_model(root, "staging/orders", "select * from printora_raw.orders", ["a"])
    write_model(
        root,
        "analytics/a",
        """
        with orders as (select * from staging.orders), recursive_like as (select 1)
        select (select max(created_at) from printora_raw.sessions) as a
        from orders join range(3) as r(i) on true
        cross join generate_series(1, 2), unnest([1, 2]) as u(x)
        where exists (select 1 from Printora_Raw.ORDERS as o) -- printora_raw.webhook_logs
        union all select 1 from recursive_like
        """,
        ["a"],
    )
    model = load_project(root, layers=()).select(["analytics.a"])[0]
    assert model.depends_on == ("printora_raw.orders", "printora_raw.sessions", "staging.orders")


@pytest.mark.parametrize("field", ["description", "grain", "columns"])
def test_a_field_that_is_missing_is_named(root: Path, field: str) -> None:
    """A model without a meaning must not be built: nobody would ever write it down."""
    fields = {"description": "A.", "grain": "one row", "columns": {"a": "The a."}, field: None}
    write(root, "analytics/a", "select 1 as a", fields)
    with pytest.raises(ModelError, match=rf"^sql/analytics/a\.sql: its header has no {field}"):
        load_project(root, layers=())


_REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "misspelt": ({"materialised": "view"}, "unknown field 'materialised'"),
    "materialized": ({"materialized": "incremental"}, "Write table or view"),
    "key": ({"key": ["b"]}, "b is in its key or its contract, but not in its columns"),
    "key is text": ({"key": "a"}, "no list of key"),
    "empty meaning": ({"columns": {"a": ""}}, "columns: a has no meaning"),
}


@pytest.mark.parametrize("case", _REFUSED)
def test_a_header_that_is_wrong_is_refused(root: Path, case: str) -> None:
    """A misspelt field that is silently ignored builds something else than what was meant."""
    fields, message = _REFUSED[case]
    write_model(root, "analytics/a", "select 1 as a", **{"columns": ["a"], **fields})
    with pytest.raises(ModelError, match=message):
        load_project(root, layers=())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("select 1 as a", r"analytics/a\.sql: it does not begin with a header"),
        ("/*\ndescription: a\ngrain: b: c\n*/\nselect 1", r"analytics/a\.sql:3: .* not YAML"),
        ("/*\ncolumns:\n  a: x\n  a: y\n*/\nselect 1", r"analytics/a\.sql:4: .*'a' is given twice"),
        ("/* only words */ select 1", "not a mapping"),
    ],
)
def test_a_file_without_a_readable_header_is_refused_with_its_line(
    root: Path, text: str, message: str
) -> None:
    """Whoever wrote the file must find the line; a column given twice would lose one meaning."""
    (root / "analytics").mkdir()
    (root / "analytics" / "a.sql").write_text(text)
    with pytest.raises(ModelError, match=message):
        load_project(root, layers=())


@pytest.mark.parametrize(
    ("select", "message"),
    [
        ("select 1 as a; select 2 as a", "holds 2 statements"),
        ("-- nothing", "holds 0 statements"),
        ("create table x as select 1 as a", "not a select"),
        ("select\n  from where", r"a\.sql:\d+: it is not SQL"),
        ("select 1 as a\nfrom analytics.b", r"a\.sql:8: it reads analytics\.b, which is neither"),
        ("select 1 as a\nfrom orders", r"a\.sql:8: it reads orders, .*schema\.table"),
        ("select 1 as a from 'secrets.csv'", "it reads secrets.csv"),
        ("select 1 as a from analytics.a", "circle: analytics.a → analytics.a"),
    ],
)
def test_a_select_that_cannot_be_built_is_refused_when_it_is_read(
    root: Path, select: str, message: str
) -> None:
    """These would fail in the middle of a build, or build something that nobody asked for."""
    write_model(root, "analytics/a", select, ["a"])
    with pytest.raises(ModelError, match=message):
        load_project(root, layers=())


def test_a_circle_is_told_in_full(root: Path) -> None:
    """The way round the circle is what is needed to cut it."""
    write_model(root, "staging/a", "select * from analytics.c", ["a"])
    write_model(root, "intermediate/b", "select * from staging.a", ["a"])
    write_model(root, "analytics/c", "select * from intermediate.b", ["a"])
    with pytest.raises(ModelError, match="circle: ") as refused:
        load_project(root, layers=())
    assert all(name in refused.value.message for name in ("staging.a", "intermediate.b", "s.c"))


@pytest.mark.parametrize("name", ["staging/build_settings", "staging/built_models"])
def test_the_builders_own_tables_are_not_models(root: Path, name: str) -> None:
    """A model of this name would be overwritten by the builder in the same build."""
    write_model(root, name, "select 1 as a", ["a"])
    with pytest.raises(ModelError, match="builder's own table"):
        load_project(root, layers=())


def test_a_check_says_what_it_guards(root: Path) -> None:
    """Without its model, its severity or what to do, a failed check helps nobody."""
    write_model(root, "analytics/a", "select 1 as a", ["a"])
    write_check(root, "positive", "select * from analytics.a", ["analytics.a"], severity="warn")
    (check,) = load_project(root, layers=()).checks
    assert (check.name, check.severity, check.models) == ("positive", "warn", ("analytics.a",))
    assert check.todo == "Mend it."
    write_check(root, "positive", "select * from analytics.a", ["analytics.b"])
    with pytest.raises(ModelError, match=r"checks/positive\.sql: it guards analytics\.b"):
        load_project(root, layers=())


def test_a_name_that_is_no_table_name_is_refused(root: Path) -> None:
    """`fct-orders` would have to be quoted by everybody who ever reads it."""
    write(root, "analytics/fct-orders", "select 1", {})
    with pytest.raises(ModelError, match="file's name becomes a table's name"):
        load_project(root, layers=())


def test_an_unknown_model_cannot_be_selected(root: Path) -> None:
    """A misspelt name that selects nothing would look like a build that succeeded."""
    with pytest.raises(ConfigurationError, match=r"no model analytics\.nope"):
        load_project(root, layers=()).select(["analytics.nope"])


def test_the_header_is_yaml_that_others_can_read(root: Path) -> None:
    """The data dictionary is made from the headers: they must not need this program."""
    path = write_model(root, "analytics/a", "select 1 as a", ["a"])
    text = path.read_text().split("*/")[0].removeprefix("/*")
    assert yaml.safe_load(text)["columns"] == {"a": "The a."}


@pytest.mark.parametrize("lost", ["staging", "intermediate", "analytics", None])
def test_a_layer_without_models_is_refused(root: Path, lost: str | None) -> None:
    """A half-unpacked installation would build what is left, and call the marts removed."""
    for layer in {"staging", "intermediate", "analytics"} - {lost}:
        write_model(root, f"{layer}/a_{layer}", "select 1 as a", ["a"])
    if lost is None:
        assert len(load_project(root).models) == 3
        return
    with pytest.raises(ModelError, match=f"There are no models in .*{lost}") as refused:
        load_project(root)
    assert "Install printora-elt again" in refused.value.hint


def test_a_file_in_a_folder_that_is_no_layer_is_refused(root: Path) -> None:
    """A model that was put beside the layers would never be built, and nobody would be told."""
    write_model(root, "martz/a", "select 1 as a", ["a"])
    with pytest.raises(ModelError, match=r"sql/martz/a\.sql: its folder is no layer") as refused:
        load_project(root, layers=())
    assert "staging, intermediate, analytics" in refused.value.hint


def test_a_meaning_is_written_once(root: Path) -> None:
    """Broken: three tables describe one column in three ways, two of which are out of date."""
    write_model(root, "analytics/a", "select 1 as n", {"n": "A number."})
    write_model(root, "analytics/b", "select n from analytics.a", {"n": "= analytics.a"})
    models = load_project(root, layers=()).models
    assert [model.columns[0].description for model in models] == ["A number.", "A number."]
    write_model(root, "analytics/b", "select n as m from analytics.a", {"m": "= analytics.a"})
    with pytest.raises(ModelError, match=r"sql/analytics/b\.sql: m means '= analytics\.a', where"):
        load_project(root, layers=())
