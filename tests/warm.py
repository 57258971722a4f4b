"""What a process has done that others are begun from: see ``preloaded``."""

# ruff: noqa: F401 - imported for the processes that are begun from this one

from __future__ import annotations

import dlt.destinations.impl.duckdb.factory
import duckdb
import pyarrow.parquet
import sqlglot.optimizer

import pipelines.cli.app
import pipelines.report
import pipelines.sandbox
import pipelines.sync.runner
import pipelines.warehouse.build
from pipelines.warehouse import load_project

load_project()  # What it parses is kept.
