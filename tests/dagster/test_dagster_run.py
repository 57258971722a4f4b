"""A real run of the main job: multiprocess executor, sandbox over HTTP, files on disk."""

from __future__ import annotations

import re
import sys
from base64 import b64decode
from collections.abc import Sequence
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluation as _Evaluation,
)
from dagster_support import ORDERS, MainRun

from assets.definitions import defs
from pipelines.warehouse import connect, load_project

sys.path.append(str(Path(__file__).parents[1] / "cli"))
from cli_support import everything

#: One process: Dagster's files come and go while another one has them open.
pytestmark = pytest.mark.xdist_group("main_run")


def _metadata(run: MainRun, *key: str) -> dict[str, object]:
    with run.place.instance() as instance:
        return _metadata_of(instance, *key)


def _metadata_of(instance: dg.DagsterInstance, *key: str) -> dict[str, object]:
    event = instance.get_latest_materialization_event(dg.AssetKey(key))
    assert event is not None, key
    assert event.asset_materialization is not None
    return {name: each.value for name, each in event.asset_materialization.metadata.items()}


def test_the_main_job_waits_for_the_database_and_succeeds(main_run: MainRun) -> None:
    """DuckDB has one writer: no run may fail because another process has the file."""
    assert main_run.exit_code == 0, main_run.output
    assert "Waiting: `somebody else` (PID" in main_run.output
    assert "multiprocess" in main_run.output.lower()


def test_everything_was_materialized_and_checked(main_run: MainRun) -> None:
    """An asset or check that the job leaves out goes stale, and nobody is told."""
    graph = defs.resolve_asset_graph()
    with main_run.place.instance() as instance:
        (record,) = instance.get_run_records()
        events = instance.all_logs(record.dagster_run.run_id)
    done = {event.asset_key for event in _of(events, "ASSET_MATERIALIZATION")}
    evaluations = [event.event_specific_data for event in _of(events, "ASSET_CHECK_EVALUATION")]
    checked = {each.asset_check_key for each in evaluations if isinstance(each, _Evaluation)}
    assert done == graph.get_all_asset_keys()
    assert checked == graph.asset_check_keys
    assert record.dagster_run.tags["printora/outcome"] == "complete"


def _of(events: Sequence[dg.EventLogEntry], kind: str) -> list[dg.DagsterEvent]:
    found = [event.dagster_event for event in events if event.dagster_event]
    return [event for event in found if event.event_type_value == kind]


def test_raw_assets_carry_their_certificate(main_run: MainRun) -> None:
    """Whether a load is complete must be seen on the asset, without a query."""
    metadata = _metadata(main_run, "printora_raw", "orders")
    assert metadata["dagster/row_count"] == ORDERS
    assert (metadata["outcome"], metadata["rows_stored"]) == ("complete", ORDERS)
    assert metadata["evidence"] in ("whole walk", "counts equal")
    assert isinstance(metadata["requests"], int)
    assert metadata["complete_as_of"]


def test_models_carry_rows_types_meanings_and_lineage(main_run: MainRun) -> None:
    """Dagster's page of a mart is what an analyst finds first: it must say what is in it."""
    metadata = _metadata(main_run, "analytics", "fct_orders")
    assert metadata["dagster/row_count"] == ORDERS
    schema, lineage = metadata["dagster/column_schema"], metadata["dagster/column_lineage"]
    assert isinstance(schema, dg.TableSchema)
    assert isinstance(lineage, dg.TableColumnLineage)
    columns = {column.name: column for column in schema.columns}
    assert columns["total_amount"].type == "DECIMAL(18,4)"
    assert columns["created_at"].type == "TIMESTAMP WITH TIME ZONE"
    assert all(column.description for column in schema.columns)
    source = dg.TableColumnDep(dg.AssetKey(["staging", "stg_printora__orders"]), "total_amount")
    assert lineage.deps_by_column["total_amount"] == [source]


def test_the_reports_plots_are_on_their_marts(main_run: MainRun) -> None:
    """A founder opens the asset to see the curve, and would find numbers only."""
    plot = str(_metadata(main_run, "analytics", "session_conversion_daily")["plot"])
    encoded = plot.partition("base64,")[2].rstrip(")")
    assert b"95 % interval" in b64decode(encoded)
    assert "plot" not in _metadata(main_run, "analytics", "fct_orders")


def test_row_counts_are_the_tables(main_run: MainRun) -> None:
    """A count that is not the table's is worse than none."""
    path = main_run.place.warehouse
    with connect(path, read_only=True) as connection, main_run.place.instance() as instance:
        for model in load_project().models:
            rows = connection.execute(f"select count(*) from {model.qualified}").fetchall()  # noqa: S608
            counted = _metadata_of(instance, model.schema, model.name)["dagster/row_count"]
            assert rows == [(counted,)], model.qualified


def test_the_key_is_written_nowhere(main_run: MainRun) -> None:
    """Dagster keeps what a run prints and raises, for everybody who may open its pages."""
    key = main_run.api_key
    assert key not in main_run.output
    files = [path for path in main_run.place.folder.rglob("*") if path.is_file()]
    assert len(files) > 5
    assert [path for path in files if key.encode() in path.read_bytes()] == []


#: What the sandbox's customers are called, and where they can be reached; and what logs them in.
_PEOPLE = re.compile(
    rb"user-[0-9a-f]{16}@|Customer [0-9a-f]{6}|\+1555[0-9]{7}|[0-9]+ Example Street"
    rb"|tok_[0-9a-f]{16}"
)


def test_nobody_is_in_what_a_run_of_dagster_leaves(main_run: MainRun) -> None:
    """Dagster keeps what a run prints, raises and previews, in files that nobody thinks of."""
    ledger = main_run.place.ledger
    assert len(_PEOPLE.findall(ledger.read_bytes())) > ORDERS  # or the search finds nothing anyway
    found = {
        name: sorted(set(marks))
        for name, content in [*everything(main_run.place.folder), ("", main_run.output.encode())]
        if name != str(ledger) and (marks := _PEOPLE.findall(content))
    }
    assert found == {}
