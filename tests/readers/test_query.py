"""One question, answered from the snapshot in every form."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from pipelines.cli.app import app
from pipelines.cli.forms import FORMULA_STARTS, cell
from pipelines.warehouse import load_project
from pipelines.warehouse.publish import published_models

Ask = Callable[..., Result]


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Ask the snapshot of a warehouse that is not there: only readers' own file is opened."""
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(tmp_path / "printora.duckdb"))
    with duckdb.connect(str(tmp_path / "printora.published.duckdb")) as connection:
        connection.execute("create schema analytics")
        connection.execute(
            "create table analytics.t as select 1 as id, -2.50::decimal(18, 4) as amount, "
            "timestamptz '2026-03-01 10:00:00+00' as at, '=1+1' as name, 'nan'::double as rate "
            "union all select 2, null, null, 'b', -0.5"
        )
    return lambda *words: CliRunner().invoke(app, ["query", *words])


SELECT = "select * from analytics.t order by id"


def test_a_table_is_shown(ask: Ask) -> None:
    """Broken: the plainest question needs a Python program."""
    done = ask(SELECT)
    assert done.exit_code == 0, done.output
    assert "2026-03-01 10:00:00+00" in done.stdout
    assert "-2.5000" in done.stdout


def test_columns_that_do_not_fit_are_told(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Broken: who looks for a column takes it for one that is not there."""
    monkeypatch.setenv("COLUMNS", "80")
    wide = ", ".join(f"{number} as a_column_of_number_{number}" for number in range(12))
    assert "--format csv" in ask(f"select {wide}").stderr
    assert ask("select id from analytics.t").stderr == ""


def test_csv_is_complete_and_safe(ask: Ask) -> None:
    """Broken: a name that a customer chose is run as a formula on the analyst's machine."""
    rows = list(csv.reader(io.StringIO(ask(SELECT, "--format", "csv").stdout)))
    assert rows == [
        ["id", "amount", "at", "name", "rate"],
        ["1", "-2.5000", "2026-03-01T10:00:00+00:00", "'=1+1", "nan"],
        ["2", "", "", "b", "-0.5"],
    ]


@given(st.text())
def test_no_text_begins_a_formula(text: str) -> None:
    """Broken: one of the ways to begin a formula was forgotten."""
    written = cell(text)
    assert not written.startswith(FORMULA_STARTS)
    assert written in (text, f"'{text}")


def test_json_and_parquet_have_the_values_as_they_are(ask: Ask, tmp_path: Path) -> None:
    """Broken: money becomes a float, or a text changes on its way to another program."""
    first = json.loads(ask(SELECT, "--format", "json").stdout)[0]
    assert (first["amount"], first["name"], first["rate"]) == ("-2.5000", "=1+1", None)
    assert json.loads(ask(f"{SELECT} limit 0", "-f", "json").stdout) == []
    target = tmp_path / "answer.parquet"
    assert ask(SELECT + ";", "--output", str(target)).exit_code == 0
    with duckdb.connect() as connection:
        rows: list[Any] = connection.execute(f"select amount, name from '{target}'").fetchall()  # noqa: S608 - the test's own file
    assert rows == [(Decimal("-2.5000"), "=1+1"), (None, "b")]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["select * from analytics.tt"], 'Did you mean "t"'),
        (["selec 1"], "syntax error"),
        (["drop table analytics.t"], "not one question"),
        (["select 1; select 2"], "not one question"),
        (["copy analytics.t to 'x.csv'"], "not one question"),
        ([" "], "no question"),
        (["select 1 as a, 2 as a", "--format", "json"], "Two columns are called a"),
        (["select 1", "--format", "parquet"], "Give --output"),
        (["select 1", "--output", "x.xlsx"], "does not say how"),
    ],
)
def test_a_wrong_question_is_answered_with_what_to_do(
    ask: Ask, words: list[str], text: str
) -> None:
    """Broken: a typing error ends in a traceback, or changes something."""
    done = ask(*words)
    assert done.exit_code == 2
    assert text in " ".join(done.stderr.split())


def test_a_question_that_fails_leaves_the_last_answer(ask: Ask, tmp_path: Path) -> None:
    """Broken: a file that a spreadsheet is linked to becomes half a file."""
    target = tmp_path / "answer.csv"
    assert ask(SELECT, "-o", str(target)).exit_code == 0
    before = target.read_bytes()
    failing = "select case when id = 2 then error('no') end from analytics.t order by id"
    assert ask(failing, "-o", str(target)).exit_code == 2
    assert target.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".new")] == []


def test_raw_tables_are_in_the_warehouse(ask: Ask, tmp_path: Path) -> None:
    """Broken: who is sent to printora_raw.value_issues finds no command that shows it."""
    hint = " ".join(ask("from printora_raw.value_issues").stderr.split())
    assert "add --warehouse" in hint
    with duckdb.connect(str(tmp_path / "printora.duckdb")) as connection:
        connection.execute(
            "create schema printora_raw; create table printora_raw.sync_runs (sync_id varchar); "
            "create table printora_raw.value_issues as select 'total_amount' as column_name"
        )
    before = (tmp_path / "printora.duckdb").read_bytes()
    for question in ("from printora_raw.value_issues", SELECT):
        done = ask(question, "--warehouse", "-f", "csv")
        assert ("total_amount" in done.stdout) is (done.exit_code == 0) is (question != SELECT)
    assert "--warehouse" not in done.stderr
    assert ask("drop table printora_raw.value_issues", "--warehouse").exit_code == 2
    assert (tmp_path / "printora.duckdb").read_bytes() == before


def test_the_documents_questions_are_of_what_readers_get() -> None:
    """Broken: a question of docs/examples.md fails in the snapshot that it is to be asked of."""
    text = (Path(__file__).parents[2] / "docs/examples.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```sql\n(.*?)```", text, re.DOTALL)
    assert len(blocks) > 20
    asked = {name for sql in blocks for name in re.findall(r"(?:from|join) (\w+\.\w+)", sql)}
    assert asked <= {model.qualified for model in published_models(load_project())}


def test_where_nothing_is_published_it_says_what_makes_it(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Broken: in another folder, the question ends with an error of DuckDB's."""
    shutil.move(tmp_path / "printora.published.duckdb", tmp_path / "elsewhere.duckdb")
    assert "`printora publish` make it" in " ".join(ask("select 1").stderr.split())
    monkeypatch.setenv("SOURCES__PRINTORA__PUBLISH_TO", str(tmp_path / "elsewhere.duckdb"))
    done = ask("select 1")
    assert done.exit_code == 0, done.stderr
    monkeypatch.setenv("SOURCES__PRINTORA__PUBLISH_TO", "off")
    assert "PUBLISH_TO is off" in " ".join(ask("select 1").stderr.split())
