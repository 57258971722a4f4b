"""All rows of all marts, compared with what plain Python makes of the same history."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

import pytest
from model_support import Warehouse, project
from truth_marts import Marts
from truth_world import History, Row, Scenario, insert

from pipelines.warehouse.build import build
from pipelines.warehouse.checks import run_checks

SCENARIOS = [
    Scenario("orders tell their times"),
    Scenario(
        "only events tell times, and many are lost; the zone is west, clocks change",
        zone="America/New_York",
        order_times=False,
        lost=0.15,
        late=0.1,
        repeated=0.1,
        looks=6,
        seed=11,
    ),
    Scenario(
        "one look, poor logs, a ledger with holes; the zone is east, clocks change",
        zone="Europe/Berlin",
        order_times=False,
        log_times="created",
        lost=0.3,
        repeated=0.2,
        ledger_coverage=0.8,
        paid_word="paid",
        seed=23,
    ),
    Scenario(
        "nothing but looks tells any time; the zone is far east, half an hour off",
        zone="Asia/Kolkata",
        order_times=False,
        lost=1.0,
        looks=20,
        seed=42,
    ),
]
MARTS = sorted(m.name for m in project().models if m.schema == "analytics")


@pytest.fixture(scope="module", params=SCENARIOS, ids=lambda scenario: scenario.name)
def world(request: pytest.FixtureRequest) -> tuple[Warehouse, Marts]:
    """Fill and build one world, and compute its marts the other way."""
    history = History.of(request.param)
    warehouse = Warehouse()
    insert(warehouse.connection, history.raw())
    build(warehouse.connection, project(), history.settings)
    return warehouse, Marts(history)


@pytest.mark.parametrize("mart", MARTS)
def test_every_row_of_the_mart_is_the_truth(world: tuple[Warehouse, Marts], mart: str) -> None:
    """Any wrong join, zone, tie or denominator in any mart shows as a row that differs."""
    warehouse, marts = world
    expected = list(getattr(marts, mart)())
    key = next(m.key for m in project().models if m.name == mart)
    names = list(expected[0]) if expected else list(key)
    found = _rows(warehouse, mart, names)
    by_key = {_key(row, key): row for row in expected}
    assert sorted(_key(row, key) for row in found) == sorted(by_key)
    pairs = [(row, by_key[_key(row, key)]) for row in found]
    different = [pair for pair in pairs if not _same(*pair)]
    assert not different, different[:2]


def test_no_check_of_severity_error_fails_on_the_truth(world: tuple[Warehouse, Marts]) -> None:
    """A check that fails on good data would be switched off, and then never warn again."""
    warehouse, _ = world
    results = run_checks(warehouse.connection, project())
    failed = [r.check.name for r in results if not r.passed and r.check.severity == "error"]
    assert failed == []


def _rows(warehouse: Warehouse, mart: str, names: list[str]) -> list[Row]:
    query = f"select {', '.join(names)} from analytics.{mart}"  # noqa: S608
    rows = warehouse.connection.execute(query).fetchall()
    return [dict(zip(names, row, strict=True)) for row in rows]


def _key(row: Row, key: tuple[str, ...]) -> tuple[str, ...]:
    values = (row[name] for name in key)
    return tuple(f"{v:.7f}" if isinstance(v, float) else str(v) for v in values)


def _same(found: Row, expected: Row) -> bool:
    return all(_equal(found[name], expected[name]) for name in expected)


def _equal(found: Any, expected: Any) -> bool:
    if isinstance(found, float) and isinstance(expected, (int, float)):
        return math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-9)
    if isinstance(found, datetime) and isinstance(expected, datetime):
        return found.timestamp() == expected.timestamp()
    return bool(found == expected)
