"""Each check finds the failure that it guards against, and nothing in a sound warehouse."""

from __future__ import annotations

import pytest
from model_support import Warehouse, project, undescribed
from truth_world import History, Scenario, insert

from pipelines.warehouse.build import build
from pipelines.warehouse.checks import run_check, run_checks
from pipelines.warehouse.project import Model

pytestmark = pytest.mark.xdist_group("checks")
#: Check to what somebody, some day, will have done to the warehouse.
DAMAGE = {
    "certificates_are_not_of_the_future": "update analytics.data_freshness set lag_seconds = -1",
    "counts_match_the_api": "delete from analytics.fct_orders where order_id like '%a'",
    "events_are_not_lost": "insert into analytics.webhook_gaps by name "
    "select 'o1' as order_id, 'order.paid' as event_type, 'none' as explanation",
    "every_order_has_its_session": "update analytics.fct_orders set session_id = 'nowhere'",
    "every_resource_is_proven_complete": "update analytics.data_freshness set is_complete = false",
    "funnel_steps_never_grow": "update analytics.session_conversion_daily "
    "set paid_sessions = ordered_sessions + 1",
    "immature_cohorts_have_no_rate": "update analytics.session_conversion_daily "
    "set is_mature = not is_mature",
    "latencies_add_up": "update analytics.delivery_latency_daily set open = open + 1",
    # fct_webhook_deliveries is a view of it.
    "logs_belong_to_known_orders": """
        update intermediate.int_webhook_deliveries set is_orphan = true
    """,
    "metrics_keep_to_their_weekday": """
        insert into analytics.metric_alerts by name
        select max(date) as date, 'gaps' as metric from analytics.dim_dates
    """,
    "no_delivery_tries_for_ever": """
        update intermediate.int_webhook_deliveries set status = 'retrying'
    """,
    "promises_add_up": "update analytics.delivery_sla_weekly set orders = orders + 1 "
    "where dimension = 'country'",
    "quantiles_grow": "update analytics.delivery_latency_summary set p50_hours = p90_hours + 1",
    "quarantine_is_empty": "insert into printora_raw.quarantine (quarantine_id) values ('q1')",
    "rows_have_the_columns_they_need": "update analytics.fct_orders set total_amount = null",
    "sessions_come_from_a_ledger": "update analytics.data_freshness set last_outcome = 'skipped'",
    "sessions_add_up": "delete from analytics.fct_sessions where is_converted",
    "stage_times_are_not_negative": "update analytics.fct_orders set paid_to_shipped_hours = -1",
    "statuses_are_known": "update analytics.fct_orders set status = 'on_hold'",
    "the_ledger_covers_the_orders": "update analytics.session_conversion_daily "
    "set ledger_coverage = 0.5",
    "times_do_not_lie_in_the_future": "update analytics.fct_sessions set cohort_date = null",
    "times_lie_within_their_bounds": "update analytics.fct_orders set paid_not_after = '2000-1-1'",
    "values_are_readable": """
        insert into printora_raw.value_issues by name
        select order_id as record_key, 'orders' as resource, 'null' as outcome, _seen_at
        from printora_raw.orders limit 1
    """,
    "webhook_events_add_up": "update analytics.webhook_health_daily set failed = failed + 1",
    "what_is_proven_is_fresh": "update analytics.data_freshness set lag_seconds = 100000",
}
CHECKS = [check.name for check in project().checks]


@pytest.fixture(scope="module")
def sound() -> Warehouse:
    """Return a warehouse in which nothing is wrong, not even a gap."""
    history = History.of(Scenario("sound"), orders=150)
    raw = history.raw()
    stored = {"orders": len(raw["orders"]), "webhook_logs": len(raw["webhook_logs"])}
    for run in raw["sync_runs"]:
        run["rows_stored"] = stored.get(run["resource"])
    warehouse = Warehouse()
    insert(warehouse.connection, raw)
    build(warehouse.connection, undescribed(), history.settings)
    return warehouse


def test_every_check_passes_on_a_sound_warehouse(sound: Warehouse) -> None:
    """A check that cries wolf is switched off, and then guards nothing."""
    assert [r.check.name for r in run_checks(sound.connection, project()) if not r.passed] == []


@pytest.mark.parametrize("check", CHECKS)
def test_the_check_finds_its_failure(sound: Warehouse, check: str) -> None:
    """A query that can never return a row looks exactly like one that finds nothing wrong."""
    sound.connection.execute("begin")
    try:
        sound.connection.execute(DAMAGE[check])
        (result,) = run_checks(sound.connection, project(), [check])
        assert not result.passed
    finally:
        sound.connection.execute("rollback")


def test_rows_that_only_the_api_counts_are_found(sound: Warehouse) -> None:
    """The table and its certificate agree, and both lack what the API says it has."""
    sound.connection.execute("begin")
    try:
        sound.connection.execute(
            "update analytics.data_freshness set rows_reported = rows_stored + 40"
        )
        (result,) = run_checks(sound.connection, project(), ["counts_match_the_api"])
        assert result.failures == 2
    finally:
        sound.connection.execute("rollback")


@pytest.mark.parametrize("model", [model.name for model in project().models])
def test_each_promise_of_a_header_is_missed_when_it_is_broken(sound: Warehouse, model: str) -> None:
    """A promise that nothing checks is a wish: each kind is broken once, on the real columns."""
    (found,) = (each for each in project().models if each.name == model)
    connection, table = sound.connection, found.qualified
    for check in found.checks:
        connection.execute("begin")
        connection.execute(f"create temp table copy as from {table}")
        connection.execute(f"drop {found.materialized} {table}")
        connection.execute(f"create table {table} as from copy")
        assert run_check(connection, check).passed, check.name
        connection.execute(_broken(found, check.name.rpartition("__")[2]))
        assert not run_check(connection, check).passed, check.name
        connection.execute("rollback")


def _broken(model: Model, promise: str) -> str:
    """Return what breaks a promise: two rows alike, with what must not be in one column."""
    contract = model.contract
    worst = {
        "key_is_unique": (None, "null"),
        "columns_are_not_null": (contract.not_null[-1:], "null"),
        "values_are_accepted": ([*contract.accepted][-1:], "'nonsense'"),
        "references_are_met": ([*contract.references][-1:], "'nonsense'"),
    }
    columns, value = worst[promise]
    selected = ", ".join(value if c.name in (columns or ()) else c.name for c in model.columns)
    return f"insert into {model.qualified} select {selected} from range(2) left join copy on true"  # noqa: S608
