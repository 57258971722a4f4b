"""The metrics: each formula runs on the snapshot, and is what the command line prints."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from typer.testing import CliRunner

from pipelines.cli import answers
from pipelines.cli.app import app
from pipelines.errors import ModelError
from pipelines.warehouse import connect, load_metrics, load_project, publish, semantic_file

pytestmark = pytest.mark.xdist_group("metrics")
PROJECT = load_project()
METRICS = {metric.name: metric for metric in load_metrics(PROJECT)}


@pytest.fixture(scope="module")
def snapshot(built_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A connection to what readers get."""
    path = tmp_path_factory.mktemp("snapshot") / "out.duckdb"
    with connect(built_once, read_only=True) as connection:
        publish(connection, PROJECT, path)
    with duckdb.connect(str(path), read_only=True) as connection:
        yield connection


def _rows(snapshot: Any, query: str) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = snapshot.execute(query).fetchall()
    return rows


def _value(snapshot: Any, name: str, condition: str | None = None) -> Any:
    metric = METRICS[name]
    row = _rows(snapshot, metric.query(condition))[0]
    return row[1] if metric.by else row[0]


@pytest.mark.parametrize("name", METRICS)
def test_a_formula_says_the_same_with_its_condition_inside(snapshot: Any, name: str) -> None:
    """Broken: a BI tool that imports the definitions shows other figures than we do."""
    metric = METRICS[name]
    period = metric.periods[0] if metric.periods else "true"
    query = f"select {metric.standalone} from {metric.model} where {period}"  # noqa: S608
    inside = _rows(snapshot, query)
    assert inside[0][0] == pytest.approx(_value(snapshot, name, *metric.periods[:1]))


def test_the_command_lines_figures_are_the_metrics(snapshot: Any) -> None:
    """Broken: a figure that the terminal prints is another one than the definition's."""
    funnel = {step.name: step for step in answers.funnel(snapshot).steps}
    assert funnel["sessions"].sessions == _value(snapshot, "sessions")
    assert funnel["ordered"].rate == pytest.approx(_value(snapshot, "order_rate"))
    assert funnel["paid"].rate == pytest.approx(_value(snapshot, "paid_rate"))
    stages = {row.stage: row for row in answers.latencies(snapshot)}
    for name in ("p50", "p90"):
        metric = _value(snapshot, f"delivery_{name}_hours", "period = 'all'")
        assert getattr(stages["paid_to_delivered"], f"{name}_hours") == metric


#: A mart's own column that is a metric at the mart's grain: the metric, its mart, key and column.
_COLUMNS = [
    ("paid_rate", "session_conversion_daily", "cohort_date", "paid_rate", "is_mature"),
    ("order_rate", "session_conversion_daily", "cohort_date", "order_rate", "is_mature"),
    ("net_paid_rate", "session_conversion_daily", "cohort_date", "net_paid_rate", "is_mature"),
    (
        "paid_within_48h_rate",
        "session_conversion_daily",
        "cohort_date",
        "paid_within_48h_rate",
        "paid_within_48h_rate is not null",
    ),
    ("ledger_coverage", "session_conversion_daily", "cohort_date", "ledger_coverage", "true"),
    ("orders", "orders_daily", "date", "orders", "date_basis = 'created'"),
    ("paid_orders", "orders_daily", "date", "paid_orders", "date_basis = 'paid'"),
    ("revenue", "orders_daily", "date", "revenue", "date_basis = 'paid' and revenue > 0"),
    ("net_revenue", "orders_daily", "date", "net_revenue", "date_basis = 'paid' and revenue > 0"),
    (
        "average_order_value",
        "orders_daily",
        "date",
        "average_order_value",
        "date_basis = 'paid' and revenue > 0",
    ),
]


@pytest.mark.parametrize(("name", "mart", "key", "column", "where"), _COLUMNS)
def test_a_marts_column_is_the_metric_of_its_day(
    snapshot: Any, name: str, mart: str, key: str, column: str, where: str
) -> None:
    """Broken: the mart computes by another rule than the definition says."""
    query = f"select {key}, {column} from analytics.{mart} where {where} order by {key}"  # noqa: S608
    days = [(day, value) for day, value in _rows(snapshot, query) if day and value is not None]
    assert len(days) > 5
    for day, value in days[:: max(len(days) // 5, 1)]:
        found = _value(snapshot, name, f"{METRICS[name].time} = date '{day}'")
        assert (found or 0) == pytest.approx(value), day


def test_the_semantic_file_has_the_form_and_its_expressions_run(snapshot: Any) -> None:
    """Broken: a tool refuses the file, or its first query fails on a column that is not there."""
    document = yaml.safe_load(semantic_file(snapshot, PROJECT, list(METRICS.values())))
    assert set(document) == {
        *("version", "name", "description", "datasets", "relationships", "metrics"),
    }
    sets = {each["name"]: each for each in document["datasets"]}
    for dataset in sets.values():
        names = ", ".join(
            field["expression"]["dialects"][0]["expression"] for field in dataset["fields"]
        )
        assert snapshot.execute(f"select {names} from {dataset['source']} limit 1")  # noqa: S608
        assert set(dataset.get("primary_key", [])) <= {field["name"] for field in dataset["fields"]}
    for link in document["relationships"]:
        for side, columns in (("from", "from_columns"), ("to", "to_columns")):
            assert set(link[columns]) <= {f["name"] for f in sets[link[side]]["fields"]}
    assert [metric["name"] for metric in document["metrics"]] == list(METRICS)
    times = {f["name"] for f in sets["fct_orders"]["fields"] if f["dimension"]["is_time"]}
    assert {"created_at", "paid_date"} <= times
    told = {field["name"] for dataset in sets.values() for field in dataset["fields"]}
    assert "customer_pseudonym" not in told


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("model: analytics.fct_orderz", "is no model"),
        ("formula: sum(amount)", "has no column amount"),
        ("formula:", "has no formula"),
        ("unit: dollars", "unit is 'dollars'"),
        ("lable: x", "unknown field 'lable'"),
    ],
)
def test_a_definition_that_cannot_be_is_refused(change: str, told: str, tmp_path: Path) -> None:
    """Broken: a misspelt column is found by the reader of a dashboard, weeks later."""
    lines = {
        "label": "x",
        "meaning": "x",
        "is_not": "x",
        "model": "analytics.fct_orders",
        "formula": "count(*)",
        "unit": "count",
        "grain": "x",
    }
    key, _, text = change.partition(":")
    lines[key] = text.strip()
    body = "\n".join(f"  {name}: {text}" for name, text in lines.items() if text)
    path = tmp_path / "metrics.yaml"
    path.write_text(f"one:\n{body}\n")
    with pytest.raises(ModelError, match=told) as refused:
        load_metrics(PROJECT, path)
    assert "one" in str(refused.value)


def test_no_two_metrics_compute_the_same() -> None:
    """Broken: one figure has two names, and the two drift apart."""
    formulas = {(metric.model, metric.standalone, metric.time) for metric in METRICS.values()}
    assert len(formulas) == len({metric.label for metric in METRICS.values()}) == len(METRICS)


def test_the_command_shows_each_metric_and_writes_the_file(
    built_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Broken: a metric is missing, a line is cut in two, or a machine gets half a definition."""
    path = tmp_path / "printora.published.duckdb"
    with connect(built_once, read_only=True) as connection:
        publish(connection, PROJECT, path)
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(tmp_path / "printora.duckdb"))
    monkeypatch.setenv("COLUMNS", "80")
    shown = CliRunner().invoke(app, ["metrics"])
    assert shown.exit_code == 0, shown.output
    for metric in METRICS.values():
        assert any(line.strip().startswith(metric.label) for line in shown.output.splitlines())
    assert max(map(len, shown.output.splitlines())) <= 80
    told = json.loads(CliRunner().invoke(app, ["metrics", "--json"]).stdout)["metrics"]
    assert {each["metric"]["name"] for each in told} == METRICS.keys()
    file = tmp_path / "semantic.yaml"
    assert CliRunner().invoke(app, ["metrics", "--semantic", str(file)]).exit_code == 0
    assert yaml.safe_load(file.read_text(encoding="utf-8"))["name"] == "printora"
