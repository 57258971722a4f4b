"""A real PostgreSQL, started once, and an empty database of it for each test."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "readers"))
sys.path.append(str(Path(__file__).parents[1] / "sync"))
sys.path.append(str(Path(__file__).parents[1] / "models"))
sys.path.append(str(Path(__file__).parents[1] / "cli"))

from postgres_support import database, postgres


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The URL of a server whose zone has clocks that change."""
    with postgres() as url:
        yield url


@pytest.fixture
def url(server: str) -> Iterator[str]:
    """The URL of an empty database."""
    with database(server) as name:
        yield name
