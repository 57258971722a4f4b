"""The dlt source on its own, in a pipeline that is not ours."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dlt
import pytest
from dlt.pipeline.exceptions import PipelineStepFailed

from pipelines.client.wire import V1_0, V1_1
from pipelines.clock import ManualClock
from pipelines.printora import printora_source
from pipelines.sandbox import (
    DEFAULT_KEY,
    DEFAULT_PARTNER,
    Behaviour,
    Limits,
    Sandbox,
    SandboxConfig,
    WorldOptions,
)
from pipelines.settings import Settings

CLOCK = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    config = SandboxConfig(
        world=WorldOptions(orders=300, seed=7), ledger_path=tmp_path / "ledger.jsonl"
    )
    return Sandbox(config, clock=ManualClock(CLOCK))


@pytest.fixture
def pipeline(tmp_path: Path) -> Any:
    """A pipeline as somebody else would make it."""
    return dlt.pipeline(
        "mine",
        destination=dlt.destinations.duckdb(str(tmp_path / "mine.duckdb")),
        dataset_name="raw",
        pipelines_dir=str(tmp_path / "dlt"),
    )


def settings(base_url: str, tmp_path: Path) -> Settings:
    return Settings(
        api_key=DEFAULT_KEY,
        partner_id=DEFAULT_PARTNER,
        base_url=base_url,
        contract=V1_0,
        warehouse_path=tmp_path / "unused.duckdb",
        session_ledger=str(tmp_path / "ledger.jsonl"),
    )


def count(pipeline: Any, table: str) -> int:
    with pipeline.sql_client() as client:
        return int(client.execute_sql(f"select count(*) from {table}")[0][0])  # noqa: S608


def test_three_resources_hold_what_the_sandbox_has(
    sandbox: Sandbox, pipeline: Any, tmp_path: Path
) -> None:
    """Rows would be lost or doubled by a source that pages or merges wrongly."""
    with sandbox.serve() as server:
        for _ in range(2):
            pipeline.run(printora_source(settings(server.base_url, tmp_path), clock=sandbox.clock))
    truth = sandbox.truth
    assert count(pipeline, "orders") == truth.orders().num_rows
    assert count(pipeline, "webhook_logs") == truth.webhook_logs().num_rows
    assert count(pipeline, "sessions") == truth.sessions().num_rows


def test_a_bad_record_goes_to_quarantine_and_the_rest_arrives(
    sandbox: Sandbox, pipeline: Any, tmp_path: Path
) -> None:
    """One line of the ledger that is no session would stop the load, or vanish."""
    with sandbox.serve() as server:
        with (tmp_path / "ledger.jsonl").open("a") as ledger:
            ledger.write('{"created_at": "yesterday"}\n')
            ledger.write('{"session_id": "s", "created_at": "03/04/2026"}\n')
        pipeline.run(printora_source(settings(server.base_url, tmp_path), clock=sandbox.clock))
    assert count(pipeline, "quarantine") == count(pipeline, "value_issues") == 1
    assert count(pipeline, "sessions") == sandbox.truth.sessions().num_rows + 1


def test_one_resource_can_be_chosen(sandbox: Sandbox, pipeline: Any, tmp_path: Path) -> None:
    """Who wants orders only would pay for the logs' requests too."""
    with sandbox.serve() as server:
        source = printora_source(settings(server.base_url, tmp_path), clock=sandbox.clock)
        pipeline.run(source.with_resources("orders"))
    assert set(sandbox.requests.by_path) == {f"GET /api/v1/partners/{DEFAULT_PARTNER}/orders"}


def test_a_list_that_cannot_be_followed_is_an_error(
    sandbox: Sandbox, pipeline: Any, tmp_path: Path
) -> None:
    """A list in a new order at each request would be loaded with rows missing, as a success."""
    sandbox.set_behaviour(sort="shuffled", page_clamp=20, total="missing")
    with sandbox.serve() as server:
        source = printora_source(settings(server.base_url, tmp_path), clock=sandbox.clock)
        with pytest.raises(PipelineStepFailed, match="cannot be read whole"):
            pipeline.run(source.with_resources("orders"))


def test_version_1_1_gives_the_same_rows(pipeline: Any, tmp_path: Path) -> None:
    """The other version's paths, envelope and names would load nothing, or other columns."""
    config = SandboxConfig(
        world=WorldOptions(orders=300, seed=7),
        behaviour=Behaviour.v1_1(),
        limits=Limits.v1_1(),
        ledger_path=tmp_path / "ledger.jsonl",
    )
    sandbox = Sandbox(config, clock=ManualClock(CLOCK))
    with sandbox.serve() as server:
        chosen = replace(settings(server.base_url, tmp_path), contract=V1_1)
        pipeline.run(printora_source(chosen, clock=sandbox.clock))
    assert count(pipeline, "orders") == sandbox.truth.orders().num_rows
    assert count(pipeline, "webhook_logs") == sandbox.truth.webhook_logs().num_rows
