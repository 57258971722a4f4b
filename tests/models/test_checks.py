"""Each check finds the failure that it guards against, and nothing in a sound warehouse."""

from __future__ import annotations

import pytest
from model_support import Warehouse, project
from truth_world import History, Scenario, insert

from pipelines.warehouse.build import build
from pipelines.warehouse.checks import run_checks

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
    "keys_are_unique": "insert into analytics.fct_orders from analytics.fct_orders limit 1",
    "latencies_add_up": "update analytics.delivery_latency_daily set open = open + 1",
    # fct_webhook_deliveries is a view of it.
    "logs_belong_to_known_orders": """
        update intermediate.int_webhook_deliveries set is_orphan = true
    """,
    "no_delivery_tries_for_ever": """
        update intermediate.int_webhook_deliveries set status = 'retrying'
    """,
    "quantiles_grow": "update analytics.delivery_latency_summary set p50_hours = p90_hours + 1",
    "quarantine_is_empty": "insert into printora_raw.quarantine (quarantine_id) values ('q1')",
    "rows_have_the_columns_they_need": "update analytics.fct_orders set total_amount = null",
    "sessions_come_from_a_ledger": "update analytics.data_freshness set last_outcome = 'skipped'",
    "sessions_add_up": "delete from analytics.fct_sessions where is_converted",
    "stage_times_are_not_negative": "update analytics.fct_orders set paid_to_shipped_hours = -1",
    "statuses_are_known": "update analytics.fct_orders set status = 'refunded'",
    "the_ledger_covers_the_orders": "update analytics.session_conversion_daily "
    "set ledger_coverage = 0.5",
    "times_do_not_lie_in_the_future": "update analytics.fct_sessions set cohort_date = null",
    "times_lie_within_their_bounds": "update analytics.fct_orders set paid_not_after = '2000-1-1'",
    "values_are_accepted": "update analytics.fct_sessions set status = 'done'",
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
    build(warehouse.connection, project(), history.settings)
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


@pytest.mark.parametrize(
    "column",
    [
        "analytics.fct_sessions.source",
        "analytics.fct_orders.milestone",
        "analytics.fct_orders.paid_at_source",
        "analytics.fct_orders.shipped_at_source",
        "analytics.fct_orders.delivered_at_source",
        "analytics.fct_orders.cancelled_at_source",
        "intermediate.int_webhook_deliveries.delivered_at_source",
        "analytics.delivery_latency_summary.stage",
        "analytics.delivery_latency_summary.dimension",
        "analytics.data_freshness.evidence",
    ],
)
def test_a_value_that_no_description_names_is_found(sound: Warehouse, column: str) -> None:
    """A filter on the values that are documented would miss these rows without a word."""
    table, name = column.rsplit(".", 1)
    sound.connection.execute("begin")
    try:
        sound.connection.execute(f"update {table} set {name} = 'nonsense'")  # noqa: S608
        (result,) = run_checks(sound.connection, project(), ["values_are_accepted"])
        assert not result.passed
    finally:
        sound.connection.execute("rollback")
