# ruff: noqa: E501 - a row of a table is one line
"""data_freshness and dim_dates: how far the data reaches, and the calendar it lies in."""

from __future__ import annotations

import sys
from pathlib import Path

from model_support import Warehouse, project, upstream

from pipelines.warehouse import ModelSettings
from pipelines.warehouse.build import build
from pipelines.warehouse.checks import run_checks

sys.path.insert(0, str(Path(__file__).parents[1] / "sync"))

from fast import fast_world

FRESHNESS = "analytics.data_freshness"
DATES = "analytics.dim_dates"


def test_the_best_certificate_and_the_last_sync_are_told_apart(warehouse: Warehouse) -> None:
    """A partial sync after a complete one: still proven as of the first, no longer complete."""
    warehouse.given(
        "sync_runs",
        """
        sync_id | resource | ended_at    | outcome  | complete_as_of | evidence     | reason
        r1      | orders   | 03-01 10:05 | complete | 03-01 10:00    | counts equal | -
        r2      | orders   | 03-01 11:00 | partial  | -              | not proven   | quota
        """,
    )
    warehouse.given("orders", "order_id | status | _seen_at \n o1 | paid | 03-01 11:00")
    warehouse.expect(
        FRESHNESS,
        """
        resource     | as_of       | complete_as_of | evidence     | is_proven | is_complete | lag_seconds | last_reason
        orders       | 03-01 10:00 | 03-01 10:00    | counts equal | true      | false       | 3600        | quota
        sessions     | -           | -              | not proven   | false     | false       | -           | -
        webhook_logs | -           | -              | not proven   | false     | false       | -           | -
        """,
    )


def test_without_a_certificate_the_newest_look_is_as_of(warehouse: Warehouse) -> None:
    """The query's own time would make the same data give other marts tomorrow."""
    warehouse.given(
        "orders",
        """
        order_id | status | _seen_at
        o1       | paid   | 03-01 11:00
        o2       | paid   | 03-01 12:00
        """,
    )
    warehouse.expect(
        FRESHNESS,
        "resource | as_of | is_proven \n orders | 03-01 12:00 | false",
        where="resource = 'orders'",
    )


def test_dates_have_no_holes_and_their_real_length(warehouse: Warehouse) -> None:
    """A day on which nothing happened would be missing from every chart."""
    warehouse.settings = {"report_time_zone": "America/New_York"}
    warehouse.given("sessions", "session_id | created_at \n s1 | 03-07 12:00")
    warehouse.looked_at("03-10 03:00")
    warehouse.expect(
        DATES,
        """
        date  | day_name | iso_week | is_weekend | starts_at   | hours | is_over
        03-07 | Saturday | 10       | true       | 03-07 05:00 | 24    | true
        03-08 | Sunday   | 10       | true       | 03-08 05:00 | 23    | true
        03-09 | Monday   | 11       | false      | 03-09 04:00 | 24    | false
        """,
    )


def test_a_certificate_of_the_future_does_not_stop_the_clock(warehouse: Warehouse) -> None:
    """One answer with a wrong Date would be "now" for ever: nothing newer ever counted again."""
    warehouse.given(
        "sync_runs",
        """
        sync_id | resource     | ended_at    | outcome  | complete_as_of   | evidence
        r1      | orders       | 03-01 10:05 | complete | 2088-01-01 00:00 | whole walk
        r2      | orders       | 03-01 11:05 | complete | 03-01 11:00      | counts equal
        r3      | orders       | 03-01 12:05 | partial  | -                | not proven
        r1      | webhook_logs | 03-01 10:05 | complete | 2088-01-01 00:00 | whole walk
        """,
    )
    warehouse.given("orders", "order_id | status | _seen_at \n o1 | paid | 2088-01-01 00:00")
    warehouse.expect(
        FRESHNESS,
        """
        resource     | as_of       | is_proven | complete_as_of   | lag_seconds
        orders       | 03-01 11:00 | true      | 03-01 11:00      | 3900
        webhook_logs | 03-01 10:05 | true      | 2088-01-01 00:00 | -1951386900
        sessions     | -           | false     | -                | -
        """,
    )
    warehouse.expect(DATES, "date \n 03-01")


def test_one_look_of_the_future_is_not_now(warehouse: Warehouse) -> None:
    """Without a proof the newest look counts, but not beyond the end of the sync that made it."""
    warehouse.given("orders", "order_id | status | _seen_at \n o1 | paid | 2088-01-01 00:00")
    warehouse.given(
        "sync_runs",
        "sync_id | resource | ended_at | outcome \n r1 | orders | 03-01 10:05 | partial",
    )
    warehouse.expect(
        FRESHNESS, "as_of | is_proven \n 03-01 10:05 | false", where="resource = 'orders'"
    )


def test_one_bad_line_of_a_ledger_bends_no_calendar(warehouse: Warehouse) -> None:
    """A session of 2126 would make a century of days, and one of 1970 half of one."""
    warehouse.given(
        "sessions",
        """
        session_id | created_at
        s1         | 03-01 12:00
        wrong1     | 2126-01-01 12:00
        wrong2     | 1970-01-01 00:00
        """,
    )
    warehouse.given(
        "orders", "order_id | session_id | status | created_at \n o1 | s1 | paid | 03-01 12:10"
    )
    warehouse.looked_at("03-03 18:00")
    warehouse.expect(DATES, "date \n 03-01 \n 03-02 \n 03-03")
    warehouse.expect("analytics.session_conversion_daily", "cohort_date | sessions \n 03-01 | 1")
    warehouse.build()
    (check,) = run_checks(warehouse.connection, project(), ["times_do_not_lie_in_the_future"])
    assert sorted(row["id"] or "" for row in check.sample) == ["wrong1", "wrong2"]


def test_a_day_is_over_when_the_orders_of_it_are_known(warehouse: Warehouse) -> None:
    """A ledger that was read today would make a day without known orders look like a bad one."""
    warehouse.given(
        "sessions", "session_id | created_at | _seen_at \n s1 | 03-08 09:00 | 03-09 10:00"
    )
    warehouse.given("orders", "order_id | created_at | _seen_at \n o1 | 03-06 10:00 | 03-07 10:00")
    warehouse.given(
        "sync_runs",
        """
        sync_id | resource | ended_at    | complete_as_of | outcome
        r1      | orders   | 03-07 10:00 | 03-07 10:00    | complete
        r2      | orders   | 03-09 10:00 | -              | partial
        r2      | sessions | 03-09 10:00 | 03-09 10:00    | complete
        """,
    )
    warehouse.expect(
        "analytics.dim_dates",
        """
        date  | is_over
        03-06 | true
        03-07 | false
        03-08 | false
        03-09 | false
        """,
    )


def test_lists_without_a_total_are_built_with_what_proves_them(tmp_path: Path) -> None:
    """Each build of an account whose lists give no total would stop at the word of their proof."""
    with fast_world(tmp_path, 60, {"total": "missing"}) as here:
        assert here.sync().exit_code == 0
        build(here.connection, project(), ModelSettings(), select=upstream(FRESHNESS))
        told = dict(here.query("select resource, evidence from analytics.data_freshness"))
    assert told["orders"] == told["webhook_logs"] == "end seen twice"
