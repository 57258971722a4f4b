"""A short day in which everything goes wrong once, on DuckDB and on PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest
from one_day import day
from thorough import THOROUGH

pytestmark = pytest.mark.xdist_group("postgres")


# `bench/day.py` has both live through 96 ticks.
@pytest.mark.parametrize("engine", ["duckdb", "postgres"] if THOROUGH else ["postgres"])
def test_nothing_is_lost_on_a_bad_day(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Broken: rows are lost, a certificate is false, readers have an old snapshot, or the shop
    has no quota left."""
    url = request.getfixturevalue("url") if engine == "postgres" else None
    with day(tmp_path, 60, url) as one:
        one.run(5, {1: "killed", 2: "locked", 3: "quota"})
        assert one.complete >= 3, one.failed
