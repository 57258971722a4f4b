"""The marts' columns are a contract: each is there, described, and compared with the truth."""

from __future__ import annotations

import pytest
from model_support import Warehouse, project
from truth_marts import Marts
from truth_world import History, Scenario

from pipelines.warehouse import ModelSettings
from pipelines.warehouse.build import build

_TIMES = "paid_at shipped_at delivered_at cancelled_at"
CONTRACT = {
    "fct_sessions": "session_id created_at cohort_date status source orders paid_orders "
    "first_order_at first_paid_at is_ordered is_converted is_mature seconds_to_order "
    "seconds_to_paid revenue",
    "fct_orders": f"order_id session_id status currency total_amount created_at {_TIMES} "
    "paid_at_source shipped_at_source delivered_at_source cancelled_at_source "
    "created_to_paid_hours paid_to_shipped_hours shipped_to_delivered_hours "
    "paid_to_delivered_hours is_open carrier country",
    "fct_webhook_deliveries": "webhook_log_id order_id session_id event_type event_at status "
    "attempts first_attempt_delivered delivered_at seconds_to_deliver",
    "session_conversion_daily": "cohort_date sessions ordered_sessions paid_sessions order_rate "
    "paid_rate paid_rate_low paid_rate_high is_mature revenue ledger_coverage",
    "session_funnel": "step sessions rate rate_low rate_high rate_of_previous is_final",
    "orders_daily": "date date_basis currency orders paid_orders revenue net_revenue "
    "average_order_value",
    "delivery_latency_daily": "cohort_date stage orders ended cancelled open p50_hours p90_hours "
    "p95_hours naive_p50_hours",
    "delivery_latency_summary": "stage dimension value orders ended cancelled open p50_hours "
    "p90_hours p95_hours naive_p50_hours",
    "delivery_latency_curve": "stage hours at_risk ended cancelled cumulative_incidence",
    "webhook_health_daily": "event_date event_type events delivered delivered_first_attempt "
    "retrying failed p50_seconds p95_seconds p99_seconds",
    "webhook_gaps": "order_id event_type implied_by order_status expected_at",
    "order_status_history": "order_id status",
    "dim_dates": "date",
    "data_freshness": "resource complete_as_of evidence lag_seconds",
}


@pytest.fixture(scope="module")
def truth() -> Marts:
    """Return a small world's truth in which every mart has a row."""
    return Marts(History.of(Scenario("contract", lost=0.2), orders=60))


@pytest.mark.parametrize("mart", CONTRACT)
def test_no_column_of_the_contract_is_missing_or_unchecked(truth: Marts, mart: str) -> None:
    """A renamed column breaks a dashboard; one that no truth has can be wrong for years."""
    promised = set(CONTRACT[mart].split())
    model = next(m for m in project().models if m.qualified == f"analytics.{mart}")
    assert promised <= {column.name for column in model.columns}
    assert promised <= set(next(iter(getattr(truth, mart)())))


def test_every_mart_and_column_carries_its_description() -> None:
    """In a client, a column without a comment is a guess."""
    warehouse = Warehouse()
    build(warehouse.connection, project(), ModelSettings())
    found = warehouse.connection.execute(
        "select table_name || '.' || column_name, comment from duckdb_columns() "
        "where database_name = current_database() and schema_name = 'analytics'"
    ).fetchall()
    assert {name.split(".")[0] for name, _ in found} >= CONTRACT.keys()
    assert [name for name, comment in found if not comment] == []
