"""What is heavy is imported by whoever uses it, and by nobody else."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"dlt", "duckdb", "numpy", "pyarrow", "sqlglot", "dagster", "matplotlib"}


@pytest.mark.parametrize("module", ["cli", "client", "lists", "settings", "sync"])
def test_what_is_heavy_is_loaded_by_nobody_who_does_not_need_it(module: str) -> None:
    """`--help` would take seconds, and a client's memory be twice what its answers need."""
    script = f"import sys, pipelines.{module}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert not HEAVY & set(done.stdout.split())
