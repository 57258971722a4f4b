"""An empty warehouse for each test."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("model_support")

from model_support import Warehouse  # noqa: E402 - after its asserts are told to explain themselves


@pytest.fixture
def warehouse() -> Warehouse:
    """Return a warehouse in memory that has the raw tables, empty."""
    return Warehouse()
