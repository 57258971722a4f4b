"""A folder for a project, and an empty warehouse."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipelines.warehouse import connect

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return the folder that stands for ``sql/``."""
    folder = tmp_path / "sql"
    folder.mkdir()
    return folder


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the warehouse goes."""
    return tmp_path / "printora.duckdb"


@pytest.fixture
def connection(path: Path) -> Iterator[DuckDBPyConnection]:
    """Open a new warehouse, in a real file."""
    with connect(path) as opened:
        yield opened
