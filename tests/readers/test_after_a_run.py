"""When a run publishes, and when readers keep what they have."""

from __future__ import annotations

import json
from pathlib import Path

import dagster as dg
import pytest
from typer.testing import CliRunner

from assets.published import published_asset
from assets.resources import resources
from assets.settings import Automation
from pipelines.cli.app import app
from pipelines.warehouse import connect, load_project


@pytest.fixture(autouse=True)
def settings(warehouse: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the commands find the warehouse."""
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(warehouse))


def _snapshots(warehouse: Path) -> list[Path]:
    return list(warehouse.parent.glob("*.published*"))


#: What a check of severity error objects to: a sync that proved nothing, an order that is gone.
_FAILED_SYNC = (
    "insert into printora_raw.sync_runs by name select * replace (sync_id || '-2' as sync_id, "
    "'failed' as outcome, null as complete_as_of) from printora_raw.sync_runs"
)
_LOST_ORDER = "delete from analytics.fct_orders where session_id is not null"


def _break(warehouse: Path, damage: str) -> None:
    with connect(warehouse) as connection:
        connection.execute(damage)


def test_a_build_of_the_whole_is_published(warehouse: Path) -> None:
    """Broken: BI tools show last month's figures, or open the file that runs write to."""
    done = CliRunner().invoke(app, ["build"])
    assert done.exit_code == 0, done.output
    assert "Published for readers: " in done.stdout
    assert len(_snapshots(warehouse)) == 2
    assert warehouse.with_name("printora.published.duckdb").exists()
    with connect(warehouse) as connection:
        connection.execute("update printora_raw.sync_runs set rows_stored = 0")
    status = json.loads(CliRunner().invoke(app, ["status", "--json"]).stdout)
    assert status["published_at"] is not None


def test_what_is_not_a_good_build_of_the_whole_is_not_published(warehouse: Path) -> None:
    """Broken: readers get marts that disagree, or that a check objects to."""
    runner = CliRunner()
    assert runner.invoke(app, ["build", "--select", "analytics.dim_dates"]).exit_code == 0
    _break(warehouse, _FAILED_SYNC)
    done = runner.invoke(app, ["build"])
    assert done.exit_code == 1
    assert "Not published: " in done.stderr
    assert "Readers have no snapshot yet." in done.stderr
    done = runner.invoke(app, ["publish"])
    assert (done.exit_code, "Not published: " in done.stderr) == (1, True)
    assert _snapshots(warehouse) == []


def test_it_can_be_switched_off_and_put_elsewhere(
    warehouse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Broken: whoever must not publish cannot say so."""
    runner = CliRunner()
    monkeypatch.setenv("SOURCES__PRINTORA__PUBLISH_TO", "off")
    assert "is off" in runner.invoke(app, ["publish"]).stderr
    assert runner.invoke(app, ["build"]).exit_code == 0
    assert _snapshots(warehouse) == []
    (tmp_path / "bi").mkdir()
    monkeypatch.setenv("SOURCES__PRINTORA__PUBLISH_TO", str(tmp_path / "bi" / "shop.duckdb"))
    done = runner.invoke(app, ["publish", "--json"])
    assert done.exit_code == 0, done.output
    assert '"analytics.fct_orders"' in done.stdout
    assert (tmp_path / "bi" / "shop.duckdb").stat().st_mode & 0o777 == 0o444
    done = runner.invoke(app, ["publish", "--parquet", str(tmp_path / "lake")])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "lake" / "manifest.json").exists()


def test_dagster_publishes_what_no_check_objects_to(warehouse: Path) -> None:
    """Broken: a deployment under Dagster has no snapshot, or one that the command line refuses."""
    asset = published_asset(load_project(), Automation())
    done = dg.materialize([asset], resources=resources())
    (event,) = done.get_asset_materialization_events()
    assert event.materialization.metadata["tables"].value == len(list(asset.dependency_keys))
    before = warehouse.with_name("printora.published.duckdb").stat()
    _break(warehouse, _LOST_ORDER)
    done = dg.materialize([asset], resources=resources())
    assert done.success
    assert done.get_asset_materialization_events() == []
    assert warehouse.with_name("printora.published.duckdb").stat() == before
