"""The analysts' docs: every example runs, and the dictionary is what the headers say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from model_support import Warehouse, project
from truth_world import History, Scenario, insert

from pipelines.report import dictionary
from pipelines.warehouse import publish
from pipelines.warehouse.build import build

pytestmark = pytest.mark.xdist_group("docs")
EXAMPLES = (Path(__file__).parents[2] / "docs" / "examples.md").read_text(encoding="utf-8")
QUESTIONS = re.findall(r"^## (\d+\. .+?)\n.*?```sql\n(.*?)```", EXAMPLES, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """Build a world in which each question has an answer, and give what readers get of it."""
    scenario = Scenario("examples", lost=0.05, repeated=0.05, ledger_coverage=0.95, seed=9)
    history = History.of(scenario)
    warehouse = Warehouse()
    insert(warehouse.connection, history.raw())
    build(warehouse.connection, project(), history.settings)
    path = tmp_path_factory.mktemp("readers") / "out.duckdb"
    publish(warehouse.connection, project(), path)
    with duckdb.connect(str(path), read_only=True) as connection:
        yield connection


@pytest.mark.parametrize(("question", "sql"), QUESTIONS, ids=[q for q, _ in QUESTIONS])
def test_the_example_answers_its_question(
    world: duckdb.DuckDBPyConnection, question: str, sql: str
) -> None:
    """A column that is renamed, or kept from readers, leaves the docs with SQL that fails."""
    assert world.execute(sql).fetchall(), question


def test_each_question_has_its_number_and_its_answer() -> None:
    """A heading without its SQL would not be run by the test above."""
    assert [int(q.split(".")[0]) for q, _ in QUESTIONS] == list(range(1, len(QUESTIONS) + 1))
    assert len(re.findall(r"^## ", EXAMPLES, re.MULTILINE)) == len(QUESTIONS)


def test_the_data_dictionary_is_fresh() -> None:
    """Out of date it is worse than none. To mend: python -m pipelines.report.dictionary."""
    assert dictionary.PATH.read_text(encoding="utf-8") == dictionary.data_dictionary(project())
