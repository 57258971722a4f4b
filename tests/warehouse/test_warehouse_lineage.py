"""Column lineage: right where the answer is known, and there for the models that are shipped."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from warehouse_support import write_model

from pipelines.warehouse import load_project
from pipelines.warehouse.lineage import ColumnSource, Lineage


def test_columns_are_followed_through_ctes_joins_and_stars(root: Path) -> None:
    """Lineage that stops at a CTE says nothing: every model here is made of them."""
    write_model(
        root,
        "staging/s",
        "select order_id, total_amount as amount, status from printora_raw.orders",
        ["order_id", "amount", "status"],
    )
    write_model(
        root,
        "analytics/m",
        """
        with orders as (select * from staging.s),
        sessions as (select session_id, created_at from printora_raw.sessions),
        both_ as (
            select o.*, s.created_at, row_number() over (partition by status order by amount) as n
            from orders as o left join sessions as s on o.order_id = s.session_id
        )
        select order_id, max(amount) + min(created_at is null) as mixed, max(n) as n,
            count(*) as rows, 'EUR' as currency,
            (select report_time_zone from staging.build_settings) as zone
        from both_ group by order_id
        """,
        ["order_id", "mixed", "n", "rows", "currency", "zone"],
    )
    project = load_project(root, layers=())
    found = Lineage(project).of(project.select(["analytics.m"])[0])
    s = "staging.s"
    assert found == {
        "order_id": (ColumnSource(s, "order_id"),),
        "mixed": (ColumnSource("printora_raw.sessions", "created_at"), ColumnSource(s, "amount")),
        "n": (ColumnSource(s, "amount"), ColumnSource(s, "status")),
        "rows": (),
        "currency": (),
        "zone": (ColumnSource("staging.build_settings", "report_time_zone"),),
    }


def test_a_column_that_cannot_be_followed_stops_nothing(
    root: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The build is done when lineage is drawn: a parser's limits must not fail it, nor hide."""
    import sqlglot.lineage

    follow: Any = sqlglot.lineage.lineage

    def fail_on_b(column: str, *arguments: object, **options: object) -> Any:
        if column == "b":
            raise KeyError(column)
        return follow(column, *arguments, **options)

    monkeypatch.setattr(sqlglot.lineage, "lineage", fail_on_b)
    write_model(
        root, "analytics/m", "select status as a, status as b from printora_raw.orders", "ab"
    )
    project = load_project(root, layers=())
    with caplog.at_level(logging.WARNING):
        found = Lineage(project).of(project.models[0])
    assert found == {"a": (ColumnSource("printora_raw.orders", "status"),), "b": ()}
    assert "sql/analytics/m.sql: no lineage of b" in caplog.text


def test_the_shipped_models_have_lineage(caplog: pytest.LogCaptureFixture) -> None:
    """A whole model without lineage would look like one that reads nothing."""
    project = load_project()
    lineage = Lineage(project)
    with caplog.at_level(logging.WARNING):
        for model in project.models:
            columns = lineage.of(model)
            followed = [name for name, sources in columns.items() if sources]
            reads = {source.table for sources in columns.values() for source in sources}
            assert list(columns) == [column.name for column in model.columns]
            assert reads <= set(model.depends_on), model.place
            if model.schema == "analytics":
                # What is left are constants and counts of rows.
                assert len(followed) >= 0.7 * len(columns), model.place
    assert caplog.text == ""
