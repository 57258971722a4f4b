"""What a process has done that others are begun from: see ``preloaded``."""

# ruff: noqa: F401 - imported for the processes that are begun from this one

from __future__ import annotations

import dlt._workspace._plugins
import dlt.destinations.impl.duckdb.duck
import dlt.sources.helpers.requests
import duckdb
import filelock
import pandas as pd  # which pyarrow imports where it is
import pyarrow.parquet
import sqlglot.optimizer
import typer._adapters

import pipelines.cli.app
import pipelines.cli.elsewhere
import pipelines.cli.examinations
import pipelines.cli.job
import pipelines.cli.status
import pipelines.cli.withdrawing
import pipelines.people.forgetting
import pipelines.report
import pipelines.sandbox
import pipelines.sync.runner
import pipelines.sync.wiring
import pipelines.warehouse.build
from pipelines.warehouse import load_project

load_project()  # What it parses is kept.
