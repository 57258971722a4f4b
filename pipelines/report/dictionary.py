"""The data dictionary: every table and column, from the headers in ``sql/``.

    python -m pipelines.report.dictionary

writes ``docs/data-dictionary.md``, or the file that is named after it. A test fails when it is out
of date.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import duckdb

from pipelines.shipped import shipped
from pipelines.source.schema import TABLES, Table
from pipelines.warehouse import ModelSettings, load_project
from pipelines.warehouse.build import build
from pipelines.warehouse.metrics import Metric, load_metrics
from pipelines.warehouse.project import Check, Model, Project

PATH = shipped("docs/data-dictionary.md")

Types = Mapping[str, Mapping[str, str]]

_HEAD = """# Data dictionary

Every table that analysts meet, with every column. Generated from the headers of the files in
`sql/` by `python -m pipelines.report.dictionary`; the same texts are the tables' and columns'
COMMENTs in the warehouse. What the words mean, and why, is in [decisions.md](decisions.md);
questions with their SQL are in [examples.md](examples.md).

Times are `TIMESTAMP WITH TIME ZONE`: moments, shown in your session's zone. Dates are dates in the
report time zone (UTC unless set). Rates and shares are in 0..1.

## How the marts hang together

```mermaid
erDiagram
    fct_sessions ||--o{ fct_orders : "session_id"
    fct_orders ||--|{ order_status_history : "order_id"
    fct_orders ||--o{ fct_webhook_deliveries : "order_id"
    fct_orders ||--o{ webhook_gaps : "order_id"
    dim_dates ||--o| session_conversion_daily : "date = cohort_date"
    dim_dates ||--o{ session_revenue_daily : "date = cohort_date"
    dim_dates ||--o{ orders_daily : "date"
    dim_dates ||--o{ delivery_latency_daily : "date = cohort_date"
    dim_dates ||--o{ webhook_health_daily : "date = event_date"
    dim_dates ||--o{ delivery_latency_weekly : "week_start"
    dim_dates ||--o{ delivery_sla_weekly : "week_start"
    dim_dates ||--o{ metric_alerts : "date"
    fct_orders ||--o| orders_open : "order_id"
    delivery_latency_summary ||--o{ delivery_latency_curve : "stage, period (dimension all)"
```

`fct_webhook_deliveries` also has logs of orders that `fct_orders` does not have (`is_orphan`).
`data_freshness` stands alone: it says how far all the others can be trusted.
"""


_METRICS = """From `sql/metrics.yaml`, as are the headlines of the report, `printora metrics`, and
the semantic file for BI tools (`printora metrics --semantic FILE`). A share is in 0..1.
"""


def data_dictionary(project: Project) -> str:
    """Return the whole document."""
    types = _types(project)
    marts = [model for model in project.models if model.schema == "analytics"]
    inner = [model for model in project.models if model.schema != "analytics"]
    parts = [
        _HEAD,
        "## Marts (`analytics`)\n",
        *(_model(model, types) for model in sorted(marts, key=lambda m: m.name)),
        "## Metrics\n",
        _metrics(load_metrics(project)),
        "## Checks\n",
        _checks(project.checks),
        "## Raw tables (`printora_raw`)\n",
        *(_raw(table) for table in TABLES),
        "## Staging and intermediate\n",
        "The way from the raw tables to the marts. Not a contract: these change without notice.\n",
        *(_model(model, types) for model in sorted(inner, key=lambda m: m.qualified)),
    ]
    return "\n".join(parts).rstrip() + "\n"


def _types(project: Project) -> Types:
    """Build everything without any data, to learn the columns' types."""
    with duckdb.connect() as connection:
        results = build(connection, project, ModelSettings())
    return {result.name: {c.name: c.type for c in result.columns} for result in results}


def _model(model: Model, types: Types) -> str:
    grain = model.grain[0].upper() + model.grain[1:]
    rows = ((c.name, types[model.qualified][c.name], c.description) for c in model.columns)
    return f"### `{model.qualified}`\n\n{model.description} {grain}.\n\n{_table(rows)}"


def _raw(table: Table) -> str:
    rows = ((c.name, c.kind, c.description) for c in table.columns)
    return f"### `printora_raw.{table.name}`\n\n{table.description}\n\n{_table(rows)}"


def _metrics(metrics: Iterable[Metric]) -> str:
    """Return each metric's meaning, limits and formula."""
    lines = [_METRICS, "| metric | unit | what it is, and what it is not | computed as |"]
    lines += ["| --- | --- | --- | --- |"]
    lines += [
        f"| `{metric.name}`<br>{metric.label} | {metric.unit} | {_cell(metric.text)} "
        f"| `{_cell(metric.value)}` of `{metric.model}`{_where(metric)} |"
        for metric in metrics
    ]
    return "\n".join(lines) + "\n"


def _where(metric: Metric) -> str:
    return f" where `{_cell(metric.where)}`" if metric.where else ""


def _checks(checks: Iterable[Check]) -> str:
    head = "| check | severity | what it guards against | what to do |"
    lines = [head, "| --- | --- | --- | --- |"]
    lines += [
        f"| `{check.name}` | {check.severity} | {_cell(check.description)} | {_cell(check.todo)} |"
        for check in checks
    ]
    return "\n".join(lines) + "\n"


def _table(rows: Iterable[tuple[str, str, str]]) -> str:
    return "\n".join(["| column | type | meaning |", "| --- | --- | --- |", *_lines(rows)]) + "\n"


def _lines(rows: Iterable[tuple[str, str, str]]) -> Iterator[str]:
    for name, kind, meaning in rows:
        yield f"| `{name}` | {kind.lower()} | {_cell(meaning)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    output = Path(sys.argv[1]) if sys.argv[1:] else PATH
    output.write_text(data_dictionary(load_project()), encoding="utf-8")
    sys.stdout.write(f"{output}\n")
