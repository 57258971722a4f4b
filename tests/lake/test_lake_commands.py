"""The commands, where a lake is the destination and Sail builds the models."""

from __future__ import annotations

import json
import shutil
import signal
from operator import itemgetter
from pathlib import Path

import lake_child
import preloaded
import pyarrow.parquet as pq
import pytest
from lake_commands import assert_marts_are_duckdbs, printora
from lake_world import LakeWorld

from pipelines.clock import ManualClock
from pipelines.sandbox import Sandbox
from pipelines.settings import load_settings
from pipelines.warehouse import load_project
from pipelines.warehouse.lake import Lake, open_lake
from pipelines.warehouse.lake_lock import FOLDER

ZONE = "America/New_York"
DAYS = "analytics.dim_dates"
_LASTING = ("session_id", "total_amount", "currency", "created_at")


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """The lake that the commands write to."""
    return open_lake(f"file://{tmp_path}/lake")


def _killed(folder: Path, settings: dict[str, str], *arguments: str) -> None:
    """Run a command that is killed in the midst of its first load, and wait out its lease."""
    process = preloaded.process(lake_child.command, folder, settings, *arguments)
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    shutil.rmtree(folder / "lake" / FOLDER)


def _assert_has_what_the_api_has(sandbox: Sandbox) -> None:
    """Compare what does not change while the sandbox's clock goes on."""
    there, lasting = LakeWorld(sandbox, ManualClock(0), load_settings()), itemgetter(*_LASTING)
    stored = {key: lasting(row) for key, row in there.stored("orders").items()}
    assert stored == {key: lasting(row) for key, row in there.truth("orders").items()}


def test_a_run_loads_the_lake_and_its_marts_are_duckdbs(
    environment: dict[str, str], lake: Lake, tmp_path: Path, sandbox: Sandbox
) -> None:
    """Broken: rows of a lake are not the API's after a kill, or marts are not DuckDB's."""
    printora("sync")
    sandbox.changes.churn(6, 12)
    _killed(tmp_path, environment, "sync")
    ran = printora("run", "--json")
    assert ran["sync"]["outcome"] == "complete"
    assert len(ran["models"]) == len(load_project().models)
    _assert_has_what_the_api_has(sandbox)
    assert_marts_are_duckdbs(lake)
    status = printora("status", "--json")
    assert status["todo"] == "Nothing."
    assert status["warehouse"] == f"file://{tmp_path}/lake"


@pytest.mark.long
def test_the_commands_work(
    environment: dict[str, str], lake: Lake, tmp_path: Path, sandbox: Sandbox
) -> None:
    """Broken: a command says of a lake what is not so, or does not work on one."""
    ran = printora("run", "--json")
    assert ran["sync"]["sync_id"] in printora("certificates", "list")
    answer = printora("query", "select count(*) as n from analytics.fct_orders", "-f", "json")
    rows = lake.table("printora_raw.orders").to_pyarrow_dataset().count_rows()
    assert json.loads(answer) == [{"n": rows}]
    printora("query", "delete from analytics.fct_orders", code=2)
    printora("report", "--output", "report.html")
    assert "of sessions paid" in (tmp_path / "report.html").read_text()
    assert "Metrics" in printora("metrics")
    assert "tables in the lake" in printora("doctor")
    assert "is one of all models" in printora("build", "--select", "fct_orders", code=2)
    columns = {field.name: field.metadata for field in lake.table(DAYS).schema().fields}
    assert all(metadata.get("comment") for metadata in columns.values())
    version = lake.table(DAYS).version()
    compared = printora("compare", "--json")
    assert compared["checks_that_differ"] == []
    assert {m["model"]: m["example"] for m in compared["models"] if m["differing"]} == {}
    assert lake.table(DAYS).version() == version, "comparing replaces nothing"
    merged = printora("compact", "--keep-hours", "0", "--json")
    assert {table["table"] for table in merged["tables"]} > {DAYS, "printora_raw.orders"}
    assert_marts_are_duckdbs(lake)
    assert not list(tmp_path.glob("*.duckdb"))


@pytest.mark.long
def test_what_was_taken_back_or_forgotten_is_so_in_the_lake(
    environment: dict[str, str], lake: Lake, tmp_path: Path
) -> None:
    """Broken: who asked to be forgotten is in a file of the lake, or a certificate stands."""
    ran = printora("run", "--json")["sync"]
    printora("certificates", "withdraw", ran["sync_id"])
    assert printora("status", "--json", code=3)["complete_as_of"] is None
    assert printora("sync", "--json")["sync"]["resources"]["orders"]["evidence"] == "whole walk"
    people = lake.table("printora_raw.orders").to_pyarrow_table().to_pylist()
    order = next(row for row in people if row["customer_pseudonym"])
    assert order["customer_pseudonym"] in _bytes(tmp_path / "lake")
    printora("forget", order["order_id"])
    assert order["customer_pseudonym"] not in _bytes(tmp_path / "lake")
    printora("sync", "--full")
    assert order["customer_pseudonym"] not in _bytes(tmp_path / "lake")


def _bytes(folder: Path) -> set[str]:
    """Return every text of a column of pseudonyms in every Parquet file there is."""
    found: set[str] = set()
    for file in folder.rglob("*.parquet"):
        names = set(pq.read_schema(file).names)
        for name in names & {"customer_pseudonym", "customer_id"}:
            found |= set(pq.read_table(file, columns=[name])[name].to_pylist())
    return found


@pytest.mark.long
def test_a_warehouse_is_compared_before_it_moves(
    environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Broken: who wants to move to a lake cannot try it, or a lake that is in use is replaced."""
    monkeypatch.setenv("DESTINATION_TYPE", "duckdb")
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", "here.duckdb")
    printora("run")
    assert "models are equal" in printora("compare", "elsewhere")
    assert "raw tables already" in printora("compare", "elsewhere", code=2)


def test_what_is_missing_is_told_before_the_first_request(
    environment: dict[str, str], sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Broken: everything is loaded, and then the run says that nothing can build the models."""
    monkeypatch.setattr("pipelines.warehouse.spark.find_spec", lambda _: None)
    assert "Spark's client is not installed" in printora("run", code=2)
    monkeypatch.setenv("DESTINATION__FILESYSTEM__BUCKET_URL", "gs://bucket")
    assert "only folders and buckets of S3 were ever tried" in printora("run", code=2)
    monkeypatch.delenv("DESTINATION__FILESYSTEM__BUCKET_URL")
    assert "BUCKET_URL is not set" in printora("sync", code=2)
    assert sandbox.requests.count == 0
