"""The dlt source on its own, in a pipeline that is not ours."""

from __future__ import annotations

import gc
import logging
import warnings
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dlt
import pyarrow as pa
import pyarrow.parquet as pq
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
from pipelines.source import printora

CLOCK = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def silence(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Whatever dlt warns of, and each socket left open, is a failure."""
    logger = logging.getLogger("dlt")
    logger.addHandler(caplog.handler)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        yield
        gc.collect()
    logger.removeHandler(caplog.handler)
    told = [record.getMessage() for record in caplog.get_records("call")]
    assert [text for text in told if "In resource" in text or "Falling back" in text] == []


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


@pytest.fixture
def open_sandbox(tmp_path: Path) -> Sandbox:
    """One without limits: the source runs by this machine's clock."""
    config = SandboxConfig(
        world=WorldOptions(orders=60, seed=7),
        limits=Limits.off(),
        ledger_path=tmp_path / "ledger.jsonl",
    )
    return Sandbox(config)


@pytest.fixture
def arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What a user hands over; the working folder is theirs."""
    monkeypatch.chdir(tmp_path)
    return {
        "api_key": DEFAULT_KEY,
        "partner_id": DEFAULT_PARTNER,
        "session_ledger": str(tmp_path / "ledger.jsonl"),
    }


def test_one_object_runs_twice_and_its_clone_too(
    open_sandbox: Sandbox, pipeline: Any, arguments: dict[str, Any]
) -> None:
    """A second run would end with dlt's SourceExhausted, or load nothing."""
    with open_sandbox.serve() as server:
        source = printora(**arguments, base_url=server.base_url)
        other = printora.clone(name="other")(**arguments, base_url=server.base_url)
        for run in (source, source, source.clone(), other):
            orders = pipeline.run(run) and count(pipeline, "orders")
            assert pipeline.last_trace.last_normalize_info.row_counts["orders"] == orders
    assert orders == open_sandbox.truth.orders().num_rows


def test_a_pipeline_has_settings_of_its_own(
    open_sandbox: Sandbox,
    pipeline: Any,
    arguments: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two partners in one process would be read as one."""
    pipeline.activate()
    monkeypatch.setenv("SOURCES__PRINTORA__PARTNER_ID", "somebody-else")
    monkeypatch.setenv("MINE__SOURCES__PRINTORA__PARTNER_ID", arguments.pop("partner_id"))
    with open_sandbox.serve() as server:
        monkeypatch.setenv("SOURCES__PRINTORA__BASE_URL", server.base_url)
        pipeline.run(printora(api_key=arguments["api_key"]).with_resources("orders"))
    assert count(pipeline, "orders") == open_sandbox.truth.orders().num_rows


def test_a_map_is_handed_arrow_tables(
    open_sandbox: Sandbox, pipeline: Any, arguments: dict[str, Any]
) -> None:
    """The README's way to change what is loaded would not work."""
    with open_sandbox.serve() as server:
        source = printora(**arguments, base_url=server.base_url).with_resources("orders")
        source.orders.add_map(lambda table: table.slice(0, 5))
        pipeline.run(source)
    assert count(pipeline, "orders") == 5


def test_a_later_line_of_the_ledger_keeps_what_it_does_not_say(
    open_sandbox: Sandbox, pipeline: Any, arguments: dict[str, Any], tmp_path: Path
) -> None:
    """A line with a new status only would wipe out when the session was created."""
    with open_sandbox.serve() as server:
        with (tmp_path / "ledger.jsonl").open("a") as ledger:
            ledger.write('{"session_id": "s1", "created_at": "2026-05-01T10:00:00Z"}\n')
            ledger.write('{"session_id": "s1", "status": "expired"}\n')
        source = printora(**arguments, base_url=server.base_url)
        pipeline.run(source.with_resources("sessions"))
    with pipeline.sql_client() as client:
        sql = "select status, created_at from sessions where session_id = 's1'"
        ((status, created),) = client.execute_sql(sql)
    assert (status, created.astimezone(UTC).hour) == ("expired", 10)


@pytest.mark.parametrize("table_format", [None, "delta"])
def test_files_hold_each_row_once(
    open_sandbox: Sandbox,
    arguments: dict[str, Any],
    tmp_path: Path,
    table_format: Any,
) -> None:
    """A second run into a folder would double every row, or be refused by Delta."""
    pipeline = dlt.pipeline(
        "files",
        destination=dlt.destinations.filesystem(f"file://{tmp_path}/lake"),
        dataset_name="raw",
        pipelines_dir=str(tmp_path / "dlt"),
    )
    with open_sandbox.serve() as server:
        source = printora(**arguments, base_url=server.base_url)
        for _ in range(2):
            pipeline.run(source, loader_file_format="parquet", table_format=table_format)
    truth = open_sandbox.truth
    assert rows_in(tmp_path / "lake/raw/orders", table_format) == truth.orders().num_rows
    assert rows_in(tmp_path / "lake/raw/sessions", table_format) == truth.sessions().num_rows


def rows_in(folder: Path, table_format: str | None) -> int:
    if table_format:
        from deltalake import DeltaTable

        return int(pa.table(DeltaTable(str(folder)).to_pyarrow_table()).num_rows)
    return sum(pq.read_metadata(file).num_rows for file in folder.rglob("*.parquet"))
