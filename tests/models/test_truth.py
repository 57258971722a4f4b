"""All rows of all marts, compared with what plain Python makes of the same history."""

from __future__ import annotations

import math
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

import pytest
from model_support import Warehouse, project, undescribed
from truth_marts import Marts
from truth_world import History, Row, Scenario, insert

from pipelines.warehouse.build import build
from pipelines.warehouse.checks import run_checks

#: One worker builds the worlds, for all of these tests.
pytestmark = pytest.mark.xdist_group("truth")
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
        troubled=True,
        days=70,
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
        troubled=True,
    ),
    Scenario(
        "nothing but looks tells any time; the zone is far east, half an hour off",
        zone="Asia/Kolkata",
        order_times=False,
        lost=1.0,
        looks=50,
        seed=42,
        days=70,
    ),
    Scenario(
        "orders tell their times, some are gone, and logs come late or never; the zone is far west",
        zone="Pacific/Honolulu",
        lost=0.2,
        late=0.1,
        repeated=0.1,
        ledger_coverage=0.9,
        paid_word="paid",
        looks=3,
        seed=77,
        troubled=True,
    ),
]
MARTS = sorted(m.name for m in project().models if m.schema == "analytics")


#: What is easily got wrong: a mart, and the rows of it that some world must have.
WORTH_COMPARING = {
    "several orders in a session": ("fct_sessions", "orders > 1 and source = 'ledger'"),
    "a session that only an order shows": ("fct_sessions", "source = 'order'"),
    "a session that only an event shows": ("fct_sessions", "source = 'event'"),
    "a conversion that was cancelled": ("fct_sessions", "is_converted and not is_converted_net"),
    "a deleted order": ("fct_orders", "deleted_at is not null"),
    "a second currency": ("fct_orders", "currency = 'EUR'"),
    "a time between two looks": ("fct_orders", "shipped_at_source = 'interval'"),
    "a cohort that can still convert": ("session_conversion_daily", "not is_mature"),
    "a day of 23 hours": ("dim_dates", "hours = 23"),
    "orders that were never paid": (
        "delivery_latency_daily",
        "stage = 'created_to_paid' and open > 0",
    ),
    "cancelled orders": ("delivery_latency_daily", "cancelled > 0"),
    "an end at an unknown time": ("delivery_latency_summary", "untimed > 0"),
    "a median of the weeks before the last": (
        "delivery_latency_summary",
        "period = 'previous_28_days' and p50_hours is not null",
    ),
    "an event still being tried": ("webhook_health_daily", "retrying > 0"),
    "an event that failed for good": ("webhook_health_daily", "failed > 0"),
    "an event out of order": ("webhook_health_daily", "out_of_order > 0"),
    "an event with two logs": ("webhook_health_daily", "repeated > 0"),
    "an event of an unknown order": ("webhook_health_daily", "orphans > 0"),
    "an event that was lost": ("webhook_gaps", "explanation = 'none'"),
}


@cache
def built(scenario: Scenario) -> tuple[Warehouse, Marts]:
    """Fill and build one world, and compute its marts the other way."""
    history = History.of(scenario)
    warehouse = Warehouse()
    insert(warehouse.connection, history.raw())
    build(warehouse.connection, undescribed(), history.settings)
    return warehouse, Marts(history)


@pytest.fixture(scope="module", params=SCENARIOS, ids=lambda scenario: scenario.name)
def world(request: pytest.FixtureRequest) -> tuple[Warehouse, Marts]:
    """Return one world and its marts by the other way."""
    return built(request.param)


@pytest.mark.parametrize("what", WORTH_COMPARING)
def test_some_world_has_what_is_easily_got_wrong(what: str) -> None:
    """A comparison proves nothing about what happens in none of the worlds."""
    mart, condition = WORTH_COMPARING[what]
    query = f"select 1 from analytics.{mart} where {condition} limit 1"  # noqa: S608
    assert any(built(world)[0].connection.execute(query).fetchall() for world in SCENARIOS)


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
    return tuple(f"{v:.7f}" if isinstance(v, (float, Decimal)) else str(v) for v in values)


def _same(found: Row, expected: Row) -> bool:
    return all(_equal(found[name], expected[name]) for name in expected)


def _equal(found: Any, expected: Any) -> bool:
    if isinstance(found, float) and isinstance(expected, (int, float)):
        return math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-9)
    if isinstance(found, datetime) and isinstance(expected, datetime):
        return found.timestamp() == expected.timestamp()
    return bool(found == expected)
