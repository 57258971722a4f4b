"""What Dagster is told of the project, and that telling it costs nothing."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster_support import ROOT, Place, start_dagster

from assets.definitions import definitions, defs
from assets.schedules import JOB
from assets.settings import Automation, load_automation
from pipelines.errors import ConfigurationError, ModelError
from pipelines.source.schema import TABLES
from pipelines.warehouse import load_project
from pipelines.warehouse.project import BUILD_SETTINGS


def test_loading_touches_no_database_and_needs_no_key(place: Place) -> None:
    """A code location that opens the warehouse locks it; one that needs a key cannot be shown."""
    code = """
import sys
import assets.definitions
print(sorted({"duckdb", "dlt", "pipelines.sync", "httpx"} & set(sys.modules)))
"""
    environment = {"PATH": "/usr/bin", "HOME": str(place.folder), **place.settings()}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr
    assert not place.warehouse.exists()


@pytest.mark.parametrize(
    ("command", "told"),
    [("check defs", "All definitions loaded successfully"), ("list defs --json", "fct_orders")],
)
def test_dg_knows_the_project_and_has_nothing_to_object_to(
    place: Place, command: str, told: str
) -> None:
    """`pyproject.toml` says that dg works here; its predecessors warn that they are superseded."""
    environment = {"DAGSTER_HOME": str(place.home), "NO_COLOR": "1"}
    with start_dagster(*command.split(), environment=environment, program="dg") as run:
        output, _ = run.communicate(timeout=120)
    assert run.returncode == 0, output
    assert told in output
    assert "Warning" not in output


def test_there_is_one_asset_for_each_file_and_each_raw_table() -> None:
    """A model without an asset is built by nobody."""
    keys = {key.to_user_string() for key in defs.resolve_asset_graph().get_all_asset_keys()}
    files = {f"{model.schema}/{model.name}" for model in load_project().models}
    assert keys == files | {f"printora_raw/{table.name}" for table in TABLES} | {"published"}


def test_dependencies_are_the_sqls() -> None:
    """Dependencies that are written down a second time are wrong after the next change."""
    graph = defs.resolve_asset_graph()
    for model in load_project().models:
        node = graph.get(dg.AssetKey([model.schema, model.name]))
        reads = {".".join(key.path) for key in node.parent_keys}
        assert reads == set(model.depends_on) - {BUILD_SETTINGS}


def test_assets_say_what_they_are() -> None:
    """Group, kinds, meaning and grain are what one sees of an asset before it was ever built."""
    graph = defs.resolve_asset_graph()
    mart = graph.get(dg.AssetKey(["analytics", "fct_orders"]))
    raw = graph.get(dg.AssetKey(["printora_raw", "orders"]))
    assert (mart.group_name, raw.group_name) == ("analytics", "printora_raw")
    assert (mart.kinds, raw.kinds) == ({"sql", "duckdb"}, {"dlt", "duckdb"})
    assert (mart.description or "").endswith("One row per order.")
    assert mart.metadata["file"] == "sql/analytics/fct_orders.sql"
    query = mart.metadata["query"]
    assert isinstance(query, dg.MarkdownMetadataValue)
    assert "select" in query.value
    assert {node.group_name for node in graph.asset_nodes} == {
        "printora_raw",
        "staging",
        "intermediate",
        "analytics",
        "readers",
    }


def test_the_job_holds_every_asset_and_check_in_six_ops() -> None:
    """Ingestion and models are apart, so that a retry of one does not repeat the other."""
    graph = defs.resolve_asset_graph()
    job = defs.resolve_job_def(JOB)
    ops = {"ingestion", "models", "checks", "certificates", "freshness", "published"}
    assert {node.name for node in job.nodes} == ops
    assert job.asset_layer.executable_asset_keys == graph.get_all_asset_keys()
    names = {key.name for key in graph.asset_check_keys}
    promises = {check.name.rpartition("__")[2] for check in load_project().promises}
    assert names == {check.name for check in load_project().checks} | promises | {
        "certificate",
        "data_is_fresh",
    }
    assert len(graph.asset_check_keys) > len(load_project().promises) > 70


def test_assets_say_whose_they_are_and_where_to_read_on() -> None:
    """Somebody who meets a red asset must find a person, the file and its docs."""
    address = "https://example.com/repo/blob/main/"
    environment = {
        "PRINTORA_OWNERS": "a@example.com, team:shop",
        "PRINTORA_REPOSITORY_URL": address,
    }
    graph = definitions(load_project(), load_automation(environment)).resolve_asset_graph()
    mart = graph.get(dg.AssetKey(["analytics", "fct_orders"]))
    assert list(mart.owners) == ["a@example.com", "team:shop"]
    assert mart.tags["layer"] == "analytics"
    assert mart.metadata["source"].value == f"{address}sql/analytics/fct_orders.sql"
    assert mart.metadata["docs"].value == f"{address}docs/data-dictionary.md"
    assert Path(mart.metadata["path"].value).exists()
    assert mart.automation_condition is not None
    usual = defs.resolve_asset_graph().asset_nodes
    assert all(node.owners and node.tags for node in usual)


def test_ingestion_has_a_freshness_policy() -> None:
    """A pipeline that stopped must show as late, though nothing failed."""
    automation = Automation(warn_after=timedelta(minutes=7), fail_after=timedelta(minutes=70))
    graph = definitions(load_project(), automation).resolve_asset_graph()
    for resource in ("orders", "webhook_logs", "sessions"):
        policy = graph.get(dg.AssetKey(["printora_raw", resource])).freshness_policy
        assert policy == dg.FreshnessPolicy.time_window(
            warn_window=timedelta(minutes=7), fail_window=timedelta(minutes=70)
        )


def test_a_broken_model_is_told_when_the_definitions_load(tmp_path: Path) -> None:
    """The code location's error must be ours, with file and hint, and not a stack of Dagster's."""
    folder = tmp_path / "sql" / "analytics"
    folder.mkdir(parents=True)
    (folder / "a.sql").write_text("select 1")
    with pytest.raises(ModelError, match=r"sql/analytics/a\.sql: it does not begin with a header"):
        definitions(load_project(tmp_path / "sql", layers=()), Automation())


def test_the_schedule_is_what_the_environment_says() -> None:
    """A setting that Dagster does not follow runs at the wrong time, and nobody looks."""
    automation = load_automation(
        {
            "PRINTORA_SCHEDULE": "on",
            "PRINTORA_SCHEDULE_CRON": "0 3 * * *",
            "PRINTORA_SCHEDULE_TIME_ZONE": "Europe/Berlin",
            "PRINTORA_WARN_AFTER_MINUTES": "1500",
            "PRINTORA_FAIL_AFTER_MINUTES": "3000",
        }
    )
    schedule = definitions(load_project(), automation).resolve_schedule_def(JOB)
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("0 3 * * *", "Europe/Berlin")
    assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING
    assert automation.warn_after == timedelta(hours=25)
    usual = definitions(load_project(), load_automation({})).resolve_schedule_def(JOB)
    assert (usual.cron_schedule, usual.execution_timezone) == ("*/15 * * * *", "UTC")
    assert usual.default_status == dg.DefaultScheduleStatus.STOPPED, "nobody asked for its quota"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PRINTORA_SCHEDULE", "yes"),
        ("PRINTORA_SCHEDULE_CRON", "every minute"),
        ("PRINTORA_SCHEDULE_TIME_ZONE", "Mars/Base"),
        ("PRINTORA_WARN_AFTER_MINUTES", "1h"),
        ("PRINTORA_FAIL_AFTER_MINUTES", "0"),
        ("PRINTORA_FAIL_AFTER_MINUTES", "60"),
        ("PRINTORA_OWNERS", "me"),
        ("PRINTORA_ALERT_URL", "hooks"),
        ("PRINTORA_ALERT_EMAIL_FROM", "c@example.com"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named(name: str, value: str) -> None:
    """The deployment does not start: the text is all that its operator has."""
    with pytest.raises(ConfigurationError, match=name.removesuffix("_FROM")):
        definitions(load_project(), load_automation({name: value}))
