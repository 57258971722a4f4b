"""A built warehouse, made once and copied for each test."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from postgres_support import postgres

# The worlds that the models are compared with the truth in: readers must see the same.
sys.path.append(str(Path(__file__).parents[1] / "models"))

from truth_world import History, Scenario, insert

from pipelines.warehouse import build, connect, load_project
from pipelines.warehouse.raw import ensure_raw_tables


@pytest.fixture(scope="session")
def built_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse with every model, of a world with lost and late webhooks; for copying only."""
    path = tmp_path_factory.mktemp("built") / "printora.duckdb"
    world = History.of(Scenario("read", lost=0.2, late=0.1, repeated=0.1, looks=3), orders=200)
    with connect(path) as connection:
        ensure_raw_tables(connection)
        insert(connection, world.raw())
        build(connection, load_project(), world.settings)
    return path


@pytest.fixture
def warehouse(built_once: Path, tmp_path: Path) -> Path:
    """A warehouse of one's own, in a folder of one's own."""
    return Path(shutil.copy(built_once, tmp_path / "printora.duckdb"))


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The URL of a PostgreSQL server whose zone has clocks that change."""
    with postgres() as url:
        yield url
