"""A warehouse with a little of everything, its marts built."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

# The worlds and the helpers are those of the models' tests.
sys.path.insert(0, str(Path(__file__).parents[1] / "models"))

from model_support import Warehouse, undescribed
from truth_world import History, Scenario, insert

from pipelines.warehouse.build import build


@pytest.fixture(scope="session")
def world() -> Warehouse:
    """Return a world in which every part of the report has something to show."""
    scenario = Scenario("report", lost=0.05, repeated=0.05, ledger_coverage=0.95, seed=9)
    history = History.of(scenario)
    warehouse = Warehouse()
    insert(warehouse.connection, history.raw())
    build(warehouse.connection, undescribed(), history.settings)
    return warehouse


@pytest.fixture
def warehouse() -> Warehouse:
    """Return an empty warehouse."""
    return Warehouse()
