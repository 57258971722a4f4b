"""The semantic file for BI tools: marts, their columns and references, and the metrics.

In: the models' headers, ``sql/metrics.yaml``, and the columns' types in a built warehouse.
Out: one document in the form of Apache Ossie (before: Open Semantic Interchange).
Alone: ``printora metrics --semantic FILE``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pipelines.warehouse.metrics import Metric

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from pipelines.warehouse.project import Model, Project

#: Column to type, by table.
Types = dict[str, dict[str, str]]

#: The form's version, which is a draft's: a reader of another one refuses the file by it.
VERSION = "0.2.0.dev0"
#: The schema of what readers may build on.
_SCHEMA = "analytics"
_TIMES = ("DATE", "TIMESTAMP")


def semantic_file(
    connection: DuckDBPyConnection, project: Project, metrics: Sequence[Metric]
) -> str:
    """Return the document as YAML; the columns are those that the connection's marts have."""
    import yaml

    types = _types(connection)
    models = [model for model in project.models if model.qualified in types]
    document = {
        "version": VERSION,
        "name": "printora",
        "description": "Sessions, orders, deliveries and webhooks of a Printora partner.",
        "datasets": [_dataset(model, types[model.qualified]) for model in models],
        "relationships": [*_references(models, types), *_dates(metrics)],
        "metrics": [_metric(metric) for metric in metrics],
    }
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)


def _types(connection: DuckDBPyConnection) -> Types:
    rows = connection.execute(
        "select schema_name || '.' || table_name, column_name, data_type from duckdb_columns() "
        "where schema_name = ? order by column_index",
        [_SCHEMA],
    ).fetchall()
    types: Types = {}
    for table, column, kind in rows:
        types.setdefault(table, {})[column] = kind
    return types


def _dataset(model: Model, types: Mapping[str, str]) -> dict[str, Any]:
    # A snapshot for readers lacks the columns about people, a key of persons among them.
    key = list(model.key) if types.keys() >= set(model.key) else []
    return {
        "name": model.name,
        "source": model.qualified,
        **({"primary_key": key} if key else {}),
        "description": model.text,
        "fields": [
            {
                "name": column.name,
                "expression": _expression(column.name),
                "dimension": {"is_time": types[column.name].startswith(_TIMES)},
                "description": column.description,
            }
            for column in model.columns
            if column.name in types
        ],
    }


def _references(models: Sequence[Model], types: Types) -> Iterator[dict[str, Any]]:
    keys = {model.qualified: model.key[0] for model in models}
    for model in models:
        for column, target in model.contract.references.items():
            is_published = column in types[model.qualified] and target in keys
            if is_published and keys[target] in types[target]:
                yield _relationship(model.name, column, target, keys[target])


def _dates(metrics: Sequence[Metric]) -> Iterator[dict[str, Any]]:
    """Let each metric's date be a day of the calendar, which has weeks and months."""
    for model, column in sorted({(metric.model, metric.time) for metric in metrics if metric.time}):
        yield _relationship(model.partition(".")[2], column, f"{_SCHEMA}.dim_dates", "date")


def _relationship(model: str, column: str, target: str, key: str) -> dict[str, Any]:
    return {
        "name": f"{model}_{column}",
        "from": model,
        "to": target.partition(".")[2],
        "from_columns": [column],
        "to_columns": [key],
    }


def _metric(metric: Metric) -> dict[str, Any]:
    return {
        "name": metric.name,
        "expression": _expression(metric.standalone),
        "description": metric.text,
        "ai_context": {"synonyms": [metric.label]},
    }


def _expression(sql: str) -> dict[str, Any]:
    return {"dialects": [{"dialect": "ANSI_SQL", "expression": sql}]}
