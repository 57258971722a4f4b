"""Writes deploy/superset/dashboard/datasets from sql/metrics.yaml: what Superset may compute.

``make superset`` runs it; ``tests/readers/test_superset.py`` holds the files to the definitions.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from pipelines.warehouse import Metric, load_metrics, load_project

FOLDER = Path(__file__).parents[1] / "deploy/superset/dashboard"
#: The database's, by which Superset knows it again, as charts know a dataset by its own.
DATABASE = uuid.UUID("7b1f6a52-0d3c-4f0e-9c5e-1a2f3d4c5b60")
_FORMATS = {"count": ",.0f", "share": ".1%", "hours": ",.1f", "money": ",.2f"}


def datasets() -> dict[str, str]:
    """Return each mart that has metrics, by its name, as Superset's export has it."""
    project = load_project()
    texts = {model.qualified: model.text for model in project.models}
    by_mart: dict[str, list[Metric]] = {}
    for metric in load_metrics():
        by_mart.setdefault(metric.model, []).append(metric)
    return {
        mart.partition(".")[2]: yaml.safe_dump(
            _dataset(mart, texts[mart], metrics), sort_keys=False, allow_unicode=True, width=100
        )
        for mart, metrics in by_mart.items()
    }


def _dataset(mart: str, text: str, metrics: Sequence[Metric]) -> dict[str, Any]:
    schema, _, table = mart.partition(".")
    times = dict.fromkeys(metric.time for metric in metrics if metric.time)
    groups = dict.fromkeys(metric.by for metric in metrics if metric.by)
    return {
        "table_name": table,
        "schema": schema,
        "description": text,
        "main_dttm_col": next(iter(times), None),
        # The others come with their comments when Superset is told to sync the columns.
        "columns": [
            *({"column_name": name, "type": "DATE", "is_dttm": True} for name in times),
            *({"column_name": name, "type": "VARCHAR"} for name in groups),
        ],
        "metrics": [
            {
                "metric_name": metric.name,
                "verbose_name": metric.label,
                "expression": metric.standalone,
                "description": metric.text,
                "d3format": _FORMATS[metric.unit],
            }
            for metric in metrics
        ],
        "uuid": str(uuid.uuid5(DATABASE, table)),
        "database_uuid": str(DATABASE),
        "version": "1.0.0",
    }


def main() -> None:
    """Write the files anew, and delete those of marts that have no metric any more."""
    folder = FOLDER / "datasets/printora"
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.yaml"):
        path.unlink()
    for name, text in datasets().items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
