"""The ops one by one, in this process: what they do when things do not go well."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster_support import Place, write_check, write_model

from assets import running
from assets.certificates import certificate_checks, judge
from assets.checks import model_checks
from assets.freshness import freshness_checks
from assets.ingestion import raw_assets
from assets.models import model_assets
from assets.resources import ClientResource, PartnerResource, WarehouseResource, resources
from assets.running import may_pass
from assets.settings import Automation
from pipelines.cli.certificates import Freshness
from pipelines.client.errors import Unauthorized, Unreachable
from pipelines.errors import ConfigurationError, ModelError, PrintoraError, WarehouseLocked
from pipelines.source.schema import TABLES
from pipelines.sync import ResourceCertificate, SyncResult
from pipelines.warehouse import connect, load_project
from pipelines.warehouse.raw import ensure_raw_tables

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
_SECRET = "sk_test_never_to_be_seen"


@pytest.fixture
def ready(in_place: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A place with an empty warehouse and settings that reach no server."""
    monkeypatch.setenv("SOURCES__PRINTORA__API_KEY", _SECRET)
    monkeypatch.setenv("SOURCES__PRINTORA__PARTNER_ID", "partner")
    monkeypatch.setenv("SOURCES__PRINTORA__BASE_URL", "http://127.0.0.1:9")
    with connect(in_place.warehouse) as connection:
        ensure_raw_tables(connection)
    return in_place


def _client_that(act: Callable[[], SyncResult]) -> tuple[ClientResource, list[dict[str, Any]]]:
    """Return a client whose syncs do what a test says, and what they were asked."""
    calls: list[dict[str, Any]] = []

    class Client(ClientResource):
        def sync(self, settings: Any, **asked: Any) -> SyncResult:
            calls.append({"settings": settings, **asked})
            return act()

    return Client(), calls


def _result(outcome: str, reason: str | None = None) -> SyncResult:
    parts = {
        name: ResourceCertificate(name, NOW, NOW, outcome=outcome, reason=reason, requests=3)
        for name in ("orders", "webhook_logs", "sessions")
    }
    return SyncResult("20260301T120000", parts, 9, {"day": 7991})


def _name(event: dg.DagsterEvent) -> str:
    assert event.asset_key is not None
    return event.asset_key.path[-1]


def _ingest(
    place: Place, client: ClientResource, config: dict[str, Any] | None = None, *selected: str
) -> dg.ExecuteInProcessResult:
    with place.instance() as instance:
        return dg.materialize(
            [raw_assets(Automation())],
            selection=[dg.AssetKey(["printora_raw", name]) for name in selected] or None,
            instance=instance,
            resources={**resources(), "client": client},
            run_config=config,
            raise_on_error=False,
        )


def test_a_partial_load_is_a_success_that_says_so(ready: Place) -> None:
    """A used-up quota is no failure: what was read is loaded, and the next run goes on."""
    client, _ = _client_that(lambda: _result("partial", "the quota is used up"))
    done = _ingest(ready, client)
    assert done.success
    (event,) = [e for e in done.get_asset_materialization_events() if _name(e) == "orders"]
    metadata = event.materialization.metadata
    assert metadata["outcome"].value == "partial"
    assert metadata["reason"].value == "the quota is used up"
    with ready.instance() as instance:
        (record,) = instance.get_run_records()
    assert record.dagster_run.tags["printora/outcome"] == "partial"


def test_a_failed_sync_fails_its_op(ready: Place) -> None:
    """Models that are built on a failed load would look current."""
    client, _ = _client_that(lambda: _result("failed", "broken answers"))
    done = _ingest(ready, client)
    assert not done.success
    failure = done.failure_data_for_node("ingestion")
    assert failure is not None
    assert "The sync failed: orders: broken answers" in str(failure.error)


def test_an_error_with_a_remedy_is_shown_with_it_and_not_tried_again(ready: Place) -> None:
    """A wrong key is as wrong a minute later, and the operator needs the remedy, not a stack."""

    def refuse() -> SyncResult:
        raise Unauthorized("The key is not known.", request="GET /orders", status=401)

    client, calls = _client_that(refuse)
    done = _ingest(ready, client)
    assert not done.success
    assert len(calls) == 1
    failure = done.failure_data_for_node("ingestion")
    assert failure is not None
    assert failure.user_failure_data is not None
    assert "Check SOURCES__PRINTORA__API_KEY" in str(failure.user_failure_data.description)
    with ready.instance() as instance:
        told = str(instance.all_logs(done.run_id))
    assert "not known" in told
    assert _SECRET not in told


@pytest.mark.parametrize(("failures", "success"), [(2, True), (3, False)])
def test_what_may_pass_is_tried_again_and_told_plainly_in_the_end(
    ready: Place, monkeypatch: pytest.MonkeyPatch, failures: int, success: bool
) -> None:
    """A cut connection at night must not need a person; a dead network must be named."""
    monkeypatch.setattr(running, "RETRY_SECONDS", 0)

    def act() -> SyncResult:
        if len(calls) <= failures:
            raise Unreachable("No answer.", request="GET /orders")
        return _result("complete")

    client, calls = _client_that(act)
    done = _ingest(ready, client)
    assert (done.success, len(calls)) == (success, 3)
    if not success:
        failure = done.failure_data_for_node("ingestion")
        assert failure is not None
        assert failure.user_failure_data is not None
        assert "Check the network" in str(failure.user_failure_data.description)


def test_a_bug_is_not_tried_again(ready: Place) -> None:
    """It fails the same way each time, and the pauses hide it for minutes."""

    def act() -> SyncResult:
        raise KeyError("a bug")

    client, calls = _client_that(act)
    assert not _ingest(ready, client).success
    assert len(calls) == 1


@pytest.mark.parametrize("where", ["away", "foreign"])
def test_a_file_that_is_not_printoras_any_more_fails_the_run(ready: Place, where: str) -> None:
    """Marts of nothing would be built into a new, empty file, and the run be green."""

    def act() -> SyncResult:
        ready.warehouse.rename(ready.folder / "away.duckdb")
        connect(ready.warehouse).close()
        return _result("complete")

    if where == "foreign":
        ready.warehouse.unlink()
        with connect(ready.warehouse) as connection:
            connection.execute("create table invoices as select 1")
    client, calls = _client_that(act)
    done = _ingest(ready, client)
    assert (done.success, len(calls)) == (False, where == "away")
    failure = done.failure_data_for_node("ingestion")
    assert failure is not None
    words = {"away": "was moved away or replaced", "foreign": "somebody else's database"}
    assert words[where] in str(failure.user_failure_data)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (Unreachable("No answer.", request="GET /orders"), True),
        (WarehouseLocked("In use."), True),
        (Unauthorized("No.", request="GET /orders"), False),
        (ConfigurationError("Missing."), False),
        (ModelError("Wrong."), False),
    ],
)
def test_only_what_may_pass_is_tried_again(error: PrintoraError, expected: bool) -> None:
    """Retrying what cannot pass costs quota and hides the error for minutes."""
    assert may_pass(error) is expected


def test_a_launch_says_what_one_run_may_use(ready: Place) -> None:
    """A budget or a full read needed another environment, and the code location's restart."""
    client, calls = _client_that(lambda: _result("complete"))
    config = {
        "ops": {"ingestion": {"config": {"budget": 7, "full": True}}},
        "resources": {"partner": {"config": {"partner_id": "another"}}},
    }
    assert _ingest(ready, client, config).success
    (call,) = calls
    assert (call["budget"], call["full"]) == (7, True)
    assert call["settings"].partner_id == "another"
    assert call["settings"].api_key == _SECRET, "what is not said is as configured"


def test_one_raw_table_can_be_launched_and_the_others_are_told_of(ready: Place) -> None:
    """It was refused with a stack; and the sync of one list reads what proves it in the others."""
    client, calls = _client_that(lambda: _result("complete"))
    done = _ingest(ready, client, None, "orders")
    assert (done.success, len(calls)) == (True, 1)
    told = {_name(event) for event in done.get_asset_materialization_events()}
    assert told == {table.name for table in TABLES}


def test_a_second_partner_is_resources_and_no_other_environment(
    ready: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two partners in one deployment would read and write each other's warehouse."""
    monkeypatch.setenv("KEY_OF_TWO", "sk_test_of_two")
    partner = PartnerResource(api_key=dg.EnvVar("KEY_OF_TWO"), partner_id="two")
    warehouse = WarehouseResource(path=str(tmp_path / "two.duckdb"))
    client, calls = _client_that(lambda: _result("complete"))
    with ready.instance() as instance:
        done = dg.materialize(
            [raw_assets(Automation())],
            instance=instance,
            resources={"partner": partner, "client": client, "warehouse": warehouse},
        )
        assert "sk_test_of_two" not in str(instance.all_logs(done.run_id))
    (call,) = calls
    assert (call["settings"].api_key, call["settings"].partner_id) == ("sk_test_of_two", "two")
    assert call["settings"].warehouse_path == tmp_path / "two.duckdb"
    with connect(tmp_path / "two.duckdb", read_only=True) as connection:
        assert connection.execute("select count(*) from printora_raw.orders").fetchall() == [(0,)]


def _models(place: Place, root: Path, *selected: str) -> dg.ExecuteInProcessResult:
    selection = [dg.AssetKey(["analytics", name]) for name in selected]
    with place.instance() as instance:
        return dg.materialize(
            [model_assets(load_project(root, layers=()), Automation())],
            selection=selection or None,
            instance=instance,
            resources=resources(),
            raise_on_error=False,
        )


def test_one_model_can_be_built_on_its_own(ready: Place, tmp_path: Path) -> None:
    """Who mends one mart must not have to rebuild the others, nor see them as rebuilt."""
    root = tmp_path / "sql"
    for name in ("x", "y", "z"):
        write_model(root, f"analytics/{name}", "select 1 as a")
    done = _models(ready, root, "y", "z")
    assert done.success
    keys = {_name(event) for event in done.get_asset_materialization_events()}
    assert keys == {"y", "z"}
    with connect(ready.warehouse, read_only=True) as connection:
        tables = connection.execute(
            "select table_name from duckdb_tables() where schema_name = 'analytics' order by all"
        ).fetchall()
    assert tables == [("y",), ("z",)]


def test_a_mart_after_a_sync_takes_along_what_must_agree(ready: Place, tmp_path: Path) -> None:
    """One mart of today beside others of yesterday adds up to nothing, and nobody was told."""
    root = tmp_path / "sql"
    write_model(root, "staging/s", "select count(*) as a from printora_raw.orders")
    for name in ("x", "y"):
        write_model(root, f"analytics/{name}", "from staging.s", "key: [a]")
    assert _models(ready, root).success
    with connect(ready.warehouse) as connection:
        connection.execute("insert into printora_raw.orders (order_id) values ('new')")
    done = _models(ready, root, "x")
    told = {_name(event): event for event in done.get_asset_materialization_events()}
    assert told.keys() == {"s", "x", "y"}
    tags = [event.materialization.tags or {} for event in told.values()]
    versions = {each["dagster/data_version"] for each in tags}
    assert len(versions) == 2, "x and y are one select"
    (one, other) = done.get_asset_check_evaluations()
    assert {one.check_name, other.check_name} == {"key_is_unique", "columns_are_not_null"}
    with connect(ready.warehouse, read_only=True) as connection:
        assert connection.execute("from analytics.x union all from analytics.y").fetchall() == [
            (1,),
            (1,),
        ]


def test_a_model_that_fails_leaves_no_asset_as_built(ready: Place, tmp_path: Path) -> None:
    """The build is undone as a whole: a materialization of what was undone would be a lie."""
    root = tmp_path / "sql"
    write_model(root, "analytics/x", "select 1 as a")
    write_model(root, "analytics/y", "select nonsense as a")
    done = _models(ready, root)
    assert not done.success
    assert done.get_asset_materialization_events() == []
    failure = done.failure_data_for_node("models")
    assert failure is not None
    assert failure.user_failure_data is not None
    assert "sql/analytics/y.sql:6: Binder Error" in str(failure.user_failure_data.description)


def test_an_error_keeps_back_what_stands_on_it_and_a_warning_does_not(
    ready: Place, tmp_path: Path
) -> None:
    """Whoever reads further down the graph would be handed what a check has found to be wrong."""
    root = tmp_path / "sql"
    write_model(root, "analytics/x", "select 1 as a")

    @dg.asset(deps=[dg.AssetKey(["analytics", "x"])])
    def reader() -> None:
        """Stand on the mart."""

    for severity, reached in (("warn", True), ("error", False)):
        write_check(
            root, "finds", "from analytics.x", f"models: [analytics.x]\nseverity: {severity}"
        )
        project = load_project(root, layers=())
        with ready.instance() as instance:
            done = dg.materialize(
                [model_assets(project, Automation()), model_checks(project), reader],
                instance=instance,
                resources=resources(),
                raise_on_error=False,
            )
        told = {_name(event) for event in done.get_asset_materialization_events()}
        assert ("reader" in told) is reached


def test_a_check_of_tables_of_two_ages_is_not_run(ready: Place, tmp_path: Path) -> None:
    """It would find what the next build mends, and accuse the API of it."""
    root = tmp_path / "sql"
    write_model(root, "analytics/x", "select count(*) as a from printora_raw.orders")
    write_check(root, "finds", "from analytics.x where a < 99", "models: [analytics.x]")
    assert _models(ready, root).success
    with connect(ready.warehouse) as connection:
        connection.execute("insert into printora_raw.orders (order_id) values ('new')")
    checks = model_checks(load_project(root, layers=()))
    job = dg.define_asset_job("only_checks", selection=dg.AssetSelection.checks(checks))
    defined = dg.Definitions(asset_checks=[checks], jobs=[job], resources=resources())
    with ready.instance() as instance:
        done = defined.resolve_job_def("only_checks").execute_in_process(instance=instance)
    (found,) = done.get_asset_check_evaluations()
    assert (found.passed, found.severity.value) == (False, "WARN")
    assert str(found.description).startswith("Not run: analytics.x is older")


def test_checks_show_the_rows_and_what_to_do(ready: Place, tmp_path: Path) -> None:
    """At night, the check's page is all that there is."""
    root = tmp_path / "sql"
    write_model(root, "analytics/x", "select range as a from range(9)")
    write_model(root, "analytics/y", "select 1 as a")
    models = "models: [analytics.x, analytics.y]"
    write_check(root, "warns", "from analytics.x", f"{models}\nseverity: warn")
    write_check(root, "fails", "from analytics.x where a = 3", models)
    write_check(root, "passes", "from analytics.x where a > 99", models)
    project = load_project(root, layers=())
    with ready.instance() as instance:
        done = dg.materialize(
            [model_assets(project, Automation()), model_checks(project)],
            instance=instance,
            resources=resources(),
            raise_on_error=False,
        )
    found = {each.check_name: each for each in done.get_asset_check_evaluations()}
    assert {name: (each.passed, each.severity.value) for name, each in found.items()} == {
        "warns": (False, "WARN"),
        "fails": (False, "ERROR"),
        "passes": (True, "ERROR"),
    }
    assert found["warns"].metadata["offending rows"].value == 9
    assert found["warns"].metadata["what to do"].value == "Mend it."
    table = found["fails"].metadata["first rows"]
    assert isinstance(table, dg.TableMetadataValue)
    assert [record.data for record in table.records] == [{"a": "3"}]


_PROVEN = Freshness("complete", "", NOW, NOW - timedelta(minutes=5))
_EVALUATIONS: dict[str, tuple[Freshness | None, bool, bool, str]] = {
    "fresh": (_PROVEN, True, False, "5 min old"),
    "never": (None, False, True, "never synced"),
    "failed": (replace(_PROVEN, outcome="failed", reason="no"), False, True, "failed: no"),
    "partial": (replace(_PROVEN, outcome="partial", reason="quota"), False, False, "quota"),
    "first load": (
        Freshness("partial", "under way", NOW, None),
        False,
        False,
        "under way",
    ),
    "late": (
        replace(_PROVEN, complete_as_of=NOW - timedelta(minutes=61)),
        False,
        False,
        "61 min old",
    ),
    "too late": (
        replace(_PROVEN, complete_as_of=NOW - timedelta(hours=7)),
        False,
        True,
        "7 h old",
    ),
    "partial for too long": (
        Freshness("partial", "quota", NOW, NOW - timedelta(hours=7)),
        False,
        True,
        "7 h old",
    ),
    "stopped": (
        Freshness("partial", "no ledger", NOW - timedelta(hours=7), None),
        False,
        True,
        "7 h old",
    ),
}


@pytest.mark.parametrize("case", _EVALUATIONS)
def test_a_certificate_is_judged_by_what_it_proves(case: str) -> None:
    """Late and incomplete data must be seen at a glance, and told from data that is lost."""
    certificate, passed, is_serious, text = _EVALUATIONS[case]
    evaluation = judge(certificate, NOW, Automation())
    assert (evaluation.passed, evaluation.is_serious) == (passed, is_serious)
    assert text in evaluation.text


def test_late_is_judged_in_one_place() -> None:
    """A mart is called fresh, and the list that it stands on late, at the same minute."""
    paths = [*(Path(__file__).parents[2] / "assets").glob("*.py")]
    judging = {path.name for path in paths if "age <= automation" in path.read_text()}
    assert judging == {"certificates.py"}


def test_certificates_are_checked_though_no_sync_runs(ready: Place) -> None:
    """A pipeline that stopped is what this check is for: it must not need a sync to be told."""
    now = datetime.now(UTC)
    with connect(ready.warehouse) as connection:
        connection.executemany(
            "insert into printora_raw.sync_runs (sync_id, resource, outcome, ended_at, "
            "complete_as_of, reason) values (?, ?, ?, ?, ?, ?)",
            [
                ["1", "orders", "complete", now, now, None],
                ["2", "orders", "partial", now, None, "quota"],
                ["1", "webhook_logs", "complete", now, now, None],
            ],
        )
    checks = certificate_checks(Automation())
    job = dg.define_asset_job("only_checks", selection=dg.AssetSelection.checks(checks))
    definitions = dg.Definitions(asset_checks=[checks], jobs=[job], resources=resources())
    with ready.instance() as instance:
        done = definitions.resolve_job_def("only_checks").execute_in_process(instance=instance)
    found = {each.asset_key.path[-1]: each for each in done.get_asset_check_evaluations()}
    assert {name: (each.passed, each.severity.value) for name, each in found.items()} == {
        "orders": (False, "WARN"),
        "webhook_logs": (True, "WARN"),
        "sessions": (False, "ERROR"),
    }


@pytest.mark.parametrize(
    ("age", "passed", "severity"),
    [("5 minutes", True, "WARN"), ("2 hours", False, "WARN"), ("7 hours", False, "ERROR")],
)
def test_a_mart_is_as_fresh_as_what_is_proven_of_its_lists(
    ready: Place, tmp_path: Path, age: str, passed: bool, severity: str
) -> None:
    """Built a minute ago of yesterday's data, it would pass for today's."""
    root = tmp_path / "sql"
    write_model(root, "intermediate/i", "select count(*) as a from printora_raw.orders")
    write_model(root, "analytics/x", "from intermediate.i")
    write_model(root, "analytics/dates", "select 1 as a")
    with connect(ready.warehouse) as connection:
        connection.execute(
            "create schema analytics; create table analytics.data_freshness as select unnest("
            f"['orders', 'sessions']) as resource, now() - interval '{age}' as complete_as_of"
        )
    checks = freshness_checks(load_project(root, layers=()), Automation())
    job = dg.define_asset_job("only_checks", selection=dg.AssetSelection.checks(checks))
    defined = dg.Definitions(asset_checks=[checks], jobs=[job], resources=resources())
    with ready.instance() as instance:
        done = defined.resolve_job_def("only_checks").execute_in_process(instance=instance)
    (found,) = done.get_asset_check_evaluations()
    assert found.asset_key.path[-1] == "x", "dates stand on no list"
    assert (found.passed, found.severity.value) == (passed, severity)
