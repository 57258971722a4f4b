"""Rows in, models built, rows out: as tables of text that can be read in a test.

```
warehouse.given("orders", '''
    order_id | status | created_at
    o1       | paid   | 03-01 10:00
''')
warehouse.expect("analytics.fct_orders", '''
    order_id | is_paid
    o1       | true
''')
```

A cell that holds ``-`` is null. Times are UTC; without a year they are in 2026.
"""

from __future__ import annotations

import re
import weakref
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from itertools import count
from typing import Any

import duckdb

from pipelines.source.schema import TABLES
from pipelines.warehouse import ModelSettings
from pipelines.warehouse.build import build
from pipelines.warehouse.project import Project
from pipelines.warehouse.raw import ensure_raw_tables
from pipelines.warehouse.sql_files import load_project

_SHORT_TIME = re.compile(r"(\d\d-\d\d)( \d\d:\d\d(:\d\d(\.\d+)?)?)?$")
_NUMBERS = count()
_RAW = {table.name: {column.name: column.kind for column in table.columns} for table in TABLES}


@cache
def project() -> Project:
    """Read ``sql/`` once for all tests."""
    return load_project()


def upstream(*models: str) -> set[str]:
    """Return the models with all that they are built from."""
    by_name = {model.qualified: model for model in project().models}
    found: set[str] = set()
    waiting = list(models)
    while waiting:
        name = waiting.pop()
        if name in by_name and name not in found:
            found.add(name)
            waiting += by_name[name].depends_on
    return found


@cache
def undescribed() -> Project:
    """Return the same models without what their columns mean: comments take time."""
    models = tuple(
        replace(model, columns=tuple(replace(column, description="") for column in model.columns))
        for model in project().models
    )
    return replace(project(), models=models)


@cache
def _engine() -> duckdb.DuckDBPyConnection:
    """Return the DuckDB that all tests of a worker share, with the raw tables to be copied.

    Of so few rows one thread does everything; a second one would only take time of its own.
    """
    engine = duckdb.connect(config={"threads": 1})
    engine.execute("attach ':memory:' as template; use template")
    ensure_raw_tables(engine)
    return engine


def empty() -> duckdb.DuckDBPyConnection:
    """Return a connection to a database of its own, which lives as long and has the raw tables."""
    connection, name = _engine().cursor(), f"w{next(_NUMBERS)}"
    connection.execute(f"attach ':memory:' as {name}; copy from database template to {name}")
    connection.execute(f"use {name}")
    weakref.finalize(connection, _engine().execute, f"detach {name}").atexit = False
    return connection


class Warehouse:
    """An empty warehouse in memory. What is given goes to the raw tables."""

    def __init__(self) -> None:
        self.connection = empty()
        self.settings: dict[str, Any] = {}
        self._built: set[str] = set()

    def given(self, table: str, text: str) -> None:
        """Insert the rows into the raw table. Columns that are not named are null."""
        names, *rows = parse(text)
        kinds = _RAW[table]
        values = [
            [_raw(value, kinds[name]) for name, value in zip(names, row, strict=True)]
            for row in rows
        ]
        marks, columns = ", ".join("?" for _ in names), ", ".join(names)
        self.connection.executemany(
            f"insert into printora_raw.{table} ({columns}) values ({marks})",  # noqa: S608
            values,
        )
        self._built.clear()

    def looked_at(self, moment: str) -> None:
        """Certify every resource complete as of that time: it takes the place of now."""
        rows = (
            f"r1 | {resource} | {moment} | {moment} | complete | whole walk"
            for resource in ("orders", "webhook_logs", "sessions")
        )
        header = "sync_id | resource | ended_at | complete_as_of | outcome | evidence"
        self.given("sync_runs", "\n".join([header, *rows]))

    def build(self, *models: str) -> None:
        """Build the models and what they are built from; all of them if none is named."""
        wanted = upstream(*models) if models else {m.qualified for m in project().models}
        if missing := wanted - self._built:
            build(self.connection, undescribed(), ModelSettings(**self.settings), select=missing)
            self._built |= missing

    def rows(self, model: str, *columns: str, where: str = "true") -> list[tuple[str, ...]]:
        """Build what is needed and return the columns as text, rows in order."""
        self.build(model)
        query = f"select {', '.join(columns)} from {model} where {where}"  # noqa: S608
        rows = self.connection.execute(query).fetchall()
        return sorted(tuple(shown(value) for value in row) for row in rows)

    def expect(self, model: str, text: str, where: str = "true") -> None:
        """Assert that the model has exactly these rows, looking only at the columns named."""
        names, *rows = parse(text)
        assert self.rows(model, *names, where=where) == sorted(tuple(row) for row in rows)


def parse(text: str) -> list[list[str]]:
    """Split a table of text into rows of cells; the first row has the names."""
    return [[cell.strip() for cell in line.split("|")] for line in _lines(text)]


def _lines(text: str) -> Iterator[str]:
    return (line for line in text.splitlines() if line.strip())


def _raw(value: str, kind: str) -> Any:
    if value == "-":
        return None
    return moment(value) if kind == "time" else value


def moment(text: str) -> datetime:
    """Read a time as tests write it."""
    full = f"2026-{text}" if _SHORT_TIME.match(text) else text
    return datetime.fromisoformat(full).replace(tzinfo=UTC)


def shown(value: Any) -> str:
    """Write a value as tests do: UTC without the year 2026, six decimals, ``-`` for null."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        text = value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f").removeprefix("2026-")
        return text.removesuffix(".000000").removesuffix(":00")
    if isinstance(value, date):
        return value.isoformat().removeprefix("2026-")
    if isinstance(value, float):
        text = f"{value:.6f}".rstrip("0").rstrip(".")
        return "0" if text == "-0" else text
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    return str(value)
